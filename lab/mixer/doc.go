// Package mixer holds the mechanisms by which a layer of a sequence model looks
// at the past, one file each, and puts models together from them.
//
// In: a Config. Out: a program of lab/graph for a batch of any shape (Forward)
// or for one more token (Step), its parameters and how they begin (Params), and
// the config.json from which package arch states its memory.
//
// A mechanism is written once: projections in primitives, and the operations
// that look at the past by way of a sequence, which either treats all tokens
// at once (training form) or one token and a state (step form). To add one,
// write its file and name it in mechanisms; the battery of this package then
// checks that the future changes nothing, that both forms agree, that the state
// is what arch says, and that the gradients are right.
package mixer
