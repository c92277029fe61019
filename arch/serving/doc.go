// Package serving says what serving a model takes of memory: whether a context
// and a batch fit on a device beside the weights, which context is the longest
// that does, what engines allocate where less is needed, and how many bytes a
// step must read, which bounds its speed.
//
// In: an arch.Model and Options. Out: a Fit. The caches come from arch, exactly;
// the rules of the engines are read from their sources and named beside them.
// Activations and the engines' own overhead are not derived: set them aside with
// Options.Overhead.
package serving
