package rundir

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// Kind says which verb made a run directory, and so which files it may hold.
type Kind struct {
	Verb     string // "measure", …: the kind in run.json
	Document string // file of the result, which is there once the run is finished
	files    *regexp.Regexp
	folders  map[string]*regexp.Regexp // folders of parts, by what a part is called
}

// Names that several packages use.
const (
	Results   = "results.json"
	Estimates = "estimates.csv"
	Report    = "report.html"
	Figures   = "figures" // folder

	Scores   = "scores"        // folder of scored windows
	Contrast = "contrast.json" // scores of the lower bound
	Partial  = "partial"       // folder of answers to windows that are not finished
	Plan     = "plan.json"
	Windows  = "windows.parquet"
	Requests = "requests" // folder of batch files
	Runner   = "answer.py"

	Counts   = "counts.json"
	Counting = "counting" // folder of intermediate counts

	Repetitions = "repetitions" // folder of finished simulations

	Checkpoint = "checkpoint" // folder of the state of a training
	// CheckpointFile is the file in it, safetensors. Its metadata has the recipe, as JSON,
	// and the steps that are done.
	CheckpointFile = "training.safetensors"
	CheckpointLoss = "curve.loss" // tensor in it, as lab/train calls it: the loss of each step
	Trainings      = "trainings"  // folder of the run directories of a study's models

	RunFile  = "run.json" // what the directory holds
	lockName = ".l2m-lock"
)

// Formats are the formats of static figures.
func Formats() []string { return []string{"svg", "png", "pdf"} }

// ScorePart matches the parts in Scores and Partial: their number, and the
// beginning of the SHA-256 of their content.
var ScorePart = regexp.MustCompile(`^part-([0-9]{6,})-([0-9a-f]{16})\.parquet$`)

const (
	face    = `report\.html|figures/[a-z0-9][a-z0-9-]*\.(?:svg|png|pdf)`
	request = `requests/(?:requests-[0-9]{5,}\.jsonl(?:\.gz)?|passes-[0-9]{5,}\.npz|answer\.py)`
)

func names(alternatives ...string) *regexp.Regexp {
	return regexp.MustCompile(`^(?:` + strings.Join(append(alternatives, face), "|") + `)$`)
}

// The kinds of run directories.
var (
	Measure = Kind{"measure", Results,
		names(`results\.json`, `estimates\.csv`, `plan\.json`, `windows\.parquet`, `contrast\.json`, request),
		map[string]*regexp.Regexp{Scores: ScorePart, Partial: ScorePart}}
	TwoPoint = Kind{"twopoint", Results,
		names(`results\.json`, `estimates\.csv`, `counts\.json`),
		map[string]*regexp.Regexp{Counting: regexp.MustCompile(`^(?:count\.json|corpus\.json|tables\.bin|chunk-.*\.runs|distance-.*\.json)$`)}}
	Calibrate = Kind{"calibrate", "calibration.json",
		names(`calibration\.json`),
		map[string]*regexp.Regexp{Repetitions: regexp.MustCompile(`^[0-9a-f]{12}-[0-9]{6}\.json$`)}}
	Audit = Kind{"audit", "audit.json", names(`audit\.json`, `audit\.csv`), nil}
	Lab   = Kind{"lab train", "lab.json",
		names(`lab\.json`, `config\.json`, `model\.safetensors`, `curve\.csv`, `loss\.csv`),
		map[string]*regexp.Regexp{Checkpoint: regexp.MustCompile("^" + regexp.QuoteMeta(CheckpointFile) + "$")}}
	// The trainings of a study are runs of their own, which a study does not remove.
	Study   = Kind{"lab study", "study.json", names(`study\.json`), map[string]*regexp.Regexp{Trainings: regexp.MustCompile(`^$`)}}
	Fit     = Kind{"fit", Results, names(`results\.json`, `estimates\.csv`), nil}
	Compare = Kind{"compare", "compare.json", names(`compare\.json`, `compare\.csv`), nil}
)

// Kinds are all kinds of run directories.
func Kinds() []Kind { return []Kind{Measure, TwoPoint, Calibrate, Audit, Compare, Lab, Study, Fit} }

// kindOf is the kind of a verb.
func kindOf(verb string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.Verb == verb {
			return k, true
		}
	}
	return Kind{}, false
}

// Holds reports whether a run of this kind may have a file of that name, which is
// relative to the directory and has slashes. Parts are not among them.
func (k Kind) Holds(name string) bool { return k.files != nil && k.files.MatchString(name) }

// owns checks an entry of the manifest: a file of the closed set, or a folder of
// parts or of files, which ends in a slash.
func (k Kind) owns(entry string) error {
	folder, isFolder := strings.CutSuffix(entry, "/")
	_, parts := k.folders[folder]
	switch {
	case isFolder && (parts || folder == Figures || folder == Requests && k.Verb == Measure.Verb):
		return nil
	case !isFolder && k.Holds(entry) && fs.ValidPath(entry) && path.Clean(entry) == entry:
		return nil
	}
	return fmt.Errorf("a run of l2m %s has no file %q", k.Verb, entry)
}
