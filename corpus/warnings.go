package corpus

import (
	"fmt"
	"strings"

	"github.com/l2m-lab/l2m/info"
)

// manyDuplicates is the share of copies among the documents that calls for a
// warning. ★ A convention.
const manyDuplicates = 0.05

// One document of more than dominant of the text, among at least several, calls for
// a warning. ★ A convention.
const (
	dominant = 0.25
	several  = 20
)

// Warnings are the caveats about the documents themselves.
func (c *Corpus) Warnings() []info.Warning {
	var w []info.Warning
	all := c.docs.n + c.duplicates
	if float64(c.duplicates) >= manyDuplicates*float64(all) {
		w = append(w, info.Warning{
			Code: "duplicates-dropped",
			Text: fmt.Sprintf("%d of %d documents were exact copies of others and were dropped; if the source repeats itself by chance (short or simple sequences), the rest is not a fair sample of it", c.duplicates, all),
			Fix:  "--keep-duplicates, if the copies are independent samples",
		})
	}
	if share := float64(c.Longest()) / float64(c.Bytes()); c.docs.n >= several && share > dominant {
		w = append(w, info.Warning{
			Code: "one-large-document",
			Text: fmt.Sprintf("one of %d documents, %s, is %.0f %% of the text: of the pairs that are counted, and of what trains the built-in predictor if it falls to that side", c.docs.n, c.Name(c.longest()), 100*share),
			Fix:  "leave it out if it is not what you want to measure",
		})
	}
	if n := c.loose.Count; n > 0 {
		w = append(w, info.Warning{
			Code: "text-beside-records",
			Text: fmt.Sprintf("%s in folders of records count as documents too (%s)", info.Plural(n, "text file"), strings.Join(c.loose.Names, ", ")),
			Fix:  "--format with the format of the records, which skips other files",
		})
	}
	return w
}
