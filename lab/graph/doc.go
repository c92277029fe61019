// Package graph defines programs: values of fixed shape, computed from parameters and
// inputs by about thirty primitives, and their derivatives.
//
// A program is built once for a batch size and a length, by calls of a [Graph]'s
// methods, and then run many times. It is a list of nodes, each after the nodes that it
// uses. [Graph.Gradients] appends the nodes that compute the derivatives of a loss
// (reverse mode), so that whatever runs programs can also train them.
//
// [Eval] is the reference: a plain interpreter in float64. lab/cpu runs the same
// programs fast.
//
// # Functions
//
// A [Function] is a program with a name and settings that is a single node in another
// program (Call): attention, a norm, a loss. Its body defines it in primitives; its
// derivative is that of the body. An executor that knows the name may compute it in its
// own way, and is tested against the body; otherwise it runs the body.
//
// # Sharing
//
// No two nodes of a graph are equal: building a value that exists returns it. So what a
// gradient needs of the forward pass is computed only once.
//
// All numbers are floats; token ids are whole numbers in them (exact in float32 up to
// 2²⁴).
package graph
