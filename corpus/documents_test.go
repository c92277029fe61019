package corpus

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/corpus/source"
)

// TestDocuments compares the list in chunks with a slice: joined lists sorted, and
// some of the documents dropped.
func TestDocuments(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var list documents
		var slice []document
		for file := range rapid.IntRange(0, 4).Draw(rt, "files") {
			var one documents
			// Fewer than a chunk, and around multiples of it.
			n := max(0, batch*rapid.IntRange(0, 2).Draw(rt, "chunks")+rapid.IntRange(-2, 5).Draw(rt, "rest"))
			for i := range n {
				d := document{bytes: int64(i), record: source.Place(n - i), file: int32(file)}
				d.hash[0] = byte(i * 37 % 100)
				one.add(d)
				slice = append(slice, d)
			}
			list.take(&one)
			if one.n != 0 {
				rt.Fatal("documents are left behind")
			}
		}
		list.sort()
		slices.SortFunc(slice, func(a, b document) int {
			return cmp.Or(slices.Compare(a.hash[:], b.hash[:]), cmp.Compare(a.file, b.file), cmp.Compare(a.record, b.record))
		})
		same(rt, &list, slice)
		rest := rapid.IntRange(1, 5).Draw(rt, "every")
		list.keep(func(d *document) bool { return d.bytes%int64(rest) == 0 })
		slice = slices.DeleteFunc(slice, func(d document) bool { return d.bytes%int64(rest) != 0 })
		same(rt, &list, slice)
	})
}

func same(t *rapid.T, list *documents, want []document) {
	t.Helper()
	if list.n != len(want) || len(list.chunks) != (len(want)+batch-1)/batch {
		t.Fatalf("%d documents in %d chunks, want %d", list.n, len(list.chunks), len(want))
	}
	for i, d := range list.all() {
		if *d != want[i] {
			t.Fatalf("document %d is %v, want %v", i, *d, want[i])
		}
		if cap(list.chunks[i/batch]) > batch {
			t.Fatalf("a chunk has room for %d documents", cap(list.chunks[i/batch]))
		}
	}
}
