package train

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/internal/atomicfile"
)

// tensor is a named tensor of a safetensors file, float32.
type tensor struct {
	name  string
	shape []int
	data  []float32
}

// entry describes a tensor in the header of a safetensors file.
type entry struct {
	Type    string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

// maxHeader bounds the header when reading.
const maxHeader = 64 << 20

// encodeTensors writes safetensors: eight bytes with the length of a JSON
// header, the header, the numbers.
func encodeTensors(w io.Writer, tensors []tensor, metadata map[string]string) error {
	header := map[string]any{"__metadata__": metadata}
	at := 0
	for _, t := range tensors {
		shape := t.shape
		if shape == nil {
			shape = []int{}
		}
		header[t.name] = entry{"F32", shape, [2]int{at, at + 4*len(t.data)}}
		at += 4 * len(t.data)
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	if _, err := w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(text)))); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	buffer := make([]byte, 0, 1<<16)
	for _, t := range tensors {
		for part := range slices.Chunk(t.data, 1<<14) {
			buffer = buffer[:0]
			for _, x := range part {
				buffer = binary.LittleEndian.AppendUint32(buffer, math.Float32bits(x))
			}
			if _, err := w.Write(buffer); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeTensors writes a safetensors file atomically.
func writeTensors(path string, tensors []tensor, metadata map[string]string) error {
	return atomicfile.WriteFile(path, 0o644, func(w io.Writer) error { return encodeTensors(w, tensors, metadata) })
}

// readTensors reads a safetensors file of float32 tensors.
func readTensors(r io.Reader) (map[string]tensor, map[string]string, error) {
	var length [8]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, nil, fmt.Errorf("reading the length of the header: %w", err)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader {
		return nil, nil, fmt.Errorf("the header would have %d bytes; this is not a safetensors file", n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, nil, fmt.Errorf("reading the header: %w", err)
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(text, &header); err != nil {
		return nil, nil, fmt.Errorf("reading the header: %w", err)
	}
	var metadata map[string]string
	if m := header["__metadata__"]; m != nil {
		if err := json.Unmarshal(m, &metadata); err != nil {
			return nil, nil, fmt.Errorf("reading the metadata: %w", err)
		}
		delete(header, "__metadata__")
	}
	entries := map[string]entry{}
	total := 0
	for name, raw := range header {
		var e entry
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, nil, fmt.Errorf("reading the header of tensor %q: %w", name, err)
		}
		if err := e.check(); err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		entries[name] = e
		total = max(total, e.Offsets[1])
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, nil, err
	}
	if len(data) != total {
		return nil, nil, fmt.Errorf("the file has %d bytes of numbers, but its header says %d", len(data), total)
	}
	out := map[string]tensor{}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		e := entries[name]
		t := tensor{name: name, shape: e.Shape}
		for at := e.Offsets[0]; at < e.Offsets[1]; at += 4 {
			t.data = append(t.data, math.Float32frombits(binary.LittleEndian.Uint32(data[at:])))
		}
		out[name] = t
	}
	return out, metadata, nil
}

func (e entry) check() error {
	n := 1
	for _, d := range e.Shape {
		if d < 0 || d > 0 && n > (1<<40)/d {
			return fmt.Errorf("invalid shape %v", e.Shape)
		}
		n *= d
	}
	switch {
	case e.Type != "F32":
		return fmt.Errorf("type %q is not supported, only F32", e.Type)
	case e.Offsets[0] < 0 || e.Offsets[1]-e.Offsets[0] != 4*n:
		return fmt.Errorf("%v is not the size of %d numbers", e.Offsets, n)
	}
	return nil
}
