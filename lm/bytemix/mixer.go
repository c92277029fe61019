package bytemix

// A mixing row holds one weight per input as a 32-bit fixed-point number that
// is stored in two planes: the high halves (nIn int16, 16384 = weight 1, used
// for the dot product) and the low halves (nIn uint16, the fraction that lets
// small corrections add up). A set of rows is one array; a context chooses the
// row.
const (
	nIn       = 48 // mixer inputs, a multiple of 16
	nSets     = 5  // weight sets that are mixed by the final mixer
	rowLen    = 2 * nIn
	weightOne = 16384
)

// inputs holds the mixer inputs as int16, two to a word, the earlier in the
// low half.
type inputs [nIn / 2]uint32

// dotGeneric is the reference for the assembly: out[k] = Σ (pairs of products of inputs
// and high weights) >> 8.
func dotGeneric(x *inputs, w []int16, rows, out *[nSets]int32) {
	for k, r := range rows {
		row := w[int(r)*rowLen:][:nIn]
		var sum int32
		for j, v := range x {
			a, b := int32(int16(v)), int32(int16(v>>16))
			sum += (a*int32(row[2*j]) + b*int32(row[2*j+1])) >> 8
		}
		out[k] = sum
	}
}

// trainGeneric is the reference for the assembly: every weight of row k changes by
// input·err[k] (32-bit fixed point), the high half saturating.
func trainGeneric(x *inputs, w []int16, rows, err *[nSets]int32) {
	for k, r := range rows {
		if err[k] == 0 {
			continue
		}
		row := w[int(r)*rowLen:][:rowLen]
		for i := range nIn {
			d := int32(int16(x[i/2]>>(16*(i&1)))) * int32(int16(err[k]))
			lo := uint32(uint16(row[nIn+i])) + uint32(d)&0xffff
			hi := saturate(int32(row[i]) + d>>16)
			row[i] = int16(saturate(hi + int32(lo>>16)))
			row[nIn+i] = int16(lo)
		}
	}
}

// trainAndDotGeneric trains on one bit and computes the products of the next.
func trainAndDotGeneric(x *inputs, w []int16, rows, err *[nSets]int32, next *inputs, nextRows, out *[nSets]int32) {
	trainGeneric(x, w, rows, err)
	dotGeneric(next, w, nextRows, out)
}

func saturate(v int32) int32 { return min(max(v, -32768), 32767) }

// mixStep multiplies a 16-bit error by a learning rate. Errors below 0.1% are ignored
// to save time.
func mixStep(e, rate int32) int32 {
	e = (e*rate + 512) >> 10
	if uint32(e+mixIgnore) <= 2*mixIgnore {
		e = 0
	}
	return min(max(e, -32768), 32767)
}

const mixIgnore = 6
