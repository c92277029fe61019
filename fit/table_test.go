package fit

import (
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// One table, as people write it.
func TestReadTable(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		columns Columns
	}{
		"CSV":                  {"length,nats,se\n8,1,0.1\n16,2,0.2\n", Columns{}},
		"order":                {"length,nats,se\n16,2,0.2\n8,1,0.1\n", Columns{}},
		"byte order mark":      {"\ufefflength,nats,se\r\n8,1,0.1\r\n16,2,0.2\r\n", Columns{}},
		"tabs":                 {"L\tMI (nats)\tstd err\n8\t1\t0.1\n16\t2\t0.2\n", Columns{}},
		"semicolons":           {"# made by hand\nL;information;sigma\n8; 1; 0.1\n16; 2; 0.2\n", Columns{}},
		"blanks":               {"# L I se\n8 1 0.1\n\n16   2 2e-1\n", Columns{}},
		"no names":             {"8,1,0.1\n16,2,0.2\n", Columns{}},
		"interval":             {"length,nats,lo95,hi95\n8,1,0.80400,1.19600\n16,2,1.60801,2.39199\n", Columns{}},
		"named":                {"a,b,c,d\n0,8,1,0.1\n0,16,2,0.2\n", Columns{Names: []string{"b", "c", "d"}}},
		"numbered":             {"7,8,1,0.1\n7,16,2,0.2\n", Columns{Names: []string{"2", "3", "4"}}},
		"bits":                 {"length,bits,se\n8,1.4426950408889634,0.14426950408889634\n16,2.8853900817779268,0.28853900817779268\n", Columns{}},
		"asked for bits":       {"length,mi,se\n8,1.4426950408889634,0.14426950408889634\n16,2.8853900817779268,0.28853900817779268\n", Columns{Bits: true}},
		"JSON rows":            {`[{"length": 8, "nats": 1, "se": 0.1, "x": [1]}, {"se": 0.2, "length": 16, "nats": 2}]`, Columns{}},
		"JSON Lines":           {"{\"length\": 8, \"nats\": 1, \"se\": 0.1}\n{\"length\": 16, \"nats\": 2, \"se\": 0.2}\n", Columns{}},
		"JSON columns":         {`{"note": "mine", "L": [8, 16], "I": [1, 2], "se": ["0.1", 0.2]}`, Columns{}},
		"JSON arrays":          {`[[8, 1, 0.1], [16, 2, 0.2]]`, Columns{}},
		"estimates of measure": {"quantity,estimator,ratio,ell,length,distance,nats,se,lo95,hi95,bits\nbipartite,paired,2,4,8,,1,0.1,0,0,0\nbipartite,paired,2,8,16,,2,0.2,0,0,0\nbipartite,block,2,4,8,,9,0.1,0,0,0\ntwo-point,grassberger,,,,3,1,1,1,1,1\n", Columns{Series: "paired/2"}},
	} {
		got, err := ReadTable(strings.NewReader(c.text), "x", c.columns)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		near := func(a, b []float64) bool {
			return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Abs(x-y) < 1e-5 })
		}
		if !near(got.Length, []float64{8, 16}) || !near(got.Value, []float64{1, 2}) || !near(got.SE, []float64{0.1, 0.2}) {
			t.Errorf("%s: %v, %v ± %v", name, got.Length, got.Value, got.SE)
		}
	}
}

// What is no table is refused, saying where and what to do.
func TestReadTableRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "empty",
		"length,nats\n":                    "no row",
		"length,nats\n8,1\n8,2\n":          "line 2 and line 3 both have length 8",
		"length,nats\n8,nan\n":             "line 2: column nats is nan",
		"length,nats\n8,\n":                "line 2: column nats is empty",
		"length;nats\n8;1,5\n":             "decimals with a point",
		"length,nats\n1,2\n":               "2 tokens or more",
		"length,nats\n-8,2\n":              "2 tokens or more",
		"length,nats,se\n8,2,0\n":          "not above zero",
		"length,nats,lo95,hi95\n8,2,3,4\n": "does not lie within",
		"1,2,3,4\n":                        "--columns 1,2,3",
		"a,b\n8,1\n":                       "no column of lengths",
		"length,b\n8,1\n":                  "no column of estimates",
		"length,nats\n8,\"1\n":             "line",
		"{":                                "unexpected EOF",
		"[1, 2]":                           "row 1 is neither",
		`{"L": [1, 2], "I": [1]}`:          "column L has 2 values, column I 1",
		`[{"L": 8, "I": {"x": 1}}]`:        "row 1: column I is empty",
		"PK\x03\x04\x00":                   "not text in UTF-8",
		"estimator,ratio,length,nats\na,2,8,1\nb,2,8,1\n": "--series a/2 | b/2",
	} {
		_, err := ReadTable(strings.NewReader(text), "points", Columns{})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "points") {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

// Whatever a table holds, it is refused or has finite numbers at increasing lengths.
func FuzzReadTable(f *testing.F) {
	for _, s := range []string{
		"length,nats,se\n8,1,0.1\n16,2,0.2\n", "L\tI\n8\t1\n", "8 1\n16 2\n", `[{"L": 8, "I": 1}]`, `{"L": [8], "I": [1]}`, "[[8,1]]",
		"estimator,ratio,length,nats\nx/../../../../trav/pwned,2,8,1\n", "length,nats,lo,hi\n8,1,0,2\n", "\ufeffL;I\n8;1\n", `{"L":1e999}`,
	} {
		f.Add(s, "")
	}
	f.Add("a,b,c\n8,1,2\n", "1,b")
	f.Fuzz(func(t *testing.T, text, columns string) {
		var c Columns
		if columns != "" {
			c.Names = strings.Split(columns, ",")
		}
		got, err := ReadTable(strings.NewReader(text), "x", c)
		if err != nil {
			if utf8.ValidString(text) && !utf8.ValidString(err.Error()) && utf8.ValidString(columns) {
				t.Errorf("a message that is not text: %q", err)
			}
			return
		}
		if len(got.Length) == 0 || len(got.Value) != len(got.Length) || got.SE != nil && len(got.SE) != len(got.Length) {
			t.Fatalf("%d lengths, %d estimates, %d errors", len(got.Length), len(got.Value), len(got.SE))
		}
		for i, l := range got.Length {
			if !(l >= 2) || i > 0 && l <= got.Length[i-1] || math.IsInf(l, 0) || math.IsNaN(got.Value[i]) || math.IsInf(got.Value[i], 0) || got.SE != nil && !(got.SE[i] > 0) {
				t.Fatalf("row %d: %v, %v ± %v", i, l, got.Value, got.SE)
			}
		}
	})
}
