package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/report/prose"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/result"
)

// footnotes numbers warnings as they are met; the same warning gets the same
// number.
type footnotes struct{ list []info.Warning }

// mark is the superscript of the numbers of some warnings: "¹ ³", or "".
func (f *footnotes) mark(ws []info.Warning) string {
	var marks []string
	for _, w := range ws {
		i := slices.Index(f.list, w)
		if i < 0 {
			f.list = append(f.list, w)
			i = len(f.list) - 1
		}
		if m := prose.Superscript(i + 1); !slices.Contains(marks, m) {
			marks = append(marks, m)
		}
	}
	return strings.Join(marks, " ")
}

// sentence is a warning and its cure in one paragraph.
func sentence(w info.Warning) string {
	s := w.Text
	if w.Fix != "" {
		s += "; " + w.Fix
	}
	return s
}

// seriesWarnings are the caveats of a series: of its estimates and its law.
func seriesWarnings(s result.Series) []info.Warning {
	ws := slices.Clone(s.Warnings)
	if s.Law != nil {
		ws = append(ws, s.Law.Warnings...)
	}
	return ws
}

// seriesName names a series: "vCLUB, L/ℓ = 2".
func seriesName(s result.Series) string {
	return estimatorName(s.Estimator) + ", L/ℓ = " + strconv.Itoa(s.Ratio)
}
