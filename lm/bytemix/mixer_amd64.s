//go:build amd64 && !purego

#include "textflag.h"

// nIn = 64 inputs, rows of 256 bytes, nSets = 7 (see mixer.go).
#define SETS $7

// func dotAVX2(x *inputs, w *int16, rows, out *[nSets]int32)
TEXT ·dotAVX2(SB), NOSPLIT, $0-32
	MOVQ x+0(FP), SI
	MOVQ w+8(FP), DI
	MOVQ rows+16(FP), DX
	MOVQ out+24(FP), BX
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VMOVDQU 64(SI), Y2
	VMOVDQU 96(SI), Y3
	XORQ CX, CX

dotLoop:
	MOVLQSX (DX)(CX*4), AX
	SHLQ $8, AX
	ADDQ DI, AX
	VPMADDWD (AX), Y0, Y4
	VPMADDWD 32(AX), Y1, Y5
	VPMADDWD 64(AX), Y2, Y6
	VPMADDWD 96(AX), Y3, Y7
	VPSRAD $8, Y4, Y4
	VPSRAD $8, Y5, Y5
	VPSRAD $8, Y6, Y6
	VPSRAD $8, Y7, Y7
	VPADDD Y5, Y4, Y4
	VPADDD Y7, Y6, Y6
	VPADDD Y6, Y4, Y4
	VEXTRACTI128 $1, Y4, X5
	VPADDD X5, X4, X4
	VPSHUFD $0x4E, X4, X5
	VPADDD X5, X4, X4
	VPSHUFD $0xB1, X4, X5
	VPADDD X5, X4, X4
	VMOVD X4, (BX)(CX*4)
	INCQ CX
	CMPQ CX, SETS
	JLT dotLoop
	VZEROUPPER
	RET

// One group of 16 weights: X the inputs, OFF the byte offset of the high half.
#define TRAIN(X, OFF) \
	VPMULLW Y8, X, Y9 \
	VPMULHW Y8, X, Y10 \
	VMOVDQU (128+OFF)(AX), Y11 \
	VPADDW Y9, Y11, Y9 \
	VPMAXUW Y9, Y11, Y12 \
	VPCMPEQW Y12, Y9, Y12 \
	VPXOR Y13, Y12, Y12 \
	VPADDSW (OFF)(AX), Y10, Y10 \
	VPSUBSW Y12, Y10, Y10 \
	VMOVDQU Y9, (128+OFF)(AX) \
	VMOVDQU Y10, (OFF)(AX)

// func trainAVX2(x *inputs, w *int16, rows, err *[nSets]int32)
TEXT ·trainAVX2(SB), NOSPLIT, $0-32
	MOVQ x+0(FP), SI
	MOVQ w+8(FP), DI
	MOVQ rows+16(FP), DX
	MOVQ err+24(FP), BX
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VMOVDQU 64(SI), Y2
	VMOVDQU 96(SI), Y3
	VPCMPEQW Y13, Y13, Y13
	XORQ CX, CX

trainLoop:
	CMPL (BX)(CX*4), $0
	JEQ trainNext
	MOVLQSX (DX)(CX*4), AX
	SHLQ $8, AX
	ADDQ DI, AX
	VPBROADCASTW (BX)(CX*4), Y8
	TRAIN(Y0, 0)
	TRAIN(Y1, 32)
	TRAIN(Y2, 64)
	TRAIN(Y3, 96)

trainNext:
	INCQ CX
	CMPQ CX, SETS
	JLT trainLoop
	VZEROUPPER
	RET
