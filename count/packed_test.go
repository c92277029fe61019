package count_test

import (
	"bytes"
	"encoding/json"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/info"
)

// Packed counts are the counts, and as JSON look like them, even where numbers of
// other programs are nonsense: what is wrong with them is said later.
func TestPacked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		histogram := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) info.Bin {
			return info.Bin{Count: rapid.Int64Min(1).Draw(t, "count"), Types: rapid.Int64Min(1).Draw(t, "types")}
		}), 0, 20)
		draw := func(name string) info.Histogram {
			if h := histogram.Draw(t, name); len(h) > 0 {
				return h
			}
			return nil
		}
		want := count.Counts{Pairs: rapid.Int64().Draw(t, "pairs"), Joint: draw("joint"), Left: draw("left"), Right: draw("right")}
		packed := want.Pack()
		if diff := gocmp.Diff(want, packed.Counts()); diff != "" {
			t.Fatalf("(-counts +unpacked):\n%s", diff)
		}
		data, err := json.Marshal(packed)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if string(data) != string(plain) {
			t.Fatalf("as JSON %s, the counts are %s", data, plain)
		}
		var read count.Packed
		if err := json.Unmarshal(data, &read); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(packed, read); diff != "" {
			t.Fatalf("(-packed +read):\n%s", diff)
		}
	})
}

// Written piece by piece, a file of counts is the same as in one.
func TestFileIsJSON(t *testing.T) {
	docs := count.Documents{{0, 1, 2, 1, 0, 1, 1}, {2, 2, 1}, {1, 0}}
	for _, o := range []count.Options{{Vocabulary: 3, Blocks: 3, Tables: true}, {Vocabulary: 3, Tables: true}, {Blocks: 2}, {}} {
		o.Distances = []int{1, 2, 50}
		r, err := count.Pairs(t.Context(), docs, o)
		if err != nil {
			t.Fatal(err)
		}
		f := &count.File{Schema: count.FileSchema, Alphabet: "letters", Key: "k", Result: *r}
		want, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := f.Write(&got); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(string(want)+"\n", got.String()); diff != "" {
			t.Errorf("(-Marshal +Write):\n%s", diff)
		}
	}
}

// What is not of Pack has no counts, and does no harm.
func TestPackedByAnotherHand(t *testing.T) {
	good := count.Counts{Pairs: 3, Joint: info.Histogram{{Count: 1, Types: 3}}}.Pack()
	for n := range len(good) {
		good[:n].Counts()
	}
	for _, bad := range []count.Packed{nil, {0xff}, {2, 0xff, 0xff, 0xff, 0xff, 0x0f, 1}, {2, 1, 1, 1}} {
		bad.Counts()
	}
}
