// Package cpu runs programs of lab/graph in float32 on the processor, without cgo or
// anything to install.
//
// [Compile] takes results of a program, and a [Layout] of the parameters in one vector,
// and plans the computation: calls that it knows (attention, norms, losses,
// recurrences) and their derivatives run as one kernel, others as their bodies; chains
// of elementwise operations run as one loop over blocks that stay in the cache; memory
// is reused after the last use of a value. For each core a [Machine] runs the resulting
// [Program].
//
// Matrix products are our own kernels in Go assembly, with AVX-512 or AVX2. With
// AVX-512, on the one machine that was measured, they are about as fast as OpenBLAS
// (docs/lab.md), so nothing is loaded or linked. Elsewhere they are plain Go, about
// thirty times slower.
//
// Results depend only on the parameters, the inputs and the instruction set, bit by
// bit. The time is mostly that of the products, 2·m·n·k operations each; memory is
// Program.Bytes per Machine.
package cpu
