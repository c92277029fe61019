package score

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
)

// row is one scored pass of one window, as stored: see docs/format.md.
type row struct {
	Window  int32     `parquet:"window"`
	Cluster int32     `parquet:"cluster"`
	Pass    string    `parquet:"pass"`
	Split   int32     `parquet:"split"`
	K       int32     `parquet:"k"`
	Context int32     `parquet:"context"`
	Start   int32     `parquet:"start"`
	Tokens  int32     `parquet:"tokens"`
	LogProb []float32 `parquet:"logprob,list"`
}

// Columns of row, in order.
const (
	colWindow = iota
	colCluster
	colPass
	colSplit
	colK
	colContext
	colStart
	colTokens
	colLogProb
	columns
)

var partSchema = parquet.SchemaOf(row{})

// Names in the key-value metadata of a part.
const (
	metaFormat = "l2m.format"
	metaKey    = "l2m.key"
)

func contentHash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

// maxPart keeps offsets within 32 bits.
const maxPart = math.MaxUint32

// encodePart returns the content of a part. Values are stored plain and uncompressed
// (log-probabilities do not compress), consecutively within a page, so that they can be
// read by offset.
func encodePart(key Key, rows []row) ([]byte, error) {
	meta, err := json.Marshal(key)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, partSchema,
		parquet.Compression(&parquet.Uncompressed),
		parquet.DataPageVersion(2),
		parquet.PageBufferSize(1<<20),
		parquet.CreatedBy("l2m", Format, ""),
		parquet.KeyValueMetadata(metaFormat, Format),
		parquet.KeyValueMetadata(metaKey, string(meta)))
	if _, err := w.Write(rows); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if b.Len() > maxPart {
		return nil, fmt.Errorf("a part of %d bytes exceeds the limit of %d (use fewer cross contexts)", b.Len(), int64(maxPart))
	}
	return b.Bytes(), nil
}

// rowRef is a row without its values, which are at offset in the file.
type rowRef struct {
	row
	offset uint32
}

// errPartKey says that a part belongs to another run.
type errPartKey struct{ differences []Difference }

func (e *errPartKey) Error() string {
	return "it belongs to another run: " + describe(e.differences)
}

// decodePart checks all of a part but keeps only the offsets of the values. Any
// deviation from encodePart's format is an error.
func decodePart(content []byte, key Key) (refs []rowRef, err error) {
	// parquet-go panics on some files with contradictory metadata, and allocates up to
	// 2 GiB if a page header says so. Parts are decoded only if their content matches
	// the hash in their name, so that takes a malicious file.
	defer func() {
		if r := recover(); r != nil {
			refs, err = nil, fmt.Errorf("not readable as Parquet: %v", r)
		}
	}()
	if err := checkFooterSize(content); err != nil {
		return nil, err
	}
	f, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)), parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
	if err != nil {
		return nil, err
	}
	for _, g := range f.Metadata().RowGroups {
		for _, c := range g.Columns {
			if n := int(c.OffsetIndexLength); n < 0 || n > len(content) {
				return nil, fmt.Errorf("its footer claims an index of %d bytes", n)
			}
		}
	}
	if format, _ := f.Lookup(metaFormat); format != Format {
		return nil, &errPartKey{[]Difference{{"format", format, Format}}}
	}
	meta, _ := f.Lookup(metaKey)
	var stored Key
	if err := json.Unmarshal([]byte(meta), &stored); err != nil {
		return nil, fmt.Errorf("its key is not readable: %w", err)
	}
	if !key.wrote(stored) {
		return nil, &errPartKey{stored.diff(key)}
	}
	if got := f.Schema().String(); got != partSchema.String() {
		return nil, fmt.Errorf("its columns are not those of a score part:\n%s", got)
	}
	for _, g := range f.RowGroups() {
		refs, err = decodeRowGroup(content, g, refs)
		if err != nil {
			return nil, err
		}
	}
	if int64(len(refs)) != f.NumRows() {
		return nil, fmt.Errorf("%d rows found, the footer says %d", len(refs), f.NumRows())
	}
	for i := range refs {
		if err := refs[i].validate(key); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
	}
	return refs, nil
}

// checkFooterSize keeps parquet-go from allocating whatever a damaged footer claims.
func checkFooterSize(content []byte) error {
	if len(content) < 12 { // PAR1 at both ends, and the length of the footer
		return errors.New("too short for a Parquet file")
	}
	if n := binary.LittleEndian.Uint32(content[len(content)-8:]); int64(n) > int64(len(content)-12) {
		return fmt.Errorf("its footer claims a size of %d bytes", n)
	}
	return nil
}

func decodeRowGroup(content []byte, g parquet.RowGroup, refs []rowRef) ([]rowRef, error) {
	chunks := g.ColumnChunks()
	if len(chunks) != columns {
		return nil, fmt.Errorf("%d columns, want %d", len(chunks), columns)
	}
	var ints [columns][]int32
	for c := range columns {
		if c == colPass || c == colLogProb {
			continue
		}
		err := eachPage(chunks[c], func(_ int, p parquet.Page) error {
			v := p.Data()
			if v.Kind() != encoding.Int32 {
				return errors.New("values are not 32-bit integers")
			}
			ints[c] = append(ints[c], v.Int32()...)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("column %d: %w", c, err)
		}
	}
	var passes []string
	err := eachPage(chunks[colPass], func(_ int, p parquet.Page) error {
		v := p.Data()
		if v.Kind() != encoding.ByteArray {
			return errors.New("values are not strings")
		}
		data, offsets := v.ByteArray()
		for i := 1; i < len(offsets); i++ {
			passes = append(passes, internPass(data[offsets[i-1]:offsets[i]]))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("column %d: %w", colPass, err)
	}
	n := len(passes)
	for c := range columns {
		if c != colPass && c != colLogProb && len(ints[c]) != n {
			return nil, fmt.Errorf("column %d has %d rows, others have %d", c, len(ints[c]), n)
		}
	}
	offsets, err := valueOffsets(content, chunks[colLogProb], ints[colTokens])
	if err != nil {
		return nil, fmt.Errorf("column %d: %w", colLogProb, err)
	}
	refs = slices.Grow(refs, n)
	for i := range n {
		refs = append(refs, rowRef{
			row: row{
				Window: ints[colWindow][i], Cluster: ints[colCluster][i], Pass: passes[i],
				Split: ints[colSplit][i], K: ints[colK][i], Context: ints[colContext][i],
				Start: ints[colStart][i], Tokens: ints[colTokens][i],
			},
			offset: offsets[i],
		})
	}
	return refs, nil
}

// valueOffsets finds the offsets of the values of each row in the file: lengths are the
// rows' numbers of values. Values are at the end of their page; the bytes there are
// compared with the values that the Parquet reader decodes.
func valueOffsets(content []byte, chunk parquet.ColumnChunk, lengths []int32) ([]uint32, error) {
	index, err := chunk.OffsetIndex()
	if err != nil {
		return nil, err
	}
	offsets := make([]uint32, 0, len(lengths))
	err = eachPage(chunk, func(i int, p parquet.Page) error {
		if i >= index.NumPages() {
			return errors.New("more pages than the offset index lists")
		}
		v := p.Data()
		if v.Kind() != encoding.Float {
			return errors.New("values are not 32-bit floats")
		}
		values := v.Float()
		end := index.Offset(i) + index.CompressedPageSize(i)
		start := end - 4*int64(len(values))
		if start < 0 || end > int64(len(content)) || end > maxPart {
			return errors.New("the offset index points outside the file")
		}
		raw := content[start:end]
		for j, x := range values {
			if binary.LittleEndian.Uint32(raw[4*j:]) != math.Float32bits(x) {
				return errors.New("values are not stored plain")
			}
		}
		reps, defs := p.RepetitionLevels(), p.DefinitionLevels()
		if len(reps) != len(values) || len(defs) != len(values) || bytes.Count(defs, []byte{1}) != len(defs) {
			return errors.New("levels do not fit the values")
		}
		for at := 0; at < len(values); {
			if len(offsets) == len(lengths) {
				return errors.New("more values than in the column tokens")
			}
			n := int(lengths[len(offsets)])
			if n < 1 || n > len(values)-at || reps[at] != 0 || bytes.Count(reps[at:at+n], []byte{1}) != n-1 {
				return errors.New("lists do not have the lengths in the column tokens")
			}
			offsets = append(offsets, uint32(start)+4*uint32(at))
			at += n
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(offsets) != len(lengths) {
		return nil, errors.New("fewer values than in the column tokens")
	}
	return offsets, nil
}

// eachPage visits the pages of a column.
func eachPage(chunk parquet.ColumnChunk, visit func(int, parquet.Page) error) error {
	pages := chunk.Pages()
	defer pages.Close()
	for i := 0; ; i++ {
		p, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = visit(i, p)
		parquet.Release(p)
		if err != nil {
			return err
		}
	}
}

// internPass avoids allocating a string per row.
func internPass(b []byte) string {
	for _, p := range []pass{passJoint, passMarginal, passCross} {
		if string(b) == string(p) {
			return string(p)
		}
	}
	return string(b)
}

// validate checks a row against the plan.
func (r *rowRef) validate(key Key) error {
	slot, ok := key.Plan.slot(pass(r.Pass), int(r.Split), int(r.K))
	switch {
	case !ok:
		return fmt.Errorf("the plan has no pass %q with split %d and k %d", r.Pass, r.Split, r.K)
	case r.Window < 0 || int(r.Window) >= key.Count:
		return fmt.Errorf("window %d of %d does not exist", r.Window, key.Count)
	case r.Cluster < 0:
		return fmt.Errorf("cluster %d is negative", r.Cluster)
	case (r.Context >= 0) != (r.Pass == string(passCross)) || r.Context < -1 || int(r.Context) >= key.Count || r.Context == r.Window:
		return fmt.Errorf("window %d cannot be the context of a %s pass of window %d", r.Context, r.Pass, r.Window)
	case r.Start != r.Split:
		return fmt.Errorf("values start at token %d instead of %d", r.Start, r.Split)
	case int(r.Tokens) != key.Plan.slotTokens(slot):
		return fmt.Errorf("%d values instead of %d", r.Tokens, key.Plan.slotTokens(slot))
	}
	return nil
}
