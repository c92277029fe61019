// Package graph holds programs: values of fixed shape, computed from
// parameters and inputs by some thirty primitives, and their derivatives.
//
// A program is built once for a batch and a length and then run many times. In:
// calls of a Graph's methods. Out: a list of nodes in an order in which each
// stands after what it needs. Gradients appends, to the same program, the nodes
// that compute the derivatives of a loss (reverse mode), so that whatever runs
// programs runs their training, too.
//
// Eval is the reference: a plain interpreter in float64. lab/cpu runs the same
// programs fast.
//
// # Functions
//
// A Function is a program with a name and settings that stands in another one
// as a single node (Call): attention, a norm, a loss. Its body says what it
// means, in primitives; its derivative is the derivative of the body. An
// executor that knows the name may compute it in its own way, and is tested
// against the body; one that does not runs the body.
//
// # Sharing
//
// A graph holds no two equal nodes: building a value that exists returns it.
// What a gradient computes again of the forward pass is thus computed once.
//
// All numbers are floats; token ids are whole numbers in them (exact in float32
// up to 2²⁴).
package graph
