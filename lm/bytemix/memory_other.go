//go:build !linux

package bytemix

func adviseHuge[T any]([]T) {}
