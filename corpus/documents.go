package corpus

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"iter"
	"slices"
	"sort"

	"github.com/l2m-lab/l2m/corpus/source"
)

// document is a distinct document of the corpus.
type document struct {
	hash   [sha256.Size]byte
	bytes  int64
	record source.Place
	file   int32
	copy   int32 // number among the documents with the same hash, from 0
}

// draw is a pseudo-random number in [0,1) that depends only on the document's
// content, the seed and the purpose.
func (d *document) draw(seed uint64, purpose string) float64 {
	first := *d
	first.copy = 0 // copies fall on the same side
	return float64(first.seed(seed, purpose)>>11) / (1 << 53)
}

// seed mixes the document's content into a seed. Copies have different seeds.
func (d *document) seed(seed uint64, purpose string) uint64 {
	h := sha256.New()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	h.Write(b[:])
	io.WriteString(h, purpose)
	h.Write(d.hash[:])
	if d.copy > 0 {
		binary.LittleEndian.PutUint64(b[:], uint64(d.copy))
		h.Write(b[:])
	}
	return binary.LittleEndian.Uint64(h.Sum(nil))
}

// batch is the number of documents in a chunk, a power of two.
const batch = 4096

// documents is a list of documents in chunks, all full but the last: a corpus may have
// millions, and a single slice takes twice their memory while it is filled or sorted.
type documents struct {
	chunks [][]document
	n      int
}

func (l *documents) at(i int) *document { return &l.chunks[i/batch][i%batch] }

func (l *documents) add(d document) {
	if l.n%batch == 0 {
		l.chunks = append(l.chunks, nil)
	}
	last := &l.chunks[l.n/batch]
	if n := len(*last); n == cap(*last) {
		// A folder may have as many small files, each with a list of its own.
		grown := make([]document, n, min(batch, max(1, 2*n)))
		copy(grown, *last)
		*last = grown
	}
	*last = append(*last, d)
	l.n++
}

// take moves the documents of another list to this one, in any order, full chunks as
// they are.
func (l *documents) take(other *documents) {
	full, rest := other.n/batch, l.n/batch
	l.chunks = slices.Insert(l.chunks, rest, other.chunks[:full]...)
	l.n += full * batch
	for _, chunk := range other.chunks[full:] {
		for _, d := range chunk {
			l.add(d)
		}
	}
	*other = documents{}
}

// all yields the documents in order, with their numbers.
func (l *documents) all() iter.Seq2[int, *document] {
	return func(yield func(int, *document) bool) {
		for i := range l.n {
			if !yield(i, l.at(i)) {
				return
			}
		}
	}
}

// keep drops the documents that wanted does not want. It sees them in order.
func (l *documents) keep(wanted func(d *document) bool) {
	kept := 0
	for _, d := range l.all() {
		if wanted(d) {
			*l.at(kept) = *d
			kept++
		}
	}
	l.n = kept
	l.chunks = slices.Delete(l.chunks, (kept+batch-1)/batch, len(l.chunks))
	if kept%batch > 0 {
		last := &l.chunks[kept/batch]
		*last = (*last)[:kept%batch]
	}
}

// sort sorts the documents, in place, by hash, and copies in file order.
func (l *documents) sort() { sort.Sort(byHash{l}) }

type byHash struct{ *documents }

func (l byHash) Len() int { return l.n }

func (l byHash) Swap(i, j int) {
	a, b := l.at(i), l.at(j)
	*a, *b = *b, *a
}

func (l byHash) Less(i, j int) bool {
	a, b := l.at(i), l.at(j)
	return cmp.Or(bytes.Compare(a.hash[:], b.hash[:]), a.compare(b)) < 0
}

// compare orders documents as they are read.
func (d *document) compare(other *document) int {
	return cmp.Or(cmp.Compare(d.file, other.file), cmp.Compare(d.record, other.record))
}
