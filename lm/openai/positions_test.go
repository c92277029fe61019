package openai

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"testing"
)

// FuzzPositions holds the scanner against encoding/json: on any valid JSON they
// find the same, or the same fault.
func FuzzPositions(f *testing.F) {
	for _, s := range []string{
		`[null,{"5":{"logprob":-0.5,"rank":1,"decoded_token":" a"}},{"7":{"logprob":-1e-3}}]`,
		`[ null , { "5" : { "rank" : 1 , "logprob" : -0.5 } , "6" : { "logprob" : -2 } } ]`,
		`[{"5":{"decoded_token":"\"}]","logprob":-1}}]`,
		`[{"5":null},{},{"05":{"logprob":-1}},{"x":{"logprob":-1}}]`,
		`[{"5":{"logprob":null}}]`, `[{"5":{"LogProb":-1}}]`, `[{"5":{"logprob":-1,"logprob":-2}}]`, `[{"5":{"logprob":-1,"LOGPROB":-3}}]`,
		`[{"5":{"logprob":-1},"5":{"logprob":-2}}]`, `[{"\u0035":{"logprob":-1}}]`, `[{"5":{"logprob":-1e999}}]`, `[{"5":{"logprob":"-1"}}]`,
		`[{"5":{"logprob":-1,"x":[1,{"y":2}]}}]`, `[{"5":{}}]`, `[{"5":7}]`, `[]`, `null`, `{}`, `[[]]`, `[1]`, `[{"5":{"logprob":-0}}]`,
		`[{"5":{"logpro\u0062":-4,"logprob":-1}}]`, `[{"5":{"ſogprob":-4,"logprob":-1}}]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !json.Valid(b) {
			return
		}
		type holder struct {
			P positions `json:"p"`
		}
		var got holder
		gotErr := json.Unmarshal(slices.Concat([]byte(`{"p":`), b, []byte(`}`)), &got)
		want, wantErr := decodePositions(b)
		if (gotErr == nil) != (wantErr == nil) {
			t.Fatalf("%s: %v, encoding/json says %v", b, gotErr, wantErr)
		}
		if gotErr != nil {
			return
		}
		if len(got.P) != len(want) {
			t.Fatalf("%s: %d positions, encoding/json finds %d", b, len(got.P), len(want))
		}
		for i := range want {
			// Keys come in no order from a map.
			slices.SortFunc(want[i], order)
			slices.SortFunc(got.P[i], order)
			if !slices.EqualFunc(want[i], got.P[i], func(a, b idLogProb) bool { return order(a, b) == 0 }) {
				t.Fatalf("%s, position %d: %v, encoding/json finds %v", b, i, got.P[i], want[i])
			}
		}
	})
}

// order sorts by id, then by value, null first.
func order(a, b idLogProb) int {
	value := func(e idLogProb) float64 {
		if e.logProb == nil {
			return math.Inf(-1)
		}
		return *e.logProb
	}
	return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(value(a), value(b)))
}
