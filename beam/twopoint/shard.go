package twopoint

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/l2m-lab/l2m/count"
)

// seed deals documents to blocks as l2m twopoint does by default.
const seed = 1

// hashFn puts the shard of a document before it. Shards are ranges of hashes.
type hashFn struct{ Shards int }

// ProcessElement takes one document.
func (f *hashFn) ProcessElement(doc []byte) (int, []byte) {
	sum := sha256.Sum256(doc)
	shard, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:]), uint64(f.Shards))
	return int(shard), doc
}

// shardFn drops copies of documents and numbers the others of the shard from 0,
// in the order of their hashes. It emits (shard, number and document), and how
// many they are.
type shardFn struct{}

// ProcessElement takes the documents of a shard.
func (*shardFn) ProcessElement(shard int, docs func(*[]byte) bool, emit func(int, []byte), emitSize func([]byte)) {
	type hashed struct {
		sum [sha256.Size]byte
		doc []byte
	}
	var all []hashed
	var doc []byte
	for docs(&doc) {
		all = append(all, hashed{sha256.Sum256(doc), doc})
	}
	slices.SortFunc(all, func(a, b hashed) int { return bytes.Compare(a.sum[:], b.sum[:]) })
	all = slices.CompactFunc(all, func(a, b hashed) bool { return a.sum == b.sum })
	for i, h := range all {
		emit(shard, append(binary.AppendUvarint(nil, uint64(i)), h.doc...))
	}
	emitSize(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(shard)), uint64(len(all))))
}

// joinFn puts the sizes of all shards together.
func joinFn(_ int, sizes func(*[]byte) bool) []byte {
	var all, one []byte
	for sizes(&one) {
		all = append(all, one...)
	}
	return all
}

// dealFn deals the documents to blocks. It puts the block, as a byte, in place of
// the number.
type dealFn struct {
	Blocks int

	sizes []byte
	first map[int]int // by shard, the number of its first document among all
}

// ProcessElement takes one document of a shard.
func (f *dealFn) ProcessElement(shard int, numbered, sizes []byte) (int, []byte, error) {
	if f.first == nil || !bytes.Equal(f.sizes, sizes) {
		var all [][2]int
		r := reader{data: sizes}
		for r.more() {
			all = append(all, [2]int{int(r.uvarint()), int(r.uvarint())})
		}
		if r.err != nil {
			return 0, nil, fmt.Errorf("sizes of shards: %w", r.err)
		}
		slices.SortFunc(all, func(a, b [2]int) int { return cmp.Compare(a[0], b[0]) })
		f.sizes, f.first = sizes, map[int]int{}
		n := 0
		for _, a := range all {
			f.first[a[0]] = n
			n += a[1]
		}
	}
	r := reader{data: numbered}
	i := f.first[shard] + int(r.uvarint())
	if r.err != nil {
		return 0, nil, fmt.Errorf("number of a document: %w", r.err)
	}
	return shard, append([]byte{byte(count.BlockOf(i, f.Blocks, seed))}, r.data...), nil
}
