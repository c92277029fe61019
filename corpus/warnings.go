package corpus

import (
	"fmt"

	"github.com/l2m-lab/l2m/info"
)

// manyDuplicates is the share of copies among the documents from which on their
// removal may change what is measured. ★ A convention: a twentieth of the documents.
const manyDuplicates = 0.05

// Warnings are the caveats that follow from the documents as they were found.
func (c *Corpus) Warnings() []info.Warning {
	all := len(c.docs) + c.duplicates
	if float64(c.duplicates) < manyDuplicates*float64(all) {
		return nil
	}
	return []info.Warning{{
		Code: "duplicates-dropped",
		Text: fmt.Sprintf("%d of %d documents were exact copies of others and were dropped; if the source repeats itself by chance (short or simple sequences), what is left is not a fair sample of it", c.duplicates, all),
		Fix:  "--keep-duplicates, if the copies are draws of their own",
	}}
}
