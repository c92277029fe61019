package audit

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/l2m-lab/l2m/result"
)

// measuredWord asks, in place of a directory, for the capacities of measured.json.
const measuredWord = "measured"

// What models of the study recall carried (docs/studies.md#recall);
// go run lab/study/tables.go writes the file from docs/studies/recall.
//
//go:embed measured.json
var measuredFile []byte

// Measured are the capacities that small trained models reached: of each mechanism
// the largest, over its sizes and the evaluated lengths, as means over seeds.
func Measured() []result.StudyCapacity {
	d := json.NewDecoder(bytes.NewReader(measuredFile))
	d.DisallowUnknownFields()
	var out []result.StudyCapacity
	if err := d.Decode(&out); err != nil {
		panic(fmt.Sprintf("audit: measured.json: %v", err)) // embedded, tested
	}
	return out
}

// LargestCapacities are those of Measured: of each family the largest, in falling order.
// Models of no family are controls.
func LargestCapacities(all []result.StudyCapacity) []result.StudyCapacity {
	var out []result.StudyCapacity
	for _, c := range all {
		if c.Family == "" {
			continue
		}
		switch i := slices.IndexFunc(out, func(o result.StudyCapacity) bool { return o.Family == c.Family }); {
		case i < 0:
			out = append(out, c)
		case c.Mean > out[i].Mean:
			out[i] = c
		}
	}
	slices.SortStableFunc(out, func(a, b result.StudyCapacity) int { return cmp.Compare(b.Mean, a.Mean) })
	return out
}
