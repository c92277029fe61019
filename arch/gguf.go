package arch

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

const ggufMagic = "GGUF"

// Limits of the GGUF reader. The metadata of real files has up to tens of megabytes,
// mostly tokenizers, which are not kept.
const (
	maxMetadataBytes = 256 << 20
	maxMetadataKeys  = 65_536
	maxKeyBytes      = 65_535   // by the specification
	maxStringBytes   = 64 << 10 // of a value that is kept; longer ones are skipped
	maxArrayNesting  = 4
)

// ggufType is the type of a metadata value (ggml, gguf.h, gguf_type).
type ggufType uint32

const (
	ggufUint8 ggufType = iota
	ggufInt8
	ggufUint16
	ggufInt16
	ggufUint32
	ggufInt32
	ggufFloat32
	ggufBool
	ggufString
	ggufArray
	ggufUint64
	ggufInt64
	ggufFloat64
)

// width is the size of a scalar in bytes, 0 for strings, arrays and unknown
// types.
func (t ggufType) width() int64 {
	switch t {
	case ggufUint8, ggufInt8, ggufBool:
		return 1
	case ggufUint16, ggufInt16:
		return 2
	case ggufUint32, ggufInt32, ggufFloat32:
		return 4
	case ggufUint64, ggufInt64, ggufFloat64:
		return 8
	}
	return 0
}

// readGGUF reads the metadata section and stops before the tensors. It returns an
// object whose keys have no architecture prefix, and the architecture. Memory does not
// depend on lengths that a file claims: strings and arrays too long to be sizes are
// skipped, and no more than limit bytes are read.
func readGGUF(r io.Reader, limit int64) (*value, string, error) {
	g := &ggufReader{r: bufio.NewReaderSize(&io.LimitedReader{R: r, N: limit}, 64<<10), order: binary.LittleEndian, limit: limit}
	var head [8]byte
	if err := g.fill(head[:]); err != nil {
		return nil, "", err
	}
	if string(head[:4]) != ggufMagic {
		return nil, "", errors.New("not a GGUF file")
	}
	version := g.order.Uint32(head[4:])
	if version&0xffff == 0 { // written by a big-endian machine
		g.order = binary.BigEndian
		version = g.order.Uint32(head[4:])
	}
	if version != 2 && version != 3 {
		return nil, "", fmt.Errorf("GGUF version %d (2 and 3 are known)", version)
	}
	if _, err := g.uint(8); err != nil { // number of tensors, not needed
		return nil, "", err
	}
	count, err := g.uint(8)
	if err != nil {
		return nil, "", err
	}
	if count > maxMetadataKeys {
		return nil, "", fmt.Errorf("the file claims %d metadata keys; more than %d are refused", count, maxMetadataKeys)
	}
	all := map[string]value{}
	for i := range count {
		key, err := g.key()
		if err == nil {
			if _, twice := all[key]; twice {
				return nil, "", fmt.Errorf("key %q occurs twice: it is undefined which one applies", key)
			}
			all[key], err = g.keyed(key)
		}
		if err != nil {
			return nil, "", fmt.Errorf("metadata entry %d of %d: %w", i+1, count, err)
		}
	}
	name := all["general.architecture"]
	if err := refuseGGUF(all); err != nil {
		return nil, "", err
	}
	obj := &value{kind: kindObject, index: map[string]int{}}
	for key, v := range all {
		short, ours := strings.CutPrefix(key, name.text+".")
		if !ours || v.kind == kindNull {
			continue
		}
		obj.index[short] = len(obj.items)
		obj.names = append(obj.names, short)
		obj.items = append(obj.items, v)
	}
	return obj, name.text, nil
}

// refuseGGUF returns an error for a file that does not describe a language model.
func refuseGGUF(all map[string]value) error {
	name := all["general.architecture"].text
	number := func(key string) int {
		n, _ := strconv.Atoi(all[key].text)
		return n
	}
	switch kind := all["general.type"].text; {
	case number("split.no") > 0 && name == "":
		return fmt.Errorf("this is part %d of %d of a split file, and only the first part describes the model: name that (…-00001-of-%05d.gguf)",
			number("split.no")+1, number("split.count"), number("split.count"))
	case kind == "adapter" || all["adapter.type"].text != "":
		return errAdapter
	case kind == "mmproj" || name == "clip":
		return errors.New("this is a projector, which turns images or sound into tokens and keeps no history state: name the file of the language model")
	case kind == "imatrix" || kind == "vocab":
		return fmt.Errorf("this file holds a %s, not a model", map[string]string{"imatrix": "matrix of importances", "vocab": "vocabulary"}[kind])
	case name == "":
		return errors.New("general.architecture is missing or not a string")
	}
	return nil
}

type ggufReader struct {
	r     *bufio.Reader
	order binary.ByteOrder
	limit int64
	read  int64
	buf   [8]byte // of uint
}

// tooLarge is the error for too much metadata.
func (g *ggufReader) tooLarge() error {
	return fmt.Errorf("the metadata is larger than %d MiB", g.limit>>20)
}

func (g *ggufReader) fill(b []byte) error {
	n, err := io.ReadFull(g.r, b)
	g.read += int64(n)
	return g.end(err)
}

// end explains an end of file.
func (g *ggufReader) end(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		if g.read >= g.limit {
			return g.tooLarge()
		}
		return fmt.Errorf("the file ends after %d bytes, within its metadata", g.read)
	}
	return err
}

// skip reads past n bytes.
func (g *ggufReader) skip(n uint64) error {
	if n > uint64(g.limit) {
		return g.tooLarge()
	}
	done, err := g.r.Discard(int(n))
	g.read += int64(done)
	return g.end(err)
}

func (g *ggufReader) uint(width int64) (uint64, error) {
	b := g.buf[:]
	if err := g.fill(b[:width]); err != nil {
		return 0, err
	}
	switch width {
	case 1:
		return uint64(b[0]), nil
	case 2:
		return uint64(g.order.Uint16(b)), nil
	case 4:
		return uint64(g.order.Uint32(b)), nil
	}
	return g.order.Uint64(b), nil
}

func (g *ggufReader) key() (string, error) {
	n, err := g.uint(8)
	if err != nil {
		return "", err
	}
	if n > maxKeyBytes {
		return "", fmt.Errorf("a key claims %d bytes; the format allows %d", n, maxKeyBytes)
	}
	b := make([]byte, n)
	if err := g.fill(b); err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", errors.New("a key is not valid UTF-8")
	}
	return string(b), nil
}

// keyed reads the value of a key.
func (g *ggufReader) keyed(key string) (value, error) {
	t, err := g.uint(4)
	if err != nil {
		return value{}, err
	}
	v, err := g.value(ggufType(t))
	if err != nil {
		return value{}, fmt.Errorf("%s: %w", key, err)
	}
	return v, nil
}

// value reads a value; what cannot be a size or a name comes back as null.
func (g *ggufReader) value(t ggufType) (value, error) {
	switch t {
	case ggufString:
		n, err := g.uint(8)
		if err != nil {
			return value{}, err
		}
		if n > maxStringBytes {
			return value{}, g.skip(n)
		}
		b := make([]byte, n)
		if err := g.fill(b); err != nil {
			return value{}, err
		}
		return value{kind: kindString, text: strings.ToValidUTF8(string(b), "�")}, nil
	case ggufArray:
		return g.array(1)
	}
	if t.width() == 0 {
		return value{}, fmt.Errorf("unknown value type %d", t)
	}
	bits, err := g.uint(t.width())
	return t.number(bits), err
}

// number interprets the bits of a scalar.
func (t ggufType) number(bits uint64) value {
	v := value{kind: kindNumber}
	switch t {
	case ggufBool:
		return value{kind: kindBool, flag: bits != 0}
	case ggufInt8:
		v.text = strconv.FormatInt(int64(int8(bits)), 10)
	case ggufInt16:
		v.text = strconv.FormatInt(int64(int16(bits)), 10)
	case ggufInt32:
		v.text = strconv.FormatInt(int64(int32(bits)), 10)
	case ggufInt64:
		v.text = strconv.FormatInt(int64(bits), 10)
	case ggufFloat32:
		v.text = strconv.FormatFloat(float64(math.Float32frombits(uint32(bits))), 'g', -1, 32)
	case ggufFloat64:
		v.text = strconv.FormatFloat(math.Float64frombits(bits), 'g', -1, 64)
	default:
		v.text = strconv.FormatUint(bits, 10)
	}
	return v
}

// array reads an array. Numbers and truth values are kept when there are not
// more than layers can be; everything else is read past.
func (g *ggufReader) array(nesting int) (value, error) {
	t, err := g.uint(4)
	if err != nil {
		return value{}, err
	}
	n, err := g.uint(8)
	if err != nil {
		return value{}, err
	}
	element := ggufType(t)
	switch width := element.width(); {
	case width > 0 && n <= maxList:
		v := value{kind: kindArray}
		for range n {
			bits, err := g.uint(width)
			if err != nil {
				return value{}, err
			}
			v.items = append(v.items, element.number(bits))
		}
		return v, nil
	case width > 0:
		if n > uint64(g.limit) {
			return value{}, g.tooLarge()
		}
		return value{}, g.skip(n * uint64(width))
	case element == ggufString:
		for range n { // ends with the file: every string takes at least 8 bytes
			size, err := g.uint(8)
			if err == nil {
				err = g.skip(size)
			}
			if err != nil {
				return value{}, err
			}
		}
		return value{}, nil
	case element == ggufArray && nesting < maxArrayNesting:
		for range n {
			if _, err := g.array(nesting + 1); err != nil {
				return value{}, err
			}
		}
		return value{}, nil
	case element == ggufArray:
		return value{}, fmt.Errorf("arrays nested more than %d deep", maxArrayNesting)
	}
	return value{}, fmt.Errorf("an array of unknown type %d", t)
}
