package twopoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/l2m-lab/l2m/info"
)

// allBlocks is the key of the histogram of all documents. Under the number of a block
// is the change when it is left out.
const allBlocks = -1

// bin is a bin of the histograms.
type bin struct {
	block int
	count int64
}

// bins are histograms of one kind at one distance: the number of items, or its change.
type bins map[bin]int64

func (b bins) append(out []byte) []byte {
	for at, types := range b {
		if types != 0 {
			out = binary.AppendVarint(out, int64(at.block))
			out = binary.AppendUvarint(out, uint64(at.count))
			out = binary.AppendVarint(out, types)
		}
	}
	return out
}

func (b bins) add(r *reader) {
	for r.more() {
		at := bin{block: int(r.varint()), count: int64(r.uvarint())}
		b[at] += r.varint()
	}
}

// without returns the histogram without a block, or of allBlocks.
func (b bins) without(block int) info.Histogram {
	types := map[int64]int64{}
	for at, n := range b {
		if at.block == allBlocks || at.block == block {
			types[at.count] += n
		}
	}
	return info.NewHistogram(types)
}

// sumFn sums the batches of a group and emits its bins, and its part of the table of
// all pairs if kept.
type sumFn struct{ Tables bool }

// ProcessElement sums one group.
func (f *sumFn) ProcessElement(key []byte, batches func(*[]byte) bool, emit func([]byte, []byte)) error {
	k := reader{data: key}
	h := histogramOf{kind: k.byte(), distance: int(k.uvarint())}
	index := map[string]int{}
	var totals []int64
	inBlock := map[uint64]int64{} // by index and block
	var batch []byte
	for batches(&batch) {
		r := reader{data: batch}
		block := r.uvarint()
		for r.more() {
			name := r.bytes()
			n := int64(r.uvarint())
			i, ok := index[string(name)]
			if !ok {
				i = len(totals)
				index[string(name)] = i
				totals = append(totals, 0)
			}
			totals[i] += n
			inBlock[uint64(i)*(maxBlocks+1)+block] += n
		}
		if r.err != nil {
			return fmt.Errorf("batch of %q: %w", key, r.err)
		}
	}
	if k.err != nil {
		return fmt.Errorf("group %q: %w", key, k.err)
	}
	out := bins{}
	for _, n := range totals {
		out[bin{allBlocks, n}]++
	}
	for at, n := range inBlock {
		total, block := totals[at/(maxBlocks+1)], int(at%(maxBlocks+1))
		out[bin{block, total}]--
		if total > n {
			out[bin{block, total - n}]++
		}
	}
	emit(h.key(), out.append(nil))
	if f.Tables && h.kind == jointKind {
		var cells []byte
		for name, i := range index {
			cells = append(cells, name...) // of two ids
			cells = binary.AppendUvarint(cells, uint64(totals[i]))
		}
		emit(histogramOf{tableKind, h.distance}.key(), cells)
	}
	return nil
}

// mergeFn adds up the bins of a histogram, or joins the cells of a table. Its output
// begins with the name of the histogram or table.
func mergeFn(key []byte, parts func(*[]byte) bool) ([]byte, error) {
	sum := bins{}
	var part []byte
	if key[0] == tableKind {
		all := slices.Clone(key)
		for parts(&part) {
			all = append(all, part...)
		}
		return all, nil
	}
	for parts(&part) {
		r := reader{data: part}
		if sum.add(&r); r.err != nil {
			return nil, fmt.Errorf("bins of %q: %w", key, r.err)
		}
	}
	return sum.append(slices.Clone(key)), nil
}

// reader decodes numbers and names. After an error everything is zero.
type reader struct {
	data []byte
	err  error
}

var errShort = errors.New("cut short")

func (r *reader) more() bool { return len(r.data) > 0 }

func (r *reader) take(n int) []byte {
	if n <= 0 || n > len(r.data) {
		r.data, r.err = nil, errShort
		return nil
	}
	out := r.data[:n]
	r.data = r.data[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	r.take(n)
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.data)
	r.take(n)
	return v
}

func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n == 0 {
		return nil
	}
	return r.take(int(min(n, uint64(len(r.data)+1))))
}
