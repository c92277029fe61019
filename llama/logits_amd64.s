//go:build amd64 && !purego

#include "textflag.h"

// e^d = 2^n · e^r: n the integer nearest to d/ln 2, |r| ≤ ln 2 / 2, and e^r from
// the first seven terms of its series, which is off by at most 1.3e-7 of it.
// Below -87 every d counts as -87: e^-87 is nothing beside the 1 of the largest.
// The sum is kept in float64.

DATA constants<>+0(SB)/4, $0xc2ae0000 // clamp
DATA constants<>+4(SB)/4, $0x3fb8aa3b // log2e
DATA constants<>+8(SB)/4, $0x3f317218 // ln2
DATA constants<>+12(SB)/4, $0x3f800000 // one
DATA constants<>+20(SB)/4, $0x3f000000 // half
DATA constants<>+24(SB)/4, $0x3e2aaaab // third
DATA constants<>+28(SB)/4, $0x3d2aaaab // fourth
DATA constants<>+32(SB)/4, $0x3c088889 // fifth
DATA constants<>+36(SB)/4, $0x3ab60b61 // sixth
DATA constants<>+40(SB)/4, $0xff800000 // lowest
GLOBL constants<>(SB), RODATA|NOPTR, $44

DATA bias<>+0(SB)/8, $0x0000007f0000007f
DATA bias<>+8(SB)/8, $0x0000007f0000007f
DATA bias<>+16(SB)/8, $0x0000007f0000007f
DATA bias<>+24(SB)/8, $0x0000007f0000007f
GLOBL bias<>(SB), RODATA|NOPTR, $32

// func largestAVX2(x *float32, n int) float32
TEXT ·largestAVX2(SB), NOSPLIT, $0-20
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	VBROADCASTSS constants<>+40(SB), Y0
	VMOVAPS Y0, Y1

	// Of a NaN and a number, VMAXPS takes what the first operand here holds.
largestLoop:
	VMOVUPS (SI), Y2
	VMOVUPS 32(SI), Y3
	VMAXPS Y0, Y2, Y0
	VMAXPS Y1, Y3, Y1
	ADDQ $64, SI
	SUBQ $16, CX
	JG largestLoop
	VMAXPS Y0, Y1, Y0
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X0, X1, X0
	VPSHUFD $0x4E, X0, X1
	VMAXPS X0, X1, X0
	VPSHUFD $0xB1, X0, X1
	VMAXPS X0, X1, X0
	VMOVSS X0, ret+16(FP)
	VZEROUPPER
	RET

// X becomes e^(X-Y15), N and P are lost.
#define EXP(X, N, P) \
	VSUBPS Y15, X, X \
	VMAXPS X, Y14, X \
	VMULPS Y13, X, N \
	VROUNDPS $0, N, N \
	VFNMADD231PS Y12, N, X \
	VMOVAPS Y9, P \
	VFMADD213PS Y8, X, P \
	VFMADD213PS Y7, X, P \
	VFMADD213PS Y6, X, P \
	VFMADD213PS Y10, X, P \
	VFMADD213PS Y11, X, P \
	VFMADD213PS Y11, X, P \
	VCVTPS2DQ N, N \
	VPADDD bias<>(SB), N, N \
	VPSLLD $23, N, N \
	VMULPS N, P, X

// func sumExpAVX2(x *float32, n int, top float32) float64
TEXT ·sumExpAVX2(SB), NOSPLIT, $0-32
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	VBROADCASTSS top+16(FP), Y15
	VBROADCASTSS constants<>+0(SB), Y14
	VBROADCASTSS constants<>+4(SB), Y13
	VBROADCASTSS constants<>+8(SB), Y12
	VBROADCASTSS constants<>+12(SB), Y11
	VBROADCASTSS constants<>+20(SB), Y10
	VBROADCASTSS constants<>+36(SB), Y9
	VBROADCASTSS constants<>+32(SB), Y8
	VBROADCASTSS constants<>+28(SB), Y7
	VBROADCASTSS constants<>+24(SB), Y6
	VXORPD Y5, Y5, Y5
	VXORPD Y4, Y4, Y4

sumLoop:
	VMOVUPS (SI), Y0
	EXP(Y0, Y1, Y2)
	VEXTRACTF128 $1, Y0, X1
	VCVTPS2PD X0, Y0
	VCVTPS2PD X1, Y1
	VADDPD Y0, Y5, Y5
	VADDPD Y1, Y4, Y4
	VMOVUPS 32(SI), Y0
	EXP(Y0, Y1, Y2)
	VEXTRACTF128 $1, Y0, X1
	VCVTPS2PD X0, Y0
	VCVTPS2PD X1, Y1
	VADDPD Y0, Y5, Y5
	VADDPD Y1, Y4, Y4
	ADDQ $64, SI
	SUBQ $16, CX
	JG sumLoop
	VADDPD Y4, Y5, Y5
	VEXTRACTF128 $1, Y5, X4
	VADDPD X4, X5, X5
	VPERMILPD $1, X5, X4
	VADDSD X4, X5, X5
	VMOVSD X5, ret+24(FP)
	VZEROUPPER
	RET
