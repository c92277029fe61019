// Package cpu runs programs of lab/graph in float32 on the processor, without
// cgo and with nothing to install.
//
// In: results of a program, and a Layout that says where each parameter lies in
// one long vector. Compile decides once what is computed when and where: calls
// that it knows (attention, norms, losses, recurrences) run as one kernel with
// their derivatives, the others as their bodies; chains of elementwise
// operations run as one loop over blocks that stay in the cache; numbers whose
// last use has passed make room. Out: a Program, and for each core a Machine
// that runs it.
//
// Products of matrices are our own kernels in Go's assembler, with AVX-512 or
// AVX2. With AVX-512, on the one machine that was measured, they are about as
// fast as OpenBLAS (docs/lab.md), so nothing is loaded or linked. Elsewhere they
// are plain Go, some thirty times slower.
//
// A run is a function of the parameters, the inputs and the instruction set: the
// same bytes every time. Time is that of the products, 2·m·n·k operations each;
// memory is Program.Bytes for each Machine.
package cpu
