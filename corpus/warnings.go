package corpus

import (
	"fmt"
	"strings"

	"github.com/l2m-lab/l2m/info"
)

// manyDuplicates is the share of copies among the documents that calls for a
// warning. ★ A convention.
const manyDuplicates = 0.05

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
	if n := c.loose.Count; n > 0 {
		w = append(w, info.Warning{
			Code: "text-beside-records",
			Text: fmt.Sprintf("%s in folders of records count as documents too (%s)", info.Plural(n, "text file"), strings.Join(c.loose.Names, ", ")),
			Fix:  "--format with the format of the records, which skips other files",
		})
	}
	return w
}
