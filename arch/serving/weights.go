package serving

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxHeader is the format's limit for the header of a safetensors file.
const maxHeader = 100 << 20

// WeightsOf is the size in bytes of the weights at path: a safetensors file, an index
// of its shards (model.safetensors.index.json), a GGUF file, or a folder with them. It
// reads only headers.
func WeightsOf(path string) (int64, error) {
	st, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("reading the size of weights: %w", err)
	}
	var n int64
	switch {
	case st.IsDir():
		n, err = folder(path)
	case strings.HasSuffix(path, ".index.json"):
		n, err = index(path)
	case strings.HasSuffix(path, ".safetensors"):
		n, err = safetensors(path)
	case strings.HasSuffix(path, ".gguf"):
		n = st.Size() // its metadata is small beside the tensors
	default:
		err = errors.New("want a .safetensors, .safetensors.index.json or .gguf file, a folder with them, or a number of bytes such as 16G")
	}
	if err != nil {
		return 0, fmt.Errorf("reading the size of the weights in %s: %w", path, err)
	}
	return n, nil
}

// folder prefers the index, then adds up the shards of one format.
func folder(path string) (int64, error) {
	if names, _ := filepath.Glob(filepath.Join(path, "*.safetensors.index.json")); len(names) > 0 {
		return index(names[0])
	}
	for _, format := range []string{"*.safetensors", "*.gguf"} {
		names, err := filepath.Glob(filepath.Join(path, format))
		if err != nil {
			return 0, err
		}
		sum := int64(0)
		for _, name := range names {
			n, err := WeightsOf(name)
			if err != nil {
				return 0, err
			}
			sum += n
		}
		if len(names) > 0 {
			return sum, nil
		}
	}
	return 0, errors.New("there are no safetensors or GGUF files")
}

// index reads metadata.total_size.
func index(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var doc struct {
		Metadata struct {
			TotalSize float64 `json:"total_size"`
		} `json:"metadata"`
	}
	if err := json.NewDecoder(io.LimitReader(f, maxHeader)).Decode(&doc); err != nil {
		return 0, err
	}
	n := int64(doc.Metadata.TotalSize)
	if n <= 0 || doc.Metadata.TotalSize > 1<<60 {
		return 0, errors.New("metadata.total_size is missing or not a size")
	}
	return n, nil
}

// safetensors returns the end of the last tensor: eight bytes give the length of a JSON
// header, in which each tensor has data_offsets.
func safetensors(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return safetensorsSize(f)
}

func safetensorsSize(r io.Reader) (int64, error) {
	var length uint64
	if err := binary.Read(r, binary.LittleEndian, &length); err != nil {
		return 0, fmt.Errorf("the file is too short for a safetensors header: %w", err)
	}
	if length > maxHeader {
		return 0, fmt.Errorf("the header claims %d bytes; the format allows %d", length, maxHeader)
	}
	var tensors map[string]struct {
		Offsets []int64 `json:"data_offsets"`
	}
	header, err := io.ReadAll(io.LimitReader(r, int64(length)))
	if err == nil && uint64(len(header)) < length {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		err = json.Unmarshal(header, &tensors)
	}
	if err != nil {
		return 0, fmt.Errorf("reading the safetensors header: %w", err)
	}
	end := int64(0)
	for name, t := range tensors {
		if name == "__metadata__" {
			continue
		}
		if len(t.Offsets) != 2 || t.Offsets[0] < 0 || t.Offsets[1] < t.Offsets[0] {
			return 0, fmt.Errorf("tensor %q has data_offsets %v", name, t.Offsets)
		}
		end = max(end, t.Offsets[1])
	}
	return end, nil
}
