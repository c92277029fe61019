package twopoint

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/state"
	"github.com/cespare/xxhash/v2"

	"github.com/l2m-lab/l2m/token"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

// Kinds of items that are counted.
const (
	documentKind = 'd' // documents: one item, in no block
	placeKind    = 'p' // positions, with and without tokens: one item
	unigramKind  = 'u' // tokens
	jointKind    = 'j' // pairs of tokens
	leftKind     = 'l' // left tokens of pairs
	rightKind    = 'r' // right tokens of pairs
	tableKind    = 't' // cells of the table of all pairs; not a histogram
)

// A group is what one worker sums: the items of one kind at one distance whose hash
// falls into one partition.
type group struct {
	kind      byte
	distance  int
	partition int
}

func (g group) key() []byte {
	return binary.AppendUvarint(g.histogram().key(), uint64(g.partition))
}

func (g group) histogram() histogramOf { return histogramOf{g.kind, g.distance} }

// histogramOf names a histogram.
type histogramOf struct {
	kind     byte
	distance int
}

func (h histogramOf) key() []byte { return binary.AppendUvarint([]byte{h.kind}, uint64(h.distance)) }

// tokenPartitions is the number of partitions of pairs per partition of tokens, of
// which there are far fewer.
const tokenPartitions = 16

// pairsFn counts items in the documents of a worker, and emits them as batches: (group,
// block, items and counts). An element of a collection costs a runner about a kilobyte;
// a batch holds hundreds of pairs.
//
// It declares a state that it does not use, which makes Flink's runner process every
// shard as a separate bundle. Otherwise it makes one bundle of everything that a task
// slot has, and waits for its end before it reads more than 100 messages of its output,
// 400 MB: it hangs (Beam 2.70, SdkHarnessClient.close).
type pairsFn struct {
	Tokens     tokens
	Distances  []int
	Dealing    dealing
	Partitions int
	Buffer     int // tokens to hold before they are counted
	Unused     state.Value[bool]

	vocabulary *vocabulary.Vocabulary
	stream     token.Stream
	words      words
	documents  int64       // in memory
	ids        []uint32    // of their tokens, one document after another
	segments   [][]segment // of ids, by block
}

// segment says which tokens are right tokens of pairs of a block: ids[lo:hi]. The
// document, with their left tokens, begins at from.
type segment struct{ from, lo, hi int }

// Setup reads the vocabulary.
func (f *pairsFn) Setup(ctx context.Context) error {
	var err error
	f.vocabulary, err = f.Tokens.load(ctx)
	return err
}

// StartBundle clears the state that a failed bundle may have left.
func (f *pairsFn) StartBundle(func([]byte, []byte)) error {
	f.forget()
	f.words = words{ids: map[string]uint32{}}
	var err error
	f.stream, err = f.Tokens.stream(f.vocabulary)
	return err
}

func (f *pairsFn) forget() {
	f.documents, f.ids, f.segments = 0, f.ids[:0], make([][]segment, max(1, f.Dealing.Blocks))
}

// ProcessElement processes a document.
func (f *pairsFn) ProcessElement(_ state.Provider, _ int, element []byte, emit func([]byte, []byte)) error {
	doc, err := readDealt(element)
	if err != nil {
		return fmt.Errorf("a document to be counted: %w", err)
	}
	from := len(f.ids)
	f.encode(doc.text)
	f.documents++
	opts := f.Dealing.of(doc.all)
	for lo, hi := from, 0; lo < len(f.ids); lo = hi {
		hi = len(f.ids)
		if opts.BlockTokens > 0 {
			hi = min(hi, lo+opts.BlockTokens)
		}
		block := opts.BlockAt(doc.number, lo-from)
		f.segments[block] = append(f.segments[block], segment{from, lo, hi})
	}
	if len(f.ids) >= f.Buffer {
		f.count(emit)
	}
	return nil
}

// encode appends the tokens of a text.
func (f *pairsFn) encode(text []byte) {
	var name []byte
	if f.Tokens.words() {
		token.EachWord(&name, text, true, func(w []byte) { f.ids = append(f.ids, f.words.id(w)) })
		return
	}
	for _, id := range f.stream.Encode(nil, text, true) {
		if id == token.None {
			f.ids = append(f.ids, gap)
			continue
		}
		name = binary.AppendUvarint(name[:0], uint64(id))
		f.ids = append(f.ids, f.words.id(name))
	}
}

// FinishBundle counts the rest.
func (f *pairsFn) FinishBundle(emit func([]byte, []byte)) { f.count(emit) }

// count counts and emits the documents in memory. Words keep their ids until the end of
// the bundle.
func (f *pairsFn) count(emit func([]byte, []byte)) {
	if f.documents == 0 {
		return
	}
	emitNumber(documentKind, 0, f.documents, emit)
	for block, segments := range f.segments {
		if len(segments) == 0 {
			continue
		}
		counts, n := make([]int64, len(f.words.names)), int64(0)
		for _, s := range segments {
			for _, id := range f.ids[s.lo:s.hi] {
				if id != gap {
					counts[id]++
				}
			}
			n += int64(s.hi - s.lo)
		}
		emitNumber(placeKind, block, n, emit)
		f.emitTokens(group{kind: unigramKind}, block, counts, emit)
		for _, d := range f.Distances {
			f.countDistance(block, d, emit)
		}
	}
	f.forget()
}

func (f *pairsFn) countDistance(block, d int, emit func([]byte, []byte)) {
	left, right := make([]int64, len(f.words.names)), make([]int64, len(f.words.names))
	var pairs []uint64
	for _, s := range f.segments[block] {
		for i := max(s.lo, s.from+d); i < s.hi; i++ {
			a, b := f.ids[i-d], f.ids[i]
			if a == gap || b == gap {
				continue
			}
			left[a]++
			right[b]++
			pairs = append(pairs, uint64(a)<<32|uint64(b))
		}
	}
	f.emitTokens(group{kind: leftKind, distance: d}, block, left, emit)
	f.emitTokens(group{kind: rightKind, distance: d}, block, right, emit)

	slices.Sort(pairs)
	batches := newBatches(group{kind: jointKind, distance: d}, block, f.Partitions)
	var name []byte
	for i := 0; i < len(pairs); {
		j := i + 1
		for j < len(pairs) && pairs[j] == pairs[i] {
			j++
		}
		a, c := uint32(pairs[i]>>32), uint32(pairs[i])
		name = binary.AppendUvarint(name[:0], uint64(len(f.words.names[a])))
		name = append(append(name, f.words.names[a]...), f.words.names[c]...)
		hash := f.words.hashes[a]*0x9e3779b97f4a7c15 ^ bits.RotateLeft64(f.words.hashes[c], 32)
		batches.of(hash).add(name, int64(j-i))
		i = j
	}
	batches.emit(emit)
}

// emitNumber emits the number of items that are not distinguished.
func emitNumber(kind byte, block int, n int64, emit func([]byte, []byte)) {
	b := newBatch(group{kind: kind}, block)
	b.add(nil, n)
	b.emit(emit)
}

// emitTokens emits the counts of tokens, by id.
func (f *pairsFn) emitTokens(g group, block int, counts []int64, emit func([]byte, []byte)) {
	batches := newBatches(g, block, (f.Partitions+tokenPartitions-1)/tokenPartitions)
	for id, n := range counts {
		if n > 0 {
			batches.of(f.words.hashes[id]).add([]byte(f.words.names[id]), n)
		}
	}
	batches.emit(emit)
}

// gap stands for token.None among the numbers of words.
const gap = math.MaxUint32

// words numbers the tokens of a bundle. Their names are the same on every machine: the
// words themselves, or ids of a fixed vocabulary.
type words struct {
	ids    map[string]uint32
	names  []string
	hashes []uint64
}

func (w *words) id(name []byte) uint32 {
	id, ok := w.ids[string(name)]
	if !ok {
		id = uint32(len(w.names))
		w.names = append(w.names, string(name))
		w.ids[w.names[id]] = id
		w.hashes = append(w.hashes, xxhash.Sum64(name))
	}
	return id
}

// batch is a value of a group: the block, and items and counts.
type batch struct {
	group group
	value []byte
	empty int
}

func newBatch(g group, block int) *batch {
	v := binary.AppendUvarint(nil, uint64(block))
	return &batch{g, v, len(v)}
}

func (b *batch) add(name []byte, n int64) {
	b.value = binary.AppendUvarint(b.value, uint64(len(name)))
	b.value = append(b.value, name...)
	b.value = binary.AppendUvarint(b.value, uint64(n))
}

func (b *batch) emit(emit func([]byte, []byte)) {
	if len(b.value) > b.empty {
		emit(b.group.key(), b.value)
	}
}

type batches []*batch

func newBatches(g group, block, partitions int) batches {
	out := make(batches, partitions)
	for g.partition = range out {
		out[g.partition] = newBatch(g, block)
	}
	return out
}

// of chooses a partition by the upper half of a mixed hash, the same on every machine.
func (b batches) of(hash uint64) *batch {
	hash ^= hash >> 29
	hash *= 0xbf58476d1ce4e5b9
	upper, _ := bits.Mul64(hash, uint64(len(b)))
	return b[upper]
}

func (b batches) emit(emit func([]byte, []byte)) {
	for _, one := range b {
		one.emit(emit)
	}
}
