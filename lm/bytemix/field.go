package bytemix

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"unsafe"
)

// field is a table of the state in memory. elem is the size of its numbers in bytes; in
// files and fingerprints they are little-endian.
type field struct {
	name   string
	elem   int
	data   []byte
	resize func(n int) []byte // for a table whose size is unknown before reading
}

func tableField[T any](name string, s []T, elem int) field {
	var zero T
	data := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), uintptr(len(s))*unsafe.Sizeof(zero))
	return field{name: name, elem: elem, data: data}
}

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// swap reverses the bytes of every number.
func swap(b []byte, elem int) {
	for i := 0; i+elem <= len(b); i += elem {
		for j := range elem / 2 {
			b[i+j], b[i+elem-1-j] = b[i+elem-1-j], b[i+j]
		}
	}
}

// writeField writes the numbers of a field in little-endian order.
func writeField(w io.Writer, f field, little bool) error {
	if little || f.elem == 1 {
		_, err := w.Write(f.data)
		return err
	}
	var buf [1 << 16]byte
	for data := f.data; len(data) > 0; {
		n := copy(buf[:], data)
		swap(buf[:n], f.elem)
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// readField copies little-endian numbers into a field of the same size.
func readField(f field, b []byte, little bool) {
	copy(f.data, b)
	if !little && f.elem > 1 {
		swap(f.data, f.elem)
	}
}

// fingerprint hashes everything that determines the log-probabilities.
func fingerprint(opts Options, trained int64, e engine) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s|%s|%d|%v|", version, opts.Alphabet, opts.TableBits, windowRates(opts.Alphabet, trained > 0))
	if len(opts.Without) > 0 {
		fmt.Fprintf(h, "without %v|", opts.Without)
	}
	for _, f := range e.fields() {
		fmt.Fprintf(h, "%s|%d|", f.name, len(f.data))
		_ = writeField(h, f, littleEndian) // a hash does not fail
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
