//go:build !amd64 || purego

package cpu

func best() Set { return Plain }

// vectors is nil: loops are plain Go.
var vectors *loops

var wideTile, narrowTile tile

func transpose8(d []float32, dstride int, a []float32, astride, n int) {
	panic("cpu: no vector instructions")
}
