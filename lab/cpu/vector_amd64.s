//go:build amd64 && !purego

#include "textflag.h"

// Vector loops over n numbers, n a multiple of 8. Tails are done in Go.

#define BINARY(NAME, OP) \
TEXT NAME(SB), NOSPLIT, $0-32 \
	MOVQ d+0(FP), DI \
	MOVQ a+8(FP), SI \
	MOVQ b+16(FP), DX \
	MOVQ n+24(FP), CX \
loop: \
	VMOVUPS (SI), Y0 \
	OP (DX), Y0, Y0 \
	VMOVUPS Y0, (DI) \
	ADDQ $32, SI \
	ADDQ $32, DX \
	ADDQ $32, DI \
	SUBQ $8, CX \
	JNZ loop \
	VZEROUPPER \
	RET

// func addAVX2(d, a, b *float32, n int)
BINARY(·addAVX2, VADDPS)

// func subAVX2(d, a, b *float32, n int)
BINARY(·subAVX2, VSUBPS)

// func mulAVX2(d, a, b *float32, n int)
BINARY(·mulAVX2, VMULPS)

// func divAVX2(d, a, b *float32, n int)
BINARY(·divAVX2, VDIVPS)

// func maxAVX2(d, a, b *float32, n int)
BINARY(·maxAVX2, VMAXPS)

// func fmaAVX2(d, a, b *float32, n int): d += a·b
TEXT ·fmaAVX2(SB), NOSPLIT, $0-32
	MOVQ d+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	MOVQ n+24(FP), CX
fmaLoop:
	VMOVUPS (SI), Y0
	VMOVUPS (DI), Y1
	VFMADD231PS (DX), Y0, Y1
	VMOVUPS Y1, (DI)
	ADDQ $32, SI
	ADDQ $32, DX
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ fmaLoop
	VZEROUPPER
	RET

// func scaleAVX2(d, a *float32, s, t float32, n int): d = s·a + t
TEXT ·scaleAVX2(SB), NOSPLIT, $0-32
	MOVQ d+0(FP), DI
	MOVQ a+8(FP), SI
	VBROADCASTSS s+16(FP), Y2
	VBROADCASTSS t+20(FP), Y3
	MOVQ n+24(FP), CX
scaleLoop:
	VMOVUPS (SI), Y0
	VFMADD132PS Y2, Y3, Y0
	VMOVUPS Y0, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ scaleLoop
	VZEROUPPER
	RET

// func axpyAVX2(d, a *float32, s float32, n int): d += s·a
TEXT ·axpyAVX2(SB), NOSPLIT, $0-32
	MOVQ d+0(FP), DI
	MOVQ a+8(FP), SI
	VBROADCASTSS s+16(FP), Y2
	MOVQ n+24(FP), CX
axpyLoop:
	VMOVUPS (SI), Y0
	VFMADD213PS (DI), Y2, Y0
	VMOVUPS Y0, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ axpyLoop
	VZEROUPPER
	RET

// func sqrtAVX2(d, a *float32, n int)
TEXT ·sqrtAVX2(SB), NOSPLIT, $0-24
	MOVQ d+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ n+16(FP), CX
sqrtLoop:
	VSQRTPS (SI), Y0
	VMOVUPS Y0, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ sqrtLoop
	VZEROUPPER
	RET

// func lessAVX2(d, a, b *float32, n int): 1 where a < b, else 0
TEXT ·lessAVX2(SB), NOSPLIT, $0-32
	MOVQ d+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	MOVQ n+24(FP), CX
	VBROADCASTSS expTable<>+0(SB), Y2
lessLoop:
	VMOVUPS (SI), Y0
	VCMPPS $1, (DX), Y0, Y0
	VANDPS Y2, Y0, Y0
	VMOVUPS Y0, (DI)
	ADDQ $32, SI
	ADDQ $32, DX
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ lessLoop
	VZEROUPPER
	RET

// func selectAVX2(d, c, a, b *float32, n int): a where c ≠ 0, else b
TEXT ·selectAVX2(SB), NOSPLIT, $0-40
	MOVQ d+0(FP), DI
	MOVQ c+8(FP), BX
	MOVQ a+16(FP), SI
	MOVQ b+24(FP), DX
	MOVQ n+32(FP), CX
	VXORPS Y3, Y3, Y3
selectLoop:
	VCMPPS $4, (BX), Y3, Y2
	VMOVUPS (SI), Y0
	VMOVUPS (DX), Y1
	VBLENDVPS Y2, Y0, Y1, Y0
	VMOVUPS Y0, (DI)
	ADDQ $32, SI
	ADDQ $32, DX
	ADDQ $32, DI
	ADDQ $32, BX
	SUBQ $8, CX
	JNZ selectLoop
	VZEROUPPER
	RET

// func sumAVX2(a *float32, n int) float32
TEXT ·sumAVX2(SB), NOSPLIT, $0-20
	MOVQ a+0(FP), SI
	MOVQ n+8(FP), CX
	VXORPS Y0, Y0, Y0
sumLoop:
	VADDPS (SI), Y0, Y0
	ADDQ $32, SI
	SUBQ $8, CX
	JNZ sumLoop
	VEXTRACTF128 $1, Y0, X1
	VADDPS X1, X0, X0
	VHADDPS X0, X0, X0
	VHADDPS X0, X0, X0
	VMOVSS X0, ret+16(FP)
	VZEROUPPER
	RET

// func dotAVX2(a, b *float32, n int) float32
TEXT ·dotAVX2(SB), NOSPLIT, $0-28
	MOVQ a+0(FP), SI
	MOVQ b+8(FP), DX
	MOVQ n+16(FP), CX
	VXORPS Y0, Y0, Y0
dotLoop:
	VMOVUPS (SI), Y1
	VFMADD231PS (DX), Y1, Y0
	ADDQ $32, SI
	ADDQ $32, DX
	SUBQ $8, CX
	JNZ dotLoop
	VEXTRACTF128 $1, Y0, X1
	VADDPS X1, X0, X0
	VHADDPS X0, X0, X0
	VHADDPS X0, X0, X0
	VMOVSS X0, ret+24(FP)
	VZEROUPPER
	RET

// func maxOfAVX2(a *float32, n int) float32
TEXT ·maxOfAVX2(SB), NOSPLIT, $0-20
	MOVQ a+0(FP), SI
	MOVQ n+8(FP), CX
	VMOVUPS (SI), Y0
maxOfLoop:
	VMAXPS (SI), Y0, Y0
	ADDQ $32, SI
	SUBQ $8, CX
	JNZ maxOfLoop
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X1, X0, X0
	VPERMILPS $0x4E, X0, X1
	VMAXPS X1, X0, X0
	VPERMILPS $0xB1, X0, X1
	VMAXPS X1, X0, X0
	VMOVSS X0, ret+16(FP)
	VZEROUPPER
	RET

// Constants of exp: Cephes' expf (Moshier), ln 2 in two parts.
DATA expTable<>+0(SB)/4, $1.0
DATA expTable<>+4(SB)/4, $88.3762626647949
DATA expTable<>+8(SB)/4, $-87.3365447505
DATA expTable<>+12(SB)/4, $1.44269504088896341
DATA expTable<>+16(SB)/4, $0.693359375
DATA expTable<>+20(SB)/4, $-2.12194440e-4
DATA expTable<>+24(SB)/4, $1.9875691500e-4
DATA expTable<>+28(SB)/4, $1.3981999507e-3
DATA expTable<>+32(SB)/4, $8.3334519073e-3
DATA expTable<>+36(SB)/4, $4.1665795894e-2
DATA expTable<>+40(SB)/4, $1.6666665459e-1
DATA expTable<>+44(SB)/4, $5.0000001201e-1
DATA expTable<>+48(SB)/4, $127
GLOBL expTable<>(SB), RODATA|NOPTR, $52

// func expAVX2(d, a *float32, n int)
// e^a = 2^m·e^r with |r| ≤ ½ ln 2; 0 below the smallest normal number. The
// comparisons keep NaN: the second operand of VMINPS and VMAXPS is returned
// when either is one.
TEXT ·expAVX2(SB), NOSPLIT, $0-24
	MOVQ d+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS expTable<>+0(SB), Y15
	VBROADCASTSS expTable<>+4(SB), Y14
	VBROADCASTSS expTable<>+8(SB), Y13
	VBROADCASTSS expTable<>+12(SB), Y12
	VBROADCASTSS expTable<>+16(SB), Y11
	VBROADCASTSS expTable<>+20(SB), Y10
	VBROADCASTSS expTable<>+24(SB), Y9
	VBROADCASTSS expTable<>+28(SB), Y8
	VBROADCASTSS expTable<>+32(SB), Y7
	VBROADCASTSS expTable<>+36(SB), Y6
	VBROADCASTSS expTable<>+40(SB), Y5
	VBROADCASTSS expTable<>+44(SB), Y4
expLoop:
	VMOVUPS (SI), Y0
	VCMPPS $5, Y13, Y0, Y3 // not less than the smallest, or NaN
	VMINPS Y0, Y14, Y0
	VMAXPS Y0, Y13, Y0
	VMULPS Y12, Y0, Y1
	VROUNDPS $0, Y1, Y1
	VFNMADD231PS Y11, Y1, Y0
	VFNMADD231PS Y10, Y1, Y0
	VMOVAPS Y9, Y2
	VFMADD213PS Y8, Y0, Y2
	VFMADD213PS Y7, Y0, Y2
	VFMADD213PS Y6, Y0, Y2
	VFMADD213PS Y5, Y0, Y2
	VFMADD213PS Y4, Y0, Y2
	VMULPS Y0, Y2, Y2
	VFMADD213PS Y0, Y0, Y2
	VADDPS Y15, Y2, Y2
	VCVTPS2DQ Y1, Y1
	VPSLLD $23, Y1, Y1
	VPADDD Y1, Y2, Y2
	VANDPS Y3, Y2, Y2
	VMOVUPS Y2, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ expLoop
	VZEROUPPER
	RET

// func transposeAVX2(d *float32, dstride int, a *float32, astride, n int)
// Columns of d are 8 rows of a: d[p·dstride + i] = a[i·astride + p] for i < 8,
// p < n, n a multiple of 8; strides in bytes.
TEXT ·transposeAVX2(SB), NOSPLIT, $0-40
	MOVQ d+0(FP), DI
	MOVQ dstride+8(FP), R8
	MOVQ a+16(FP), SI
	MOVQ astride+24(FP), R9
	MOVQ n+32(FP), CX
	LEAQ (R9)(R9*2), R10
	LEAQ (SI)(R9*4), DX
	LEAQ (R8)(R8*2), R11
transposeLoop:
	VMOVUPS (SI), Y0
	VMOVUPS (SI)(R9*1), Y1
	VMOVUPS (SI)(R9*2), Y2
	VMOVUPS (SI)(R10*1), Y3
	VMOVUPS (DX), Y4
	VMOVUPS (DX)(R9*1), Y5
	VMOVUPS (DX)(R9*2), Y6
	VMOVUPS (DX)(R10*1), Y7
	VUNPCKLPS Y1, Y0, Y8
	VUNPCKHPS Y1, Y0, Y9
	VUNPCKLPS Y3, Y2, Y10
	VUNPCKHPS Y3, Y2, Y11
	VUNPCKLPS Y5, Y4, Y12
	VUNPCKHPS Y5, Y4, Y13
	VUNPCKLPS Y7, Y6, Y14
	VUNPCKHPS Y7, Y6, Y15
	VSHUFPS $0x44, Y10, Y8, Y0
	VSHUFPS $0xEE, Y10, Y8, Y1
	VSHUFPS $0x44, Y11, Y9, Y2
	VSHUFPS $0xEE, Y11, Y9, Y3
	VSHUFPS $0x44, Y14, Y12, Y4
	VSHUFPS $0xEE, Y14, Y12, Y5
	VSHUFPS $0x44, Y15, Y13, Y6
	VSHUFPS $0xEE, Y15, Y13, Y7
	VPERM2F128 $0x20, Y4, Y0, Y8
	VPERM2F128 $0x20, Y5, Y1, Y9
	VPERM2F128 $0x20, Y6, Y2, Y10
	VPERM2F128 $0x20, Y7, Y3, Y11
	VPERM2F128 $0x31, Y4, Y0, Y12
	VPERM2F128 $0x31, Y5, Y1, Y13
	VPERM2F128 $0x31, Y6, Y2, Y14
	VPERM2F128 $0x31, Y7, Y3, Y15
	LEAQ (DI)(R8*4), BX
	VMOVUPS Y8, (DI)
	VMOVUPS Y9, (DI)(R8*1)
	VMOVUPS Y10, (DI)(R8*2)
	VMOVUPS Y11, (DI)(R11*1)
	VMOVUPS Y12, (BX)
	VMOVUPS Y13, (BX)(R8*1)
	VMOVUPS Y14, (BX)(R8*2)
	VMOVUPS Y15, (BX)(R11*1)
	LEAQ (BX)(R8*4), DI
	ADDQ $32, SI
	ADDQ $32, DX
	SUBQ $8, CX
	JNZ transposeLoop
	VZEROUPPER
	RET
