//go:build amd64 && !purego

#include "textflag.h"

// nIn = 48 inputs, rows of 192 bytes, nSets = 5 (see mixer.go).
#define SETS $5

// func dotAVX2(x *inputs, w *int16, rows, out *[nSets]int32)
TEXT ·dotAVX2(SB), NOSPLIT, $0-32
	MOVQ x+0(FP), SI
	MOVQ w+8(FP), DI
	MOVQ rows+16(FP), DX
	MOVQ out+24(FP), BX
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VMOVDQU 64(SI), Y2
	XORQ CX, CX

dotLoop:
	MOVLQSX (DX)(CX*4), AX
	IMULQ $192, AX
	ADDQ DI, AX
	VPMADDWD (AX), Y0, Y4
	VPMADDWD 32(AX), Y1, Y5
	VPMADDWD 64(AX), Y2, Y6
	VPSRAD $8, Y4, Y4
	VPSRAD $8, Y5, Y5
	VPSRAD $8, Y6, Y6
	VPADDD Y5, Y4, Y4
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
	VMOVDQU (96+OFF)(AX), Y11 \
	VPADDW Y9, Y11, Y9 \
	VPMAXUW Y9, Y11, Y12 \
	VPCMPEQW Y12, Y9, Y12 \
	VPXOR Y13, Y12, Y12 \
	VPADDSW (OFF)(AX), Y10, Y10 \
	VPSUBSW Y12, Y10, Y10 \
	VMOVDQU Y9, (96+OFF)(AX) \
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
	VPCMPEQW Y13, Y13, Y13
	XORQ CX, CX

trainLoop:
	CMPL (BX)(CX*4), $0
	JEQ trainNext
	MOVLQSX (DX)(CX*4), AX
	IMULQ $192, AX
	ADDQ DI, AX
	VPBROADCASTW (BX)(CX*4), Y8
	TRAIN(Y0, 0)
	TRAIN(Y1, 32)
	TRAIN(Y2, 64)

trainNext:
	INCQ CX
	CMPQ CX, SETS
	JLT trainLoop
	VZEROUPPER
	RET

// func trainAndDotAVX2(x *inputs, w *int16, rows, err *[nSets]int32, next *inputs, nextRows, out *[nSets]int32)
TEXT ·trainAndDotAVX2(SB), NOSPLIT, $0-56
	MOVQ x+0(FP), SI
	MOVQ w+8(FP), DI
	MOVQ rows+16(FP), DX
	MOVQ err+24(FP), BX
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VMOVDQU 64(SI), Y2
	VPCMPEQW Y13, Y13, Y13
	XORQ CX, CX
	MOVQ (BX), AX
	ORQ 8(BX), AX
	MOVLQSX 16(BX), R8
	ORQ R8, AX
	JEQ bothSkip

bothTrain:
	MOVLQSX (DX)(CX*4), AX
	IMULQ $192, AX
	ADDQ DI, AX
	VPBROADCASTW (BX)(CX*4), Y8
	TRAIN(Y0, 0)
	TRAIN(Y1, 32)
	TRAIN(Y2, 64)

bothNext:
	INCQ CX
	CMPQ CX, SETS
	JLT bothTrain

bothSkip:
	MOVQ next+32(FP), SI
	MOVQ nextRows+40(FP), DX
	MOVQ out+48(FP), BX
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VMOVDQU 64(SI), Y2
	XORQ CX, CX

bothDot:
	MOVLQSX (DX)(CX*4), AX
	IMULQ $192, AX
	ADDQ DI, AX
	VPMADDWD (AX), Y0, Y4
	VPMADDWD 32(AX), Y1, Y5
	VPMADDWD 64(AX), Y2, Y6
	VPSRAD $8, Y4, Y4
	VPSRAD $8, Y5, Y5
	VPSRAD $8, Y6, Y6
	VPADDD Y5, Y4, Y4
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
	JLT bothDot
	VZEROUPPER
	RET

// One group of 8 lanes; Y4 the limits. Y0 target, Y3 = 1023, Y5 = ones.
#define ADAPT(OFF, LIMIT) \
	VMOVDQU (OFF)(SI), Y6 \
	VPXOR (96+OFF)(SI), Y0, Y7 \
	VPAND Y3, Y6, Y8 \
	VPSRLD $10, Y6, Y9 \
	VPSUBD Y9, Y7, Y7 \
	VPSRAD $3, Y7, Y7 \
	VPCMPEQD Y11, Y11, Y11 \
	VPMINUD LIMIT, Y8, Y13 \
	VPGATHERDD Y11, (DI)(Y13*4), Y10 \
	VPMULLD Y10, Y7, Y7 \
	VPANDN Y7, Y3, Y7 \
	VPADDD Y7, Y6, Y6 \
	VPCMPGTD Y8, LIMIT, Y12 \
	VPSUBD Y12, Y6, Y6 \
	VMOVDQU Y6, (OFF)(SI)

// Lanes 0-7 bit histories, 8-13 direct, 14-23 expectations.
DATA direct0<>+0(SB)/4, $-1
DATA direct0<>+4(SB)/4, $-1
DATA direct0<>+8(SB)/4, $-1
DATA direct0<>+12(SB)/4, $-1
DATA direct0<>+16(SB)/4, $-1
DATA direct0<>+20(SB)/4, $-1
DATA direct0<>+24(SB)/4, $0
DATA direct0<>+28(SB)/4, $0
GLOBL direct0<>(SB), RODATA|NOPTR, $32

// func adaptAVX2(l *lanes, target uint32, recip *[1024]int32, limit, direct uint32)
TEXT ·adaptAVX2(SB), NOSPLIT, $0-32
	MOVQ l+0(FP), SI
	MOVQ recip+16(FP), DI
	MOVL target+8(FP), AX
	VMOVD AX, X0
	VPBROADCASTD X0, Y0
	MOVL limit+24(FP), AX
	VMOVD AX, X1
	VPBROADCASTD X1, Y1
	MOVL direct+28(FP), AX
	VMOVD AX, X2
	VPBROADCASTD X2, Y2
	VPCMPEQD Y3, Y3, Y3
	VPSRLD $22, Y3, Y3
	VMOVDQU direct0<>(SB), Y4
	VPBLENDVB Y4, Y2, Y1, Y4
	ADAPT(0, Y1)
	ADAPT(32, Y4)
	ADAPT(64, Y1)
	VZEROUPPER
	RET

// func prefetchAt16(tab *slot, at *uint32, n int)
TEXT ·prefetchAt16(SB), NOSPLIT, $0-24
	MOVQ tab+0(FP), SI
	MOVQ at+8(FP), DI
	MOVQ n+16(FP), CX

prefetch16:
	MOVL -4(DI)(CX*4), AX
	SHLQ $4, AX
	PREFETCHT0 (SI)(AX*1)
	DECQ CX
	JNE prefetch16
	RET

// func prefetchAt64(tab *line, at *uint32, n int)
TEXT ·prefetchAt64(SB), NOSPLIT, $0-24
	MOVQ tab+0(FP), SI
	MOVQ at+8(FP), DI
	MOVQ n+16(FP), CX

prefetch64:
	MOVL -4(DI)(CX*4), AX
	SHLQ $6, AX
	PREFETCHT0 (SI)(AX*1)
	DECQ CX
	JNE prefetch64
	RET

// func prefetch2(a, b unsafe.Pointer)
TEXT ·prefetch2(SB), NOSPLIT, $0-16
	MOVQ a+0(FP), AX
	MOVQ b+8(FP), BX
	PREFETCHT0 (AX)
	PREFETCHT0 (BX)
	RET

// func prefetch3(a, b, c unsafe.Pointer)
TEXT ·prefetch3(SB), NOSPLIT, $0-24
	MOVQ a+0(FP), AX
	MOVQ b+8(FP), BX
	MOVQ c+16(FP), CX
	PREFETCHT0 (AX)
	PREFETCHT0 (BX)
	PREFETCHT0 (CX)
	RET

// func prefetch1(a unsafe.Pointer)
TEXT ·prefetch1(SB), NOSPLIT, $0-8
	MOVQ a+0(FP), AX
	PREFETCHT0 (AX)
	RET
