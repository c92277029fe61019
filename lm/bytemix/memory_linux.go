package bytemix

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// adviseHuge asks the kernel to back a large table with huge pages: the tables
// are read at random, and with small pages most of the time goes into address
// translation. It is a hint; failure changes nothing but speed.
func adviseHuge[T any](s []T) {
	const huge = 2 << 20
	if len(s) == 0 {
		return
	}
	size := uintptr(len(s)) * unsafe.Sizeof(s[0])
	if size < 2*huge {
		return
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), size)
	skip := -uintptr(unsafe.Pointer(&b[0])) & (huge - 1)
	b = b[skip:]
	_ = unix.Madvise(b[:len(b)&^(huge-1)], unix.MADV_HUGEPAGE)
}
