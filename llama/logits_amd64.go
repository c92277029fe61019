//go:build amd64 && !purego

package llama

import "golang.org/x/sys/cpu"

var haveAVX2 = cpu.X86.HasAVX2 && cpu.X86.HasFMA

// largestAVX2 is the largest of n numbers, without NaN; n > 0 is a multiple of 16.
func largestAVX2(x *float32, n int) float32

// sumExpAVX2 is Σ e^(x-top) over n numbers, none above top; n is a multiple of
// 16. It is NaN if one of them is.
//
//go:noescape
func sumExpAVX2(x *float32, n int, top float32) float64

func largest(x []float32) float32 {
	n := len(x) &^ 15
	if !haveAVX2 || n == 0 {
		return largestGeneric(x)
	}
	top := largestAVX2(&x[0], n)
	if n < len(x) {
		top = max(top, largestGeneric(x[n:]))
	}
	return top
}

func sumExp(x []float32, top float32) float64 {
	n := len(x) &^ 15
	if !haveAVX2 || n == 0 {
		return sumExpGeneric(x, top)
	}
	return sumExpAVX2(&x[0], n, top) + sumExpGeneric(x[n:], top)
}
