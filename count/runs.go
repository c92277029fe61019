package count

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"slices"
	"sync"

	"github.com/l2m-lab/l2m/token"
)

// A run file holds the distinct pairs of one chunk with their counts, for all
// distances: a sequence of extents, an index of the extents, and a footer that
// only a complete file has. An extent holds whole records of one section; a
// section is what a worker merges at a time, the pairs of one distance whose
// right token is in one range, or the left tokens of one distance and block.
//
//	record  rank of the right token, as the difference to the record before it
//	        in the extent; number of blocks; for each: block, number of entries,
//	        entries
//	entry   left token ×2, +1 if its count follows; otherwise the count is 1
//	index   for each extent: distance, part, length, CRC-32C of the bytes
//	footer  length and CRC-32C of the index, magic
//
// All numbers are unsigned varints, those of the footer little-endian of 8 and
// 4 bytes.
const (
	runMagic     = "l2mruns1"
	footerBytes  = 8 + 4 + len(runMagic)
	extentTarget = 64 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// section is a part of the merge: distance number k and part, which is a range, or the
// number of ranges plus a block.
type section struct{ k, part int32 }

// extent is the position of some records of a section.
type extent struct {
	section
	offset int64
	length uint32
	sum    uint32
}

const extentBytes = 24

// runWriter writes a run file from several goroutines.
type runWriter struct {
	mu      sync.Mutex
	w       *bufio.Writer
	written int64
	index   []extent
	err     error
}

// write appends an extent.
func (w *runWriter) write(s section, records []byte) {
	if len(records) == 0 {
		return
	}
	sum := crc32.Checksum(records, castagnoli)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return
	}
	if _, w.err = w.w.Write(records); w.err == nil {
		w.index = append(w.index, extent{s, w.written, uint32(len(records)), sum})
		w.written += int64(len(records))
	}
}

// finish writes the index and the footer.
func (w *runWriter) finish() error {
	if w.err != nil {
		return w.err
	}
	var b []byte
	for _, e := range w.index {
		for _, x := range [...]uint64{uint64(e.k), uint64(e.part), uint64(e.length), uint64(e.sum)} {
			b = binary.AppendUvarint(b, x)
		}
	}
	sum := crc32.Checksum(b, castagnoli)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(b)))
	b = binary.LittleEndian.AppendUint32(b, sum)
	b = append(b, runMagic...)
	if _, err := w.w.Write(b); err != nil {
		return err
	}
	w.written += int64(len(b))
	return w.w.Flush()
}

// runFile is a run file open for reading. It holds the index of one distance at a time:
// whole indexes of many files would take more memory than the result.
type runFile struct {
	f       *os.File
	data    int64    // bytes of all extents
	most    int      // largest number of extents of a distance
	extents []extent // of the current distance, by section, those of a section as they were written
}

// of returns the extents of a section of the current distance.
func (r *runFile) of(s section) []extent {
	at, _ := slices.BinarySearchFunc(r.extents, s, func(e extent, s section) int { return compareSections(e.section, s) })
	end := at
	for end < len(r.extents) && r.extents[end].section == s {
		end++
	}
	return r.extents[at:end]
}

func compareSections(a, b section) int {
	return cmp.Or(cmp.Compare(a.k, b.k), cmp.Compare(a.part, b.part))
}

var errDamaged = errors.New("the file is damaged or incomplete (remove it and count again)")

// openRun opens a run file and checks that it is complete.
func openRun(path string) (*runFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &runFile{f: f}
	have := map[int32]int{}
	err = r.index(func(e extent) {
		have[e.k]++
		r.most = max(r.most, have[e.k])
	})
	if err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

// use makes distance k the current one.
func (r *runFile) use(k int) error {
	r.extents = slices.Grow(r.extents[:0], r.most)
	err := r.index(func(e extent) {
		if int(e.k) == k {
			r.extents = append(r.extents, e)
		}
	})
	slices.SortStableFunc(r.extents, func(a, b extent) int { return compareSections(a.section, b.section) })
	return err
}

// index visits the extents in the order of the file.
func (r *runFile) index(visit func(extent)) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("reading %s: %w", r.f.Name(), err)
		}
	}()
	b, err := r.readIndex()
	if err != nil {
		return err
	}
	var offset int64
	for len(b) > 0 {
		var x [4]uint64
		for i := range x {
			v, n := binary.Uvarint(b)
			if n <= 0 {
				return errDamaged
			}
			x[i], b = v, b[n:]
		}
		if x[2] > uint64(r.data-offset) || x[2] > math.MaxUint32 {
			return errDamaged
		}
		visit(extent{section{int32(x[0]), int32(x[1])}, offset, uint32(x[2]), uint32(x[3])})
		offset += int64(x[2])
	}
	if offset != r.data {
		return errDamaged
	}
	return nil
}

// readIndex reads the bytes of the index and checks their checksum.
func (r *runFile) readIndex() ([]byte, error) {
	info, err := r.f.Stat()
	if err != nil {
		return nil, err
	}
	footer := make([]byte, footerBytes)
	body := info.Size() - int64(footerBytes)
	if body < 0 {
		return nil, errDamaged
	}
	if _, err := r.f.ReadAt(footer, body); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint64(footer)
	if string(footer[12:]) != runMagic || size > uint64(body) {
		return nil, errDamaged
	}
	b := make([]byte, size)
	r.data = body - int64(size)
	if _, err := r.f.ReadAt(b, r.data); err != nil {
		return nil, err
	}
	if crc32.Checksum(b, castagnoli) != binary.LittleEndian.Uint32(footer[8:]) {
		return nil, errDamaged
	}
	return b, nil
}

// cursor iterates over the records of a section of a run file. It reads an extent
// through its buffer; if the extent is longer, it first reads all of it for the
// checksum.
type cursor struct {
	r       *runFile
	extents []extent
	buf     []byte // of fixed size
	b       []byte // read from the current extent, but not used
	offset  int64  // of the unread rest
	left    int    // length of the unread rest
	rank    uint64
	done    bool
	err     error
}

// leastBuffer fits a few entries, mostBuffer nearly every extent.
const (
	leastBuffer = 4 << 10
	mostBuffer  = 2 * extentTarget
	cursorBytes = 160
)

// start puts the cursor before the first record of a section.
func (c *cursor) start(r *runFile, s section, buffer int) {
	*c = cursor{r: r, extents: r.of(s), buf: sized(c.buf, buffer)}
}

// next moves to the next record and reads its rank.
func (c *cursor) next() error {
	if c.err != nil {
		return c.err
	}
	if len(c.b) == 0 && c.left == 0 {
		if len(c.extents) == 0 {
			c.done = true
			return nil
		}
		e := c.extents[0]
		c.extents = c.extents[1:]
		if err := c.open(e); err != nil {
			return fmt.Errorf("reading %s: %w", c.r.f.Name(), err)
		}
		c.rank = 0
	}
	c.rank += c.number()
	return c.err
}

// open begins an extent and checks its checksum.
func (c *cursor) open(e extent) error {
	begin := func() { c.b, c.offset, c.left = nil, e.offset, int(e.length) }
	sum := uint32(0)
	for begin(); c.left > 0; c.b = nil {
		if err := c.fill(); err != nil {
			return err
		}
		sum = crc32.Update(sum, castagnoli, c.b)
		if len(c.b) == int(e.length) {
			break // all of it is in the buffer
		}
	}
	if sum != e.sum {
		return errDamaged
	}
	if len(c.b) < int(e.length) {
		begin()
	}
	return nil
}

// fill reads as much of the extent as fits into the buffer.
func (c *cursor) fill() error {
	kept := copy(c.buf, c.b)
	n := min(c.left, len(c.buf)-kept)
	if _, err := c.r.f.ReadAt(c.buf[kept:kept+n], c.offset); err != nil {
		return err
	}
	c.b, c.offset, c.left = c.buf[:kept+n], c.offset+int64(n), c.left-n
	return nil
}

// number reads a number; the checksum has already validated the bytes.
func (c *cursor) number() uint64 {
	if len(c.b) < binary.MaxVarintLen64 && c.left > 0 {
		if err := c.fill(); err != nil && c.err == nil {
			c.err = fmt.Errorf("reading %s: %w", c.r.f.Name(), err)
		}
	}
	if len(c.b) > 0 && c.b[0] < 0x80 {
		v := c.b[0]
		c.b = c.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(c.b)
	c.b = c.b[max(n, 0):]
	return v
}

// entries reads the rest of a record. Its errors are returned by the next call of next.
func (c *cursor) entries(visit func(block int, left token.ID, count int64)) {
	for range c.number() {
		block := int(c.number())
		for range c.number() {
			left, n := c.number(), uint64(1)
			if left&1 != 0 {
				n = c.number()
			}
			if c.err != nil {
				return
			}
			visit(block, token.ID(left>>1), int64(n))
		}
	}
}

// appendEntry appends an entry of a record.
func appendEntry(b []byte, left token.ID, count uint32) []byte {
	if count == 1 {
		return binary.AppendUvarint(b, uint64(left)<<1)
	}
	b = binary.AppendUvarint(b, uint64(left)<<1|1)
	return binary.AppendUvarint(b, uint64(count))
}
