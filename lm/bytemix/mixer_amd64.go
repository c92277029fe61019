//go:build amd64 && !purego

package bytemix

import "golang.org/x/sys/cpu"

// The assembly computes exactly what the generic functions compute; only the
// speed differs.

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
