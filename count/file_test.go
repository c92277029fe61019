package count_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/l2m-lab/l2m/count"
)

func TestFile(t *testing.T) {
	r, err := count.Pairs(context.Background(), count.Documents{{0, 1, 2, 1, 0, 1, 1}, {2, 2, 1}}, count.Options{
		Distances: []int{1, 2, 50}, Vocabulary: 3, Blocks: 2, Tables: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	f := &count.File{Alphabet: "letters", Key: "k", Result: *r}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := count.ReadFile(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(f, got); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	for _, x := range []struct{ old, new, want string }{
		{`l2m.counts/1`, `l2m.counts/9`, "schema"},
		{`"pairs":8`, `"pairs":9`, "9 pairs"},
		{`"distance":2`, `"distance":1`, "ascending"},
		{`[1,`, `[0,`, "positive"},
		{`"vocabulary":3`, `"vocabulary":4`, "table"},
		{`}]}`, ``, "complete"},
		{`"documents":2`, `"documents":-2`, "negative"},
		{`"vocabulary":3`, `"vocabulary":2`, "3 distinct tokens of a vocabulary of 2"},
		{`"sample":1`, `"sample":1.5`, "between 0 and 1, not 1.5"},
		{`"tokens":10`, `"tokens":11`, "11 tokens, but the unigram histogram is of 10"},
		{`"table":[0,2`, `"table":[2,1`, "different pairs"},
		{`"table":[0,2`, `"table":[-1,2`, "negative"},
		{`"table":[0,2`, `"table":[2,0`, "different pairs"},
		{`"vocabulary":3`, `"vocabulary":9223372036854775807`, "too large"},
	} {
		bad := strings.Replace(b.String(), x.old, x.new, 1)
		if bad == b.String() {
			t.Fatalf("%q does not occur in %s", x.old, bad)
		}
		if _, err := count.ReadFile(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s for %s: error %v", x.new, x.old, err)
		}
	}
}

// Numbers that are each possible, but not together.
func TestReadFileRefuses(t *testing.T) {
	for _, x := range []struct{ distance, want string }{
		{`"pairs":4,"joint":[[1,4]],"left":[[4,1]],"right":[[2,2]]`, "4 distinct pairs cannot be of 1 left and 2 right tokens"},
		{`"pairs":4,"joint":[[2,2]],"left":[[1,4]],"right":[[2,2]]`, "2 distinct pairs cannot be of 4 left"},
		{`"pairs":9,"joint":[[9,1]],"left":[[9,1]],"right":[[9,1]]`, "9 pairs of 8 tokens"},
		{`"pairs":1,"joint":[[1,1]],"left":[[1,1]],"right":[[1,1]],"without":[{"pairs":2,"joint":[[1,2]],"left":[[1,2]],"right":[[1,2]]}]`, "without block 0 there are 2 pairs"},
		{`"pairs":4,"joint":[[4,1]],"left":[[4,1]],"right":[[4,1]],"without":[{"pairs":1,"joint":[[1,1]],"left":[[1,1]],"right":[[1,1]]}]`, "4 pairs, but the blocks have 3"},
		{`"pairs":1,"joint":[[1,1]],"left":[[1,1]],"right":[[1,1]]},{"distance":2,"pairs":1,"joint":[[1,1]],"left":[[1,1]],"right":[[1,1]],"without":[{"pairs":0}]`, "distance 2: 1 blocks, where distance 1 has 0"},
	} {
		file := `{"schema":"l2m.counts/1","tokens":8,"distances":[{"distance":1,` + x.distance + `}]}`
		if _, err := count.ReadFile(strings.NewReader(file)); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: error %v, want …%s…", x.distance, err, x.want)
		}
	}
}

func FuzzReadFile(f *testing.F) {
	f.Add([]byte(`{"schema":"l2m.counts/1","tokens":3,"vocabulary":2,"distances":[{"distance":1,"pairs":2,"joint":[[1,2]],"left":[[2,1]],"right":[[1,2]]}]}`))
	f.Add([]byte(`{"schema":"l2m.counts/1","distances":[{"distance":1,"pairs":-1,"joint":[[9223372036854775807,9]]}]}`))
	f.Add([]byte(`{"schema":"l2m.counts/1","corpus":"x/../../../../trav/pwned","tokenizer":"x/../../../../trav/pwned","tokens":0,"distances":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := count.ReadFile(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, d := range file.Distances {
			if d.Joint.Total() != d.Pairs || d.Joint.Types() < 0 {
				t.Errorf("accepted %+v", d)
			}
		}
	})
}
