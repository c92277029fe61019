package twopoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/count"
)

// dealing says which documents are counted, and how they are assigned to blocks.
type dealing struct {
	Blocks int
	Sample float64
	Seed   uint64
}

// of returns the assignment for a corpus with documents of these sizes, as in l2m
// twopoint.
func (d dealing) of(s count.Sizes) count.Options {
	return count.Options{Blocks: d.Blocks, BlockTokens: count.DefaultBlockTokens, Sample: d.Sample, Seed: d.Seed}.Divide(s)
}

// shardSizes has, for every shard, the number of its first document among all, and the
// sizes of all.
type shardSizes struct {
	first map[int]int
	all   count.Sizes
}

// readSizes decodes the output of joinFn.
func readSizes(sizes []byte) (shardSizes, error) {
	type shard struct {
		number int
		sizes  count.Sizes
	}
	var list []shard
	r := reader{data: sizes}
	for r.more() {
		list = append(list, shard{int(r.uvarint()), readSizesOf(&r)})
	}
	if r.err != nil {
		return shardSizes{}, fmt.Errorf("sizes of shards: %w", r.err)
	}
	slices.SortFunc(list, func(a, b shard) int { return cmp.Compare(a.number, b.number) })
	s := shardSizes{first: map[int]int{}}
	for _, l := range list {
		s.first[l.number] = s.all.Documents
		s.all.Documents += l.sizes.Documents
		s.all.Sum += l.sizes.Sum
		s.all.Squares += l.sizes.Squares
	}
	return s, nil
}

// dealFn numbers the documents and drops those that are not in the sample. It emits the
// number before the text, with the sizes of all documents: both determine blocks.
type dealFn struct {
	Dealing dealing

	sizes  []byte
	shards shardSizes
}

// ProcessElement processes a document of a shard.
func (f *dealFn) ProcessElement(shard int, numbered, sizes []byte, emit func(int, []byte)) error {
	if f.shards.first == nil || !bytes.Equal(f.sizes, sizes) {
		var err error
		if f.shards, err = readSizes(sizes); err != nil {
			return err
		}
		f.sizes = sizes
	}
	r := reader{data: numbered}
	d := dealt{number: f.shards.first[shard] + int(r.uvarint()), all: f.shards.all, text: r.data}
	if r.err != nil {
		return fmt.Errorf("number of a document: %w", r.err)
	}
	if f.Dealing.of(d.all).Sampled(d.number) {
		emit(shard, d.append(nil))
	}
	return nil
}

// dealt is a document as dealFn emits it.
type dealt struct {
	number int
	all    count.Sizes
	text   []byte
}

func (d dealt) append(out []byte) []byte {
	out = binary.AppendUvarint(out, uint64(d.number))
	out = appendSizes(out, d.all)
	return append(out, d.text...)
}

func readDealt(data []byte) (dealt, error) {
	r := reader{data: data}
	d := dealt{number: int(r.uvarint()), all: readSizesOf(&r)}
	d.text = r.data
	return d, r.err
}

func appendSizes(out []byte, s count.Sizes) []byte {
	out = binary.AppendUvarint(out, uint64(s.Documents))
	out = binary.AppendUvarint(out, math.Float64bits(s.Sum))
	return binary.AppendUvarint(out, math.Float64bits(s.Squares))
}

func readSizesOf(r *reader) count.Sizes {
	return count.Sizes{Documents: int(r.uvarint()), Sum: math.Float64frombits(r.uvarint()), Squares: math.Float64frombits(r.uvarint())}
}
