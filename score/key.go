package score

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/lm"
)

// Format is the version of the parts in which scores are stored.
const Format = "l2m.scores/1"

// Key is what determines stored log-probabilities. All but ModelName, Drawn and Earlier
// must be equal for a run to be continued; Extend adds windows.
type Key struct {
	ModelName string     `json:"model_name"` // for people; not compared
	Model     string     `json:"model"`      // lm.Info.Fingerprint
	BOS       lm.BOSRule `json:"bos"`
	Tokenizer string     `json:"tokenizer"` // fingerprint
	Corpus    string     `json:"corpus"`    // fingerprint
	Windows   string     `json:"windows"`   // Fingerprint of windows and partners
	Count     int        `json:"count"`     // number of windows
	// Drawn says how the windows were drawn, but for their number: of runs that drew
	// from the same corpus and tokenizer alike, the first windows are the same. Empty
	// where that is not known; not compared.
	Drawn   string   `json:"drawn,omitempty"`
	Plan    Plan     `json:"plan"`
	Earlier []Extent `json:"earlier,omitempty"` // what the run had before it went on with more windows; not compared
}

// Extent is how far a run went before it was extended.
type Extent struct {
	Windows string `json:"windows"` // Fingerprint of the windows and partners that it had
	Count   int    `json:"count"`   // number of windows
}

// Shared is how many of the first windows of two runs are the same.
func (k Key) Shared(n Key) int {
	if k.Tokenizer != n.Tokenizer || k.Corpus != n.Corpus || k.Plan.Length != n.Plan.Length {
		return 0
	}
	if k.Drawn != "" && k.Drawn == n.Drawn {
		return min(k.Count, n.Count)
	}
	shared := 0
	for _, e := range k.extents() {
		if slices.Contains(n.extents(), e) {
			shared = max(shared, e.Count)
		}
	}
	return shared
}

// extents are how far a run went, before each extension and now.
func (k Key) extents() []Extent {
	return append(slices.Clone(k.Earlier), Extent{k.Windows, k.Count})
}

// wrote reports whether scores stored under key k belong to a run of key n: the same
// one, or what it was before it was extended.
func (n Key) wrote(k Key) bool {
	for _, e := range n.Earlier {
		if e == (Extent{k.Windows, k.Count}) {
			k.Windows, k.Count = n.Windows, n.Count
		}
	}
	return len(k.diff(n)) == 0
}

// maxPasses bounds the index of a run, 8 bytes per pass.
const maxPasses = 1 << 30

// validate checks what is independent of an existing run.
func (k Key) validate() error {
	if k.Model == "" {
		return errors.New("the model has no fingerprint to distinguish its scores from those of other models")
	}
	if k.Count < 1 {
		return fmt.Errorf("%d windows to score", k.Count)
	}
	if err := k.Plan.Validate(); err != nil {
		return err
	}
	if k.Count > maxPasses/k.Plan.slots() {
		return fmt.Errorf("%d windows with %d passes each are more than can be indexed (use fewer windows or cross contexts)", k.Count, k.Plan.slots())
	}
	return nil
}

// Difference is one part of a key in which two runs differ.
type Difference struct {
	Part     string // "model", "corpus", "window length", …
	Old, New string
}

// diff lists the differences from key k to key n.
func (k Key) diff(n Key) []Difference {
	var d []Difference
	add := func(part, old, new string) {
		if old != new {
			d = append(d, Difference{part, old, new})
		}
	}
	if k.Model != n.Model {
		add("model", k.ModelName+" "+k.Model, n.ModelName+" "+n.Model)
	}
	add("BOS rule", string(k.BOS), string(n.BOS))
	add("tokenizer", k.Tokenizer, n.Tokenizer)
	add("corpus", k.Corpus, n.Corpus)
	add("window length", strconv.Itoa(k.Plan.Length), strconv.Itoa(n.Plan.Length))
	add("number of windows", strconv.Itoa(k.Count), strconv.Itoa(n.Count))
	add("windows", k.Windows, n.Windows)
	add("splits", fmt.Sprint(k.Plan.Splits), fmt.Sprint(n.Plan.Splits))
	add("largest ratio", strconv.Itoa(k.Plan.MaxRatio), strconv.Itoa(n.Plan.MaxRatio))
	add("marginal passes", strconv.FormatBool(k.Plan.Marginals), strconv.FormatBool(n.Plan.Marginals))
	add("cross contexts", strconv.Itoa(k.Plan.Cross), strconv.Itoa(n.Plan.Cross))
	return d
}

// MismatchError says that a run directory holds the scores of another run.
type MismatchError struct {
	Dir         string
	Differences []Difference // at least one
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("run directory %s holds the scores of another run: %s (discard them with --fresh, or choose another --out)",
		e.Dir, describe(e.Differences))
}

// describe lists the differences for a message.
func describe(differences []Difference) string {
	var words []string
	for _, d := range differences {
		words = append(words, fmt.Sprintf("%s was %s, now %s", d.Part, shorten(d.Old), shorten(d.New)))
	}
	return strings.Join(words, "; ")
}

// shorten shortens fingerprints to 12 hexadecimal digits.
func shorten(s string) string {
	if s == "" {
		return "none"
	}
	words := strings.Fields(s)
	for i, w := range words {
		if len(w) >= 32 && strings.Trim(w, "0123456789abcdef") == "" {
			words[i] = w[:12] + "…"
		}
	}
	return strings.Join(words, " ")
}

// missing reports whether a file does not exist.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
