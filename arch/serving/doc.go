// Package serving computes the memory that serving a model takes: whether a context and
// a batch fit on a device next to the weights, the longest context that does, what
// engines allocate beyond what is needed, and how many bytes a step must read, which
// bounds its speed.
//
// [New] computes a [Fit] for an arch.Model and [Options]. The caches come from arch,
// exactly; the rules of the engines come from their sources, which are cited.
// Activations and the engines' own overhead are not modelled: reserve memory for them
// with Options.Overhead.
package serving
