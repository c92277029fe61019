//go:build !unix

package bytemix

import (
	"io"
	"os"
)

// mapFile reads a file, because the system cannot map it.
func mapFile(f *os.File) (data []byte, free func() error, err error) {
	data, err = io.ReadAll(f)
	return data, func() error { return nil }, err
}
