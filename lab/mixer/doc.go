// Package mixer has the mechanisms by which a layer of a sequence model accesses the
// past, one file each, and builds models from them.
//
// From a [Config] it builds a program of lab/graph for a batch of any shape (Forward)
// or for one more token (Step), its parameters and their initial values (Params), and
// the config.json from which package arch computes its memory.
//
// A mechanism is written once: projections in primitives, and operations on the past
// through a sequence, which handles either all tokens at once (training form) or one
// token and a state (step form). To add one, write its file and add it to mechanisms.
// The tests of this package then check that predictions do not depend on the future,
// that both forms agree, that the state is what arch says, and that the gradients are
// right.
package mixer
