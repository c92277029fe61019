package bytemix

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"

	"github.com/l2m-lab/l2m/internal/atomicfile"
)

// A model file is the magic, the format number, the length of a JSON header,
// the header, the tables that it lists one after the other, and the SHA-256 of
// everything before. Numbers are little-endian.
const (
	fileMagic   = "l2m-bytemix\r\n\x1a\n\x00" // 16 bytes, broken by text-mode copies
	fileFormat  = 1
	preambleLen = len(fileMagic) + 8
	maxHeader   = 1 << 20
)

// ErrNotModel is wrapped by the error of Open for a file that is not a model file.
var ErrNotModel = errors.New("not a bytemix model file")

// FileInfo is the header of a model file.
type FileInfo struct {
	Algorithm    string        `json:"algorithm"`     // version of the algorithm that trained it
	Alphabet     Alphabet      `json:"alphabet"`      // "" for bytes
	TableBits    int           `json:"table_bits"`    // Options.TableBits
	Restart      int           `json:"restart"`       // Options.Restart
	Seed         uint64        `json:"seed"`          // Options.Seed
	TrainedBytes int64         `json:"trained_bytes"` // length of the training text
	Fingerprint  string        `json:"fingerprint"`
	Sketch       []byte        `json:"sketch,omitempty"` // Model.Sketch
	Sections     []FileSection `json:"sections"`
}

// FileSection is one table of a model file.
type FileSection struct {
	Name    string `json:"name"`
	Element int    `json:"element"` // bytes per number
	Bytes   int64  `json:"bytes"`
}

// Save writes the model to w, in the format that Open reads.
func (m *Model) Save(w io.Writer) error {
	if len(m.opts.Without) > 0 {
		return fmt.Errorf("saving bytemix: the model was made without %v, which the file format cannot represent", m.opts.Without)
	}
	e, back, err := m.borrow()
	if err != nil {
		return err
	}
	defer back()
	fields := e.fields()
	head := FileInfo{
		Algorithm: version, Alphabet: m.opts.Alphabet, TableBits: m.opts.TableBits, Restart: m.opts.Restart,
		Seed: m.opts.Seed, TrainedBytes: m.trained, Fingerprint: m.info.Fingerprint, Sketch: m.Sketch,
	}
	for _, f := range fields {
		head.Sections = append(head.Sections, FileSection{f.name, f.elem, int64(len(f.data))})
	}
	text, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("saving a bytemix model: %w", err)
	}
	sum := sha256.New()
	out := io.MultiWriter(w, sum)
	pre := append([]byte(fileMagic), make([]byte, 8)...)
	binary.LittleEndian.PutUint32(pre[len(fileMagic):], fileFormat)
	binary.LittleEndian.PutUint32(pre[len(fileMagic)+4:], uint32(len(text)))
	if _, err := out.Write(append(pre, text...)); err != nil {
		return fmt.Errorf("saving a bytemix model: %w", err)
	}
	for _, f := range fields {
		if err := writeField(out, f, littleEndian); err != nil {
			return fmt.Errorf("saving a bytemix model: %w", err)
		}
	}
	if _, err := w.Write(sum.Sum(nil)); err != nil {
		return fmt.Errorf("saving a bytemix model: %w", err)
	}
	return nil
}

// CheckFile reports, before a model is trained, whether SaveFile would write to path.
func CheckFile(path string) error {
	return atomicfile.CheckOutput(path, atomicfile.StartsWith(fileMagic))
}

// SaveFile writes the model to a file atomically. It replaces only a model file or an
// empty file.
func (m *Model) SaveFile(path string) error {
	if err := atomicfile.WriteOutput(path, 0o666, atomicfile.StartsWith(fileMagic), m.Save); err != nil {
		return fmt.Errorf("saving a bytemix model to %s: %w", path, err)
	}
	return nil
}

// borrow takes a copy of the state out of the pool for reading.
func (m *Model) borrow() (engine, func(), error) {
	select {
	case w := <-m.pool:
		return w.engine, func() { m.pool <- w }, nil
	default:
	}
	if m.file != nil && m.grow() {
		e, err := m.file.engine()
		if err != nil {
			m.shrink()
			return nil, nil, err
		}
		return e, func() { m.pool <- &worker{engine: e} }, nil
	}
	w := <-m.pool
	return w.engine, func() { m.pool <- w }, nil
}

// image is an opened model file, verified, and mapped into memory if the system can.
type image struct {
	path string
	head FileInfo
	body []byte // all sections
	free func() error
	mu   sync.Mutex
}

// Open reads a model that Save wrote. The file is mapped into memory, verified, and
// copied when a request (or one that overlaps others) first needs it, so that
// inspecting a model costs no memory. workers is Options.Workers. Errors say what is
// wrong with the file.
func Open(path string, workers int) (*Model, error) {
	img, err := openImage(path)
	if err != nil {
		return nil, fmt.Errorf("opening the model %s: %w", path, err)
	}
	opts, err := Options{
		Alphabet: img.head.Alphabet, TableBits: img.head.TableBits, Restart: img.head.Restart,
		Seed: img.head.Seed, Workers: workers,
	}.withDefaults(img.head.TrainedBytes > 0)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the model %s: %w", path, err), img.free())
	}
	m := &Model{Sketch: img.head.Sketch, opts: opts, trained: img.head.TrainedBytes, file: img, long: copyBeyond, pool: make(chan *worker, opts.Workers)}
	m.info = describe(opts, img.head.Fingerprint)
	return m, nil
}

// Close unmaps an opened file, after all requests. A model that was not opened from a
// file needs no Close.
func (m *Model) Close() error {
	if m.file == nil {
		return nil
	}
	free := m.file.free
	m.file.free = func() error { return nil }
	return free()
}

// ReadInfo verifies a model file and returns its header.
func ReadInfo(path string) (FileInfo, error) {
	img, err := openImage(path)
	if err != nil {
		return FileInfo{}, fmt.Errorf("opening the model %s: %w", path, err)
	}
	return img.head, img.free()
}

func openImage(path string) (*image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, free, err := mapFile(f)
	if err != nil {
		return nil, err
	}
	img := &image{path: path, free: free}
	if err := img.parse(data); err != nil {
		return nil, errors.Join(err, free())
	}
	return img, nil
}

// parse verifies the file.
func (g *image) parse(data []byte) error {
	if len(data) < preambleLen || !bytes.Equal(data[:len(fileMagic)], []byte(fileMagic)) {
		return fmt.Errorf("%w (make one with: l2m model train)", ErrNotModel)
	}
	if v := binary.LittleEndian.Uint32(data[len(fileMagic):]); v != fileFormat {
		return fmt.Errorf("the file has format %d, this program reads format %d (train the model again, or update l2m)", v, fileFormat)
	}
	n := int64(binary.LittleEndian.Uint32(data[len(fileMagic)+4:]))
	if n > maxHeader || int64(preambleLen)+n > int64(len(data)) {
		return errors.New("the header is cut off or damaged (copy the file again)")
	}
	headText := data[preambleLen : int64(preambleLen)+n]
	body := data[int64(preambleLen)+n:]
	if err := json.Unmarshal(headText, &g.head); err != nil {
		return fmt.Errorf("the header is damaged: %w (copy the file again)", err)
	}
	want := int64(sha256.Size)
	for _, s := range g.head.Sections {
		if s.Bytes < 0 || s.Bytes > 1<<40 || (s.Element != 1 && s.Element != 2 && s.Element != 4) || s.Bytes%int64(s.Element) != 0 {
			return fmt.Errorf("the header is damaged: section %q of %d bytes", s.Name, s.Bytes)
		}
		want += s.Bytes
	}
	if int64(len(body)) != want {
		return fmt.Errorf("the file has %d bytes of tables, but its header says %d (copy the file again)", len(body), want)
	}
	sum := sha256.Sum256(data[:len(data)-sha256.Size])
	if !bytes.Equal(sum[:], data[len(data)-sha256.Size:]) {
		return errors.New("the checksum does not match: the file is damaged (copy the file again)")
	}
	if g.head.Algorithm != version {
		return fmt.Errorf("it was trained by %q, this program is %q (train it again)", g.head.Algorithm, version)
	}
	if b := g.head.TableBits; b < minTableBits || b > maxTableBits || !g.head.Alphabet.valid() {
		return fmt.Errorf("the header is damaged: TableBits %d, alphabet %q", b, g.head.Alphabet)
	}
	g.body = body[:len(body)-sha256.Size]
	return nil
}

// engine makes a copy of the state. If the file is truncated while it is mapped,
// reading it is a memory fault, which becomes an error here.
func (g *image) engine() (e engine, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("reading the model %s: the file changed while it was in use (%v)", g.path, r)
		}
	}()
	e = newEngine(Options{Alphabet: g.head.Alphabet, TableBits: g.head.TableBits})
	body := g.body
	fields := e.fields()
	if len(fields) != len(g.head.Sections) {
		return nil, fmt.Errorf("reading the model %s: %d tables, want %d", g.path, len(g.head.Sections), len(fields))
	}
	for i, f := range fields {
		s := g.head.Sections[i]
		part := body[:s.Bytes]
		body = body[s.Bytes:]
		if f.resize != nil {
			if s.Bytes < 1 || s.Bytes > maxText+1 {
				return nil, fmt.Errorf("reading the model %s: a training text of %d bytes", g.path, s.Bytes)
			}
			f.data = f.resize(len(part))
		}
		if s.Name != f.name || s.Element != f.elem || int64(len(f.data)) != s.Bytes {
			return nil, fmt.Errorf("reading the model %s: table %q has %d bytes, want %q of %d", g.path, s.Name, s.Bytes, f.name, len(f.data))
		}
		readField(f, part, littleEndian)
	}
	e.pace(windowRates(g.head.Alphabet, g.head.TrainedBytes > 0))
	e.finish()
	return e, nil
}
