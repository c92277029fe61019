// Package arch states how much of the past an architecture keeps, as an exact function
// of length, and compares that with a law of the data.
//
// [Parse] reads a Hugging Face config.json or the metadata of a GGUF file and returns a
// [Model], layer by layer. State is its state after L tokens in elements by kind,
// State.Bytes its size; Growth says how it grows, and Audit whether it is enough.
//
// # What is counted
//
// The history state is everything needed after L tokens to process token L + 1, at
// batch size 1, in stored numbers. It includes only the past, so a sliding window of W
// has min(L, W − 1) entries (a query sees W keys, including its own) and a causal
// convolution of kernel k has k − 1 columns. Not counted: vision towers,
// cross-attention to images, layers that predict further tokens, position counters,
// padding. Implementations may allocate more: k columns, keys and values expanded from
// a latent, a full cache for local layers.
//
// # The condition
//
// A state of d elements with C nats each has at most C·d nats about the future (plus ln
// of the vocabulary for the last token; L²M, arXiv 2503.04725, theorem 1). So a model
// can follow I(L) = A·L^β at every length only if its state grows at least like L^β.
// The hard crossover is the length from which even all bits of the state are fewer than
// I(L)/ln 2; at an effective capacity of C nats per element it is the length from which
// C·d(L) < I(L). The interval of the law gives an interval of the crossover.
//
// # Adding a family
//
// A family is a variable in a family_*.go file: the model types, the implementation
// that is the source of the formula, and a function from the keys of the configuration
// to layers, built from the mechanisms in parts.go. Add it to families (family.go) and
// add a checkpoint to checkpoints_test.go.
//
// Parsing takes tens of microseconds; State costs one multiplication per part and
// layer.
package arch
