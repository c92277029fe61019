//go:build amd64 && !purego

package cpu

import "golang.org/x/sys/cpu"

//go:noescape
func addAVX2(d, a, b *float32, n int)

//go:noescape
func subAVX2(d, a, b *float32, n int)

//go:noescape
func mulAVX2(d, a, b *float32, n int)

//go:noescape
func divAVX2(d, a, b *float32, n int)

//go:noescape
func maxAVX2(d, a, b *float32, n int)

//go:noescape
func fmaAVX2(d, a, b *float32, n int)

//go:noescape
func lessAVX2(d, a, b *float32, n int)

//go:noescape
func selectAVX2(d, c, a, b *float32, n int)

//go:noescape
func scaleAVX2(d, a *float32, s, t float32, n int)

//go:noescape
func axpyAVX2(d, a *float32, s float32, n int)

//go:noescape
func sqrtAVX2(d, a *float32, n int)

//go:noescape
func expAVX2(d, a *float32, n int)

//go:noescape
func sumAVX2(a *float32, n int) float32

//go:noescape
func dotAVX2(a, b *float32, n int) float32

//go:noescape
func maxOfAVX2(a *float32, n int) float32

//go:noescape
func transposeAVX2(d *float32, dstride int, a *float32, astride, n int)

//go:noescape
func tileAVX512(k int, a *float32, ra, ca int, b, c *float32, ldc, add int)

//go:noescape
func tileAVX2(k int, a *float32, ra, ca int, b, c *float32, ldc, add int)

// best is the widest instruction set of this processor.
func best() Set {
	switch {
	case cpu.X86.HasAVX512F && cpu.X86.HasAVX2 && cpu.X86.HasFMA:
		return AVX512
	case cpu.X86.HasAVX2 && cpu.X86.HasFMA:
		return AVX2
	}
	return Plain
}

// vectors are the loops over n numbers, n a multiple of 8.
var vectors = &loops{
	add: addAVX2, sub: subAVX2, mul: mulAVX2, div: divAVX2, max: maxAVX2, fma: fmaAVX2, less: lessAVX2, sel: selectAVX2,
	scale: scaleAVX2, axpy: axpyAVX2, sqrt: sqrtAVX2, exp: expAVX2, sum: sumAVX2, dot: dotAVX2, maxOf: maxOfAVX2,
}

func bytesTile(f func(k int, a *float32, ra, ca int, b, c *float32, ldc, add int)) tileFunc {
	return func(k int, a []float32, ra, ca int, b, c []float32, ldc int, add bool) {
		flag := 0
		if add {
			flag = 1
		}
		f(k, &a[0], 4*ra, 4*ca, &b[0], &c[0], 4*ldc, flag)
	}
}

var (
	wideTile   = tile{8, 32, bytesTile(tileAVX512)}
	narrowTile = tile{4, 16, bytesTile(tileAVX2)}
)

func transpose8(d []float32, dstride int, a []float32, astride, n int) {
	transposeAVX2(&d[0], 4*dstride, &a[0], 4*astride, n)
}
