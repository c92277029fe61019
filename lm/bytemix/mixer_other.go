//go:build !amd64 || purego

package bytemix

func dotRows(x *inputs, w []int16, rows, out *[nSets]int32) { dotGeneric(x, w, rows, out) }

func trainRows(x *inputs, w []int16, rows, err *[nSets]int32) { trainGeneric(x, w, rows, err) }
