package count

import (
	"bufio"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/token"
)

// What is read of a run file does not depend on the size of buffers, and damage is
// found before anything is read, in extents that are larger, too.
func TestCursorBuffers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runs")
	rapid.Check(t, func(t *rapid.T) {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		type seen struct {
			rank  uint64
			block int
			left  token.ID
			count int64
		}
		want := map[section][]seen{}
		w := &runWriter{w: bufio.NewWriter(f)}
		for range rapid.IntRange(1, 5).Draw(t, "extents") {
			s := section{int32(rapid.IntRange(0, 1).Draw(t, "k")), int32(rapid.IntRange(0, 2).Draw(t, "part"))}
			var records []byte
			rank := uint64(0)
			for range rapid.IntRange(1, 4).Draw(t, "records") {
				step := rapid.Uint64Range(1, 1<<20).Draw(t, "step")
				rank += step
				records = append(binary.AppendUvarint(records, step), 1, 1)
				n := rapid.IntRange(1, 60).Draw(t, "entries")
				records = binary.AppendUvarint(records, uint64(n))
				for range n {
					e := seen{rank, 1, token.ID(rapid.IntRange(1, 1<<30).Draw(t, "left")), rapid.Int64Range(1, 1<<32-1).Draw(t, "count")}
					records = appendEntry(records, e.left, uint32(e.count))
					want[s] = append(want[s], e)
				}
			}
			w.write(s, records)
		}
		if err := w.finish(); err != nil {
			t.Fatal(err)
		}
		r, err := openRun(path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.f.Close()
		read := func(buffer int) (map[section][]seen, error) {
			got := map[section][]seen{}
			for s := range want {
				if err := r.use(int(s.k)); err != nil {
					return nil, err
				}
				var c cursor
				c.start(r, s, buffer)
				for {
					if err := c.next(); err != nil {
						return nil, err
					}
					if c.done {
						break
					}
					c.entries(func(block int, l token.ID, n int64) { got[s] = append(got[s], seen{c.rank, block, l, n}) })
				}
			}
			return got, nil
		}
		buffer := rapid.SampledFrom([]int{16, 64, 1000, mostBuffer}).Draw(t, "buffer")
		got, err := read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(seen{})); diff != "" {
			t.Fatalf("buffer of %d (-written +read):\n%s", buffer, diff)
		}
		e := r.extents[rapid.IntRange(0, len(r.extents)-1).Draw(t, "extent")]
		at := e.offset + rapid.Int64Range(0, int64(e.length)-1).Draw(t, "at")
		var b [1]byte
		if _, err := r.f.ReadAt(b[:], at); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 4
		if _, err := f.WriteAt(b[:], at); err != nil {
			t.Fatal(err)
		}
		if _, err := read(buffer); err == nil {
			t.Error("damage is not found")
		}
	})
}
