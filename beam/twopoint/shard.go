package twopoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/l2m-lab/l2m/count"
)

// hashFn emits the shard of a document. Shards are ranges of hashes.
type hashFn struct{ Shards int }

// ProcessElement processes a document.
func (f *hashFn) ProcessElement(doc []byte) (int, []byte) {
	sum := sha256.Sum256(doc)
	shard, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:]), uint64(f.Shards))
	return int(shard), doc
}

// shardFn drops copies of documents and numbers the others in the shard from 0, sorted
// by hash. It emits (shard, number and document), and their sizes.
type shardFn struct{}

// ProcessElement processes the documents of a shard.
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
	var sizes count.Sizes
	for i, h := range all {
		emit(shard, append(binary.AppendUvarint(nil, uint64(i)), h.doc...))
		sizes.Add(int64(len(h.doc)))
	}
	emitSize(appendSizes(binary.AppendUvarint(nil, uint64(shard)), sizes))
}

// joinFn concatenates the sizes of all shards.
func joinFn(_ int, sizes func(*[]byte) bool) []byte {
	var all, one []byte
	for sizes(&one) {
		all = append(all, one...)
	}
	return all
}
