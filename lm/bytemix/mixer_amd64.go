//go:build amd64 && !purego

package bytemix

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// The assembly computes exactly the same as the generic functions.

//go:noescape
func dotAVX2(x *inputs, w *int16, rows, out *[nSets]int32)

//go:noescape
func trainAVX2(x *inputs, w *int16, rows, err *[nSets]int32)

var haveAVX2 = cpu.X86.HasAVX2

func dotRows(x *inputs, w []int16, rows, out *[nSets]int32) {
	if haveAVX2 {
		dotAVX2(x, &w[0], rows, out)
		return
	}
	dotGeneric(x, w, rows, out)
}

func trainRows(x *inputs, w []int16, rows, err *[nSets]int32) {
	if haveAVX2 {
		trainAVX2(x, &w[0], rows, err)
		return
	}
	trainGeneric(x, w, rows, err)
}

//go:noescape
func trainAndDotAVX2(x *inputs, w *int16, rows, err *[nSets]int32, next *inputs, nextRows, out *[nSets]int32)

func trainAndDot(x *inputs, w []int16, rows, err *[nSets]int32, next *inputs, nextRows, out *[nSets]int32) {
	if haveAVX2 {
		trainAndDotAVX2(x, &w[0], rows, err, next, nextRows, out)
		return
	}
	trainAndDotGeneric(x, w, rows, err, next, nextRows, out)
}

//go:noescape
func adaptAVX2(l *lanes, target uint32, recip *[1024]int32, limit, direct uint32)

func (l *lanes) adapt(y uint32, k *constants, limit, direct uint32) {
	if haveAVX2 {
		adaptAVX2(l, y<<22-y, &k.recip, limit, direct)
		return
	}
	l.adaptGeneric(y, k, limit, direct)
}

//go:noescape
func prefetchAt16(tab *slot, at *uint32, n int)

//go:noescape
func prefetchAt64(tab *line, at *uint32, n int)

// prefetchSlots and prefetchLines prefetch the cache lines of entries.
func prefetchSlots(tab []slot, at *[nCtx]uint32) { prefetchAt16(&tab[0], &at[0], nCtx) }

func prefetchLines(tab []line, at *[nDir]uint32) { prefetchAt64(&tab[0], &at[0], nDir) }

// prefetch3 prefetches three cache lines.
//
//go:noescape
func prefetch3(a, b, c unsafe.Pointer)

// prefetch2 prefetches two cache lines.
//
//go:noescape
func prefetch2(a, b unsafe.Pointer)

// prefetch1 prefetches one cache line.
//
//go:noescape
func prefetch1(a unsafe.Pointer)
