package twopoint

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/state"
	"github.com/cespare/xxhash/v2"

	"github.com/l2m-lab/l2m/token"
)

// Kinds of things that are counted.
const (
	documentKind = 'd' // documents: one thing
	unigramKind  = 'u' // tokens
	jointKind    = 'j' // pairs of tokens
	leftKind     = 'l' // left tokens of pairs
	rightKind    = 'r' // right tokens of pairs
)

// A group is what one worker sums: the things of one kind at one distance whose
// hash falls into one partition.
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

// tokenPartitions is how many partitions of pairs share one of tokens, of which
// there are far fewer.
const tokenPartitions = 16

// pairsFn counts things in the documents that a worker sees, and emits them as
// batches, which are (group, block, things and counts). An element of a
// collection costs a runner about a kilobyte; a batch holds hundreds of pairs.
//
// It declares a state that it does not use, which makes Flink's runner process
// every shard as a bundle of its own. Otherwise it makes one bundle of all that
// a task slot has, and waits for its end before it reads more than 100 messages
// of its output, 400 MB: it waits for ever (Beam 2.70, SdkHarnessClient.close).
type pairsFn struct {
	Tokens             string
	Distances          []int
	Blocks, Partitions int
	Buffer             int // tokens to hold before they are counted
	Unused             state.Value[bool]

	stream token.Stream
	words  words
	blocks []buffer
	held   int
}

// buffer holds the documents of a block, one behind the other.
type buffer struct {
	ids  []uint32
	ends []int
}

// StartBundle forgets what a bundle that failed may have left.
func (f *pairsFn) StartBundle(func([]byte, []byte)) error {
	f.blocks, f.held = make([]buffer, f.Blocks), 0
	f.words = words{ids: map[string]uint32{}}
	var err error
	f.stream, err = token.ParseStream(f.Tokens)
	return err
}

// ProcessElement takes one document of a shard, behind its block.
func (f *pairsFn) ProcessElement(_ state.Provider, _ int, dealt []byte, emit func([]byte, []byte)) error {
	block, doc := int(dealt[0]), dealt[1:]
	if block >= f.Blocks {
		return fmt.Errorf("a document of block %d of %d", block, f.Blocks)
	}
	b := &f.blocks[block]
	before := len(b.ids)
	if f.stream.Name() == "words" {
		var part []byte
		token.EachWord(&part, doc, true, func(w []byte) { b.ids = append(b.ids, f.words.id(w)) })
	} else {
		for _, id := range f.stream.Encode(nil, doc, true) {
			b.ids = append(b.ids, f.words.id(binary.AppendUvarint(nil, uint64(id))))
		}
	}
	b.ends = append(b.ends, len(b.ids))
	if f.held += len(b.ids) - before; f.held >= f.Buffer {
		f.count(emit)
	}
	return nil
}

// FinishBundle counts what is still held.
func (f *pairsFn) FinishBundle(emit func([]byte, []byte)) { f.count(emit) }

// count counts and emits what is held. The words keep their ids until the end
// of the bundle.
func (f *pairsFn) count(emit func([]byte, []byte)) {
	for block := range f.blocks {
		b := &f.blocks[block]
		if len(b.ends) == 0 {
			continue
		}
		things := newBatch(group{kind: documentKind}, block)
		things.add(nil, int64(len(b.ends)))
		things.emit(emit)

		counts := make([]int64, len(f.words.names))
		for _, id := range b.ids {
			counts[id]++
		}
		f.emitTokens(group{kind: unigramKind}, block, counts, emit)
		for _, d := range f.Distances {
			f.countDistance(block, d, emit)
		}
		b.ids, b.ends = b.ids[:0], b.ends[:0]
	}
	f.held = 0
}

func (f *pairsFn) countDistance(block, d int, emit func([]byte, []byte)) {
	b := &f.blocks[block]
	left, right := make([]int64, len(f.words.names)), make([]int64, len(f.words.names))
	var pairs []uint64
	from := 0
	for _, end := range b.ends {
		doc := b.ids[from:end]
		from = end
		for i := 0; i+d < len(doc); i++ {
			left[doc[i]]++
			right[doc[i+d]]++
			pairs = append(pairs, uint64(doc[i])<<32|uint64(doc[i+d]))
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

// words numbers the tokens that a bundle has seen. Their names are the same on
// every machine: words themselves, or ids of a fixed vocabulary.
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

// batch is a value of a group: the block, and things and counts.
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

// of chooses a partition by the upper half of a mixed hash: the same thing has
// the same one everywhere.
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
