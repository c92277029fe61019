package recorded

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/l2m-lab/l2m/internal/npy"
)

// f4 is a .npy file of float32.
func f4(shape []int, values ...float32) []byte {
	out := npy.Header{Kind: "<f4", Shape: shape}.Bytes()
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

// i8 is a .npy file of int64.
func i8(shape []int, values ...int64) []byte {
	out := npy.Header{Kind: "<i8", Shape: shape}.Bytes()
	for _, v := range values {
		out = binary.LittleEndian.AppendUint64(out, uint64(v))
	}
	return out
}

func npz(t testing.TB, entries map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range entries {
		w, err := z.Create(name + ".npy")
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func put(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// ramp is n values −1, −2, …
func ramp(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = -float32(i + 1)
	}
	return out
}

type parquetRow struct {
	Document string  `parquet:"document"`
	Position int32   `parquet:"position"`
	LogProb  float64 `parquet:"logprob"`
	Bytes    int64   `parquet:"bytes"`
}

// The same two documents of four tokens in every form.
func TestRead(t *testing.T) {
	var table strings.Builder
	var rows []parquetRow
	table.WriteString("\ufeffposition,document,bytes,logprob\n")
	for i := range 8 {
		fmt.Fprintf(&table, "%d,%c,3,%d\n", i%4+1, 'a'+i/4, -i-1)
		rows = append(rows, parquetRow{string(rune('a' + i/4)), int32(i % 4), -float64(i + 1), 3})
	}
	var pq bytes.Buffer
	w := parquet.NewGenericWriter[parquetRow](&pq)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	bits := ramp(8)
	for i := range bits {
		bits[i] /= math.Ln2
	}
	for name, c := range map[string]struct {
		content []byte
		o       Options
		bytes   int64
	}{
		"npy":                    {f4([]int{2, 4}, ramp(8)...), Options{}, 0},
		"longer rows":            {f4([]int{2, 5}, -1, -2, -3, -4, -9, -5, -6, -7, -8, -9), Options{}, 0},
		"bits":                   {f4([]int{2, 4}, bits...), Options{Bits: true}, 0},
		"npz":                    {npz(t, map[string][]byte{"joint": f4([]int{2, 4}, ramp(8)...), "document": i8([]int{2}, 7, 3), "bytes": i8([]int{2}, 12, 12)}), Options{}, 24},
		"bytes of tokens":        {npz(t, map[string][]byte{"logprobs": f4([]int{2, 4}, ramp(8)...), "bytes": i8([]int{2, 4}, 3, 3, 3, 3, 3, 3, 3, 3)}), Options{}, 24},
		"documents one by one":   {npz(t, map[string][]byte{"logprobs": f4([]int{10}, -1, -2, -3, -4, -5, -6, -7, -8, -1, -1), "lengths": i8([]int{3}, 4, 4, 2)}), Options{}, 0},
		"CSV":                    {[]byte(table.String()), Options{}, 24},
		"Parquet":                {pq.Bytes(), Options{}, 24},
		"rounding above nothing": {f4([]int{2, 4}, ramp(8)...), Options{Length: 4}, 0},
	} {
		r, err := Read(put(t, "x", c.content), c.o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.Length != 4 || r.Count() != 2 || r.Clusters[0] != 0 || r.Clusters[1] != 1 || r.Bytes != c.bytes {
			t.Errorf("%s: length %d, windows of documents %v, %d bytes", name, r.Length, r.Clusters, r.Bytes)
		}
		for i, v := range r.joint {
			if math.Abs(float64(v)+float64(i+1)) > 1e-5 {
				t.Errorf("%s: %v", name, r.joint)
				break
			}
		}
	}
}

// What is no log-probability, or does not fit, is refused, saying where and what to do.
func TestReadRefuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	four := f4([]int{2, 4}, ramp(8)...)
	objects := append([]byte("\x93NUMPY\x01\x00\x3a\x00"), []byte("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }   \n")...)
	for want, c := range map[string]struct {
		content []byte
		o       Options
	}{
		"logprobs[1, 2] is NaN":                          {content: f4([]int{2, 4}, -1, -1, -1, -1, -1, -1, nan, -1)},
		"first column of logprobs is NaN in every row":   {content: f4([]int{2, 4}, nan, -1, -1, -1, nan, -1, -1, -1)},
		"logprobs[0, 3] is -Inf":                         {content: f4([]int{2, 4}, -1, -1, -1, inf, -1, -1, -1, -1)},
		"never above 0 (--density":                       {content: f4([]int{2, 4}, -1, -1, 2, -1, -1, -1, -1, -1)},
		"as if they were losses":                         {content: f4([]int{2, 4}, 1, 1, 2, 1, 1, 1, 1, 1)},
		"as if they were probabilities":                  {content: f4([]int{2, 4}, .1, .1, .2, .1, 1, .1, .1, .1)},
		"one row for each window":                        {content: f4([]int{8}, ramp(8)...)},
		"--length 8: the longest row has 4 values":       {four, Options{Length: 8}},
		"4 are the least":                                {content: f4([]int{2, 3}, ramp(6)...)},
		"no windows":                                     {content: f4([]int{0, 4})},
		"cut off":                                        {content: four[:len(four)-3]},
		"more bytes follow":                              {content: append(four[:len(four):len(four)], 0)},
		"Python objects":                                 {content: objects},
		"it is empty":                                    {content: nil},
		"columns document, logprob":                      {content: []byte("a,b\n1,2\n")},
		"line 3: document a: position 3 where 2 follows": {content: []byte("document,position,logprob\na,1,-1\na,3,-1\n")},
		"line 4: document a continues after another one": {content: []byte("document,logprob\na,-1\nb,-1\na,-1\n")},
		`logprob "x" is not a number`:                    {content: []byte("document,logprob\na,x\n")},
		"not floating-point numbers":                     {content: i8([]int{2, 2}, -1, -2, -3, -4)},
		`an array "logprob.npy"`:                         {content: npz(t, map[string][]byte{"logprob": four})},
		"no array logprobs":                              {content: npz(t, map[string][]byte{"document": i8([]int{2}, 1, 2)})},
		"document has 3 values, and there are 2 rows":    {content: npz(t, map[string][]byte{"logprobs": four, "document": i8([]int{3}, 1, 2, 3)})},
		"lengths add up to 7":                            {content: npz(t, map[string][]byte{"logprobs": f4([]int{8}, ramp(8)...), "lengths": i8([]int{2}, 4, 3)})},
		"lengths[1] is 5":                                {content: npz(t, map[string][]byte{"logprobs": f4([]int{8}, ramp(8)...), "lengths": i8([]int{2}, 4, 5)})},
		"the cut is a power of two":                      {content: npz(t, map[string][]byte{"logprobs": four, "marginal_3": four})},
		"marginal_2 has 1 columns":                       {content: npz(t, map[string][]byte{"logprobs": four, "marginal_2": f4([]int{2, 1}, -1, -1)})},
		"one for each window":                            {content: npz(t, map[string][]byte{"logprobs": four, "marginal_2": f4([]int{1, 4}, ramp(4)...)})},
		"and partners (windows, K)":                      {content: npz(t, map[string][]byte{"logprobs": four, "cross_2": f4([]int{2, 1, 2}, ramp(4)...)})},
		"partners[0, 0] is 0, a window of the same":      {content: npz(t, map[string][]byte{"logprobs": four, "cross_2": f4([]int{2, 1, 2}, ramp(4)...), "partners": i8([]int{2, 1}, 0, 1)})},
		"bytes has the shape [3]":                        {content: npz(t, map[string][]byte{"logprobs": four, "bytes": i8([]int{3}, 1, 2, 3)})},
	} {
		_, err := Read(put(t, "x", c.content), c.o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

// Nothing that a header claims is allocated before it is read.
func TestHeaderClaims(t *testing.T) {
	huge := npy.Header{Kind: "<f8", Shape: []int{1 << 20, 1 << 19}}.Bytes()
	path := put(t, "x", append(huge, make([]byte, 64)...))
	allocated := testing.AllocsPerRun(1, func() {
		if _, err := Read(path, Options{}); err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("%v", err)
		}
	})
	if allocated > 1000 {
		t.Errorf("%v allocations", allocated)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(f4([]int{2, 4}, ramp(8)...))
	f.Add(npz(f, map[string][]byte{"joint": f4([]int{2, 4}, ramp(8)...), "document": i8([]int{2}, 7, 3)}))
	f.Add(npz(f, map[string][]byte{"logprobs": f4([]int{2, 4}, ramp(8)...), "cross_2": f4([]int{2, 1, 2}, ramp(4)...), "partners": i8([]int{2, 1}, 1, 0), "marginal_2": f4([]int{2, 2}, ramp(4)...)}))
	f.Add([]byte("document,position,logprob\nx/../../../../trav/pwned,1,-1\na,2,-1\na,3,-1\na,4,-2\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := Read(put(t, "x", content), Options{})
		if err != nil {
			return
		}
		if len(r.joint) != r.Count()*r.Length || r.Length < 4 {
			t.Fatalf("%d values for %d windows of %d", len(r.joint), r.Count(), r.Length)
		}
		for _, v := range r.joint {
			if !(v <= 0 && v >= -math.MaxFloat32) {
				t.Fatalf("%v", v)
			}
		}
	})
}
