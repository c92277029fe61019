package twopoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/l2m-lab/l2m/count"
)

// dealing says which documents are counted, and how they are dealt to blocks.
type dealing struct {
	Blocks int
	Sample float64
	Seed   uint64
}

// of returns the dealing of a corpus of that many documents, as l2m twopoint
// deals them.
func (d dealing) of(documents int) count.Options {
	return count.Options{Blocks: d.Blocks, BlockTokens: count.DefaultBlockTokens, Sample: d.Sample, Seed: d.Seed}.Divide(documents)
}

// shardSizes says for every shard which number its first document has among
// all, and how many documents there are.
type shardSizes struct {
	first map[int]int
	all   int
}

// readSizes reads what joinFn has put together.
func readSizes(sizes []byte) (shardSizes, error) {
	var list [][2]int
	r := reader{data: sizes}
	for r.more() {
		list = append(list, [2]int{int(r.uvarint()), int(r.uvarint())})
	}
	if r.err != nil {
		return shardSizes{}, fmt.Errorf("sizes of shards: %w", r.err)
	}
	slices.SortFunc(list, func(a, b [2]int) int { return cmp.Compare(a[0], b[0]) })
	s := shardSizes{first: map[int]int{}}
	for _, l := range list {
		s.first[l[0]] = s.all
		s.all += l[1]
	}
	return s, nil
}

// dealFn numbers the documents among all, and leaves out those that are not in
// the sample. The number goes before the text, with how many documents there
// are: both decide on blocks.
type dealFn struct {
	Dealing dealing

	sizes  []byte
	shards shardSizes
}

// ProcessElement takes one document of a shard.
func (f *dealFn) ProcessElement(shard int, numbered, sizes []byte, emit func(int, []byte)) error {
	if f.shards.first == nil || !bytes.Equal(f.sizes, sizes) {
		var err error
		if f.shards, err = readSizes(sizes); err != nil {
			return err
		}
		f.sizes = sizes
	}
	r := reader{data: numbered}
	d := dealt{number: f.shards.first[shard] + int(r.uvarint()), documents: f.shards.all, text: r.data}
	if r.err != nil {
		return fmt.Errorf("number of a document: %w", r.err)
	}
	if f.Dealing.of(d.documents).Sampled(d.number) {
		emit(shard, d.append(nil))
	}
	return nil
}

// dealt is a document on its way from dealFn to pairsFn.
type dealt struct {
	number, documents int
	text              []byte
}

func (d dealt) append(out []byte) []byte {
	out = binary.AppendUvarint(out, uint64(d.number))
	out = binary.AppendUvarint(out, uint64(d.documents))
	return append(out, d.text...)
}

func readDealt(data []byte) (dealt, error) {
	r := reader{data: data}
	d := dealt{number: int(r.uvarint()), documents: int(r.uvarint())}
	d.text = r.data
	return d, r.err
}
