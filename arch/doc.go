// Package arch states how much of the past an architecture keeps, as an exact
// function of length, and holds that against a law of the data.
//
// In: a Hugging Face config.json or the metadata of a GGUF file (Parse). Out: a
// Model, layer by layer; its state after L tokens in elements by kind (State)
// and in bytes (State.Bytes); how it grows (Growth); and whether it is enough
// (Audit).
//
// # What is counted
//
// The history state is what must be at hand after L tokens in order to process
// token L + 1, batch 1, in stored numbers. Only the past counts, so a sliding
// window of W holds min(L, W − 1) entries (a query sees W keys, its own among
// them) and a causal convolution of kernel k holds k − 1 columns. Not counted:
// vision towers, cross-attention to images, layers that predict further
// tokens, position counters, padding. Implementations may allocate more: k
// columns, keys and values expanded from a latent, a full cache for local
// layers.
//
// # The condition
//
// A state of d elements that carry C nats each holds at most C·d nats about the
// future (plus ln of the vocabulary for the last token; L²M, arXiv 2503.04725,
// theorem 1). So a model can follow I(L) = A·L^β at every length only if its
// state grows at least like L^β. The hard crossover is the length from which on
// even all bits of the state are fewer than I(L)/ln 2; at an effective capacity
// of C nats per element it is the length from which on C·d(L) < I(L). The
// interval of the law carries through to an interval of the crossover.
//
// # Adding a family
//
// A family is a variable in a family_*.go file: the model types, the
// implementation that the formula was read from, and a function from the keys of
// the configuration to layers, put together from the mechanisms in parts.go.
// Name it in families (family.go) and add a checkpoint to checkpoints_test.go.
//
// Parsing takes tens of microseconds; State costs one multiplication per part and
// layer.
package arch
