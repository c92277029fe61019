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

func FuzzReadFile(f *testing.F) {
	f.Add([]byte(`{"schema":"l2m.counts/1","tokens":3,"vocabulary":2,"distances":[{"distance":1,"pairs":2,"joint":[[1,2]],"left":[[2,1]],"right":[[1,2]]}]}`))
	f.Add([]byte(`{"schema":"l2m.counts/1","distances":[{"distance":1,"pairs":-1,"joint":[[9223372036854775807,9]]}]}`))
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
