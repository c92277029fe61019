//go:build !amd64 || purego

package bytemix

import "unsafe"

func dotRows(x *inputs, w []int16, rows, out *[nSets]int32) { dotGeneric(x, w, rows, out) }

func trainRows(x *inputs, w []int16, rows, err *[nSets]int32) { trainGeneric(x, w, rows, err) }

func trainAndDot(x *inputs, w []int16, rows, err *[nSets]int32, next *inputs, nextRows, out *[nSets]int32) {
	trainAndDotGeneric(x, w, rows, err, next, nextRows, out)
}

func (l *lanes) adapt(y uint32, k *constants, limit, direct uint32) {
	l.adaptGeneric(y, k, limit, direct)
}

func prefetchSlots([]slot, *[nCtx]uint32) {}

func prefetchLines([]line, *[nDir]uint32) {}

func prefetch3(_, _, _ unsafe.Pointer) {}

func prefetch2(_, _ unsafe.Pointer) {}

func prefetch1(unsafe.Pointer) {}
