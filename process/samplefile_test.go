package process

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/l2m-lab/l2m/token"
)

func sampled(t *testing.T, spec string, o SampleOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteSamples(t.Context(), &b, mustParse[Truth](t, spec), o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestNPY(t *testing.T) {
	o := SampleOptions{Format: NPY, Length: 5, Count: 3, Seed: 2}
	for spec, want := range map[string]string{
		"powergauss":          "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 5), }",
		"powergauss:copies=2": "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 5, 2), }",
		"markov":              "{'descr': '<u4', 'fortran_order': False, 'shape': (3, 5), }",
	} {
		b := sampled(t, spec, o)
		n := int(binary.LittleEndian.Uint16(b[8:]))
		if string(b[:8]) != "\x93NUMPY\x01\x00" || (10+n)%64 != 0 || strings.TrimRight(string(b[10:10+n]), " \n") != want || b[9+n] != '\n' {
			t.Errorf("%s: header %q, want the dictionary %q", spec, b[:10+n], want)
		}
		data := b[10+n:]
		switch p := mustParse[Truth](t, spec).(type) {
		case Process[float64]:
			for i := range 3 {
				for j, x := range p.Sample(NewRand(2, i), 5) {
					if got := math.Float64frombits(binary.LittleEndian.Uint64(data[8*(5*i+j):])); got != x {
						t.Errorf("%s: token %d of sample %d is %v, want %v", spec, j, i, got, x)
					}
				}
			}
		case Process[token.ID]:
			if len(data) != 60 || token.ID(binary.LittleEndian.Uint32(data[20:])) != p.Sample(NewRand(2, 1), 5)[0] {
				t.Errorf("%s: %d bytes, or a wrong symbol", spec, len(data))
			}
		}
	}
}

// NumPy itself, where there is one.
func TestNPYIsReadByNumPy(t *testing.T) {
	if err := exec.Command("python3", "-c", "import numpy").Run(); err != nil {
		t.Skip("python3 with numpy is not installed")
	}
	path := filepath.Join(t.TempDir(), "x.npy")
	if err := os.WriteFile(path, sampled(t, "pacf:copies=7", SampleOptions{Format: NPY, Length: 6, Count: 5}), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("python3", "-c", "import numpy,sys; print(numpy.load(sys.argv[1]).shape)", path).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "(5, 6, 7)" {
		t.Errorf("numpy reads %q (%v)", out, err)
	}
}

func TestParquet(t *testing.T) {
	b := sampled(t, "markov", SampleOptions{Format: Parquet, Length: 9, Count: 4, Seed: 1})
	rows, err := parquet.Read[symbolRow](bytes.NewReader(b), int64(len(b)))
	if err != nil || len(rows) != 4 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	p := mustParse[*HiddenMarkov](t, "markov")
	for i, r := range rows {
		for j, s := range p.Sample(NewRand(1, i), 9) {
			if r.Sample != int64(i) || r.Tokens[j] != int64(s) {
				t.Fatalf("row %d is %v", i, r)
			}
		}
	}
	b = sampled(t, "pacf:copies=2", SampleOptions{Format: Parquet, Length: 3, Count: 2})
	numbers, err := parquet.Read[numberRow](bytes.NewReader(b), int64(len(b)))
	if err != nil || len(numbers) != 2 || len(numbers[1].Tokens) != 6 {
		t.Fatalf("%v, %v", numbers, err)
	}
}

func TestText(t *testing.T) {
	b := sampled(t, "iid:symbols=3", SampleOptions{Format: Text, Length: 50, Count: 2})
	lines := strings.Split(string(b), "\n")
	if len(lines) != 3 || len(lines[0]) != 50 || strings.Trim(lines[0], "abc") != "" || lines[0] == lines[1] {
		t.Errorf("text %q", b)
	}
	b = sampled(t, "santafe", SampleOptions{Format: JSONLines, Length: 4, Count: 1})
	var doc struct{ Text string }
	if err := json.Unmarshal(b, &doc); err != nil || len(strings.Fields(doc.Text)) != 4 {
		t.Errorf("%q: %v", b, err)
	}
	if err := WriteSamples(t.Context(), &bytes.Buffer{}, mustParse[Truth](t, "fgn"), SampleOptions{Format: Text, Length: 1, Count: 1}); err == nil || !strings.Contains(err.Error(), "choose npy or parquet") {
		t.Errorf("numbers as text: %v", err)
	}
	if err := WriteSamples(t.Context(), &bytes.Buffer{}, mustParse[Truth](t, "fgn"), SampleOptions{Format: "csv", Length: 1, Count: 1}); err == nil {
		t.Error("an unknown format is accepted")
	}
}
