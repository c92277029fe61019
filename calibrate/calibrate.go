package calibrate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/bytemix"
	"github.com/l2m-lab/l2m/lm/open"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// Options say what to calibrate. The zero value of a field asks for
// its default.
type Options struct {
	Processes   []string       // names, see process.Parse; nil means Default
	Estimators  []mi.Estimator // nil means paired, block, direct
	Damages     []string       // see process.ParseDamage; nil means none. A process is calibrated with those that apply to it
	Windows     []int          // sample sizes: windows per repetition, each a document of its own; nil means 200
	Length      int            // tokens per window, a power of two; 0 means 1,024
	Repetitions int            // 0 means 500
	Cross       int            // cross contexts per window, for estimators that need them; 0 means 1
	Draws       int            // bootstrap replicates per interval; 0 means 999
	Range       [2]float64     // lengths to fit; zeros mean all
	Seed        uint64

	Out   string // directory of the run, which can be interrupted and continued
	Fresh bool   // discard what an earlier run left in Out
	// Faces makes the files shown beside the calibration, figures in the given formats;
	// nil: none.
	Faces    func(c *result.Calibration, formats []string) []rundir.Face
	Workers  int // 0 means GOMAXPROCS; does not change the result
	Progress info.ProgressFunc
}

// Default are the processes calibrated by default.
func Default() []string {
	return []string{
		"powergauss:beta=0.5,signs=random", "powergauss:beta=0.76,signs=random", "powergauss:beta=0.9,signs=random",
		"hierarchical:c=2", "hierarchical:c=3", "santafe:beta=0.75", "sticky:states=2,stay=0.99,clear=0.75", "iid:p=0.7/0.2/0.1",
	}
}

func (o Options) withDefaults() Options {
	if o.Processes == nil {
		o.Processes = Default()
	}
	if o.Estimators == nil {
		o.Estimators = defaultEstimators()
	}
	if o.Damages == nil {
		o.Damages = []string{"none"}
	}
	if o.Windows == nil {
		o.Windows = []int{defaultWindows}
	}
	if o.Length == 0 {
		o.Length = defaultLength
	}
	if o.Repetitions == 0 {
		o.Repetitions = defaultRepetitions
	}
	if o.Draws == 0 {
		o.Draws = defaultDraws
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Cross == 0 {
		o.Cross = defaultCross
	}
	return o
}

func (o Options) validate() error {
	switch {
	case o.Out == "":
		return errors.New("no run directory named")
	case o.Length < 16 || bits.OnesCount(uint(o.Length)) != 1 || o.Length > 1<<20:
		return fmt.Errorf("window length %d is not a power of two between 16 and 2^20", o.Length)
	case o.Repetitions < 1 || o.Repetitions > 1e6:
		return fmt.Errorf("%d repetitions are not between 1 and 1,000,000", o.Repetitions)
	case o.Draws < 19:
		return fmt.Errorf("%d bootstrap draws are too few for an interval (at least 19)", o.Draws)
	case o.Cross < 1:
		return fmt.Errorf("number of cross contexts %d is below 1", o.Cross)
	}
	for _, n := range o.Windows {
		if n < 4 {
			return fmt.Errorf("sample size of %d windows is below 4", n)
		}
	}
	for _, e := range o.Estimators {
		if !slices.Contains(mi.Estimators(), e) {
			return fmt.Errorf("unknown estimator %q (choose from %v)", e, mi.Estimators())
		}
	}
	return nil
}

// Run checks estimators on processes whose information is known exactly. For each
// process, damage and sample size it
//
//  1. simulates many corpora and scores them with the process's exact law, or one
//     damaged on purpose,
//  2. estimates and fits each with the code of l2m measure,
//  3. reports bias, spread, error and the coverage of intervals.
//
// Finished repetitions stay in Out, so the same call continues an interrupted run.
// The result does not depend on workers or interruptions.
func Run(ctx context.Context, o Options) (*result.Calibration, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	cells, err := o.cells(ctx)
	if err != nil {
		return nil, err
	}
	run, err := rundir.Open(o.Out, rundir.Calibrate, rundir.Options{Fresh: o.Fresh, Command: o.Command()})
	if err != nil {
		return nil, fmt.Errorf("calibrating: %w", err)
	}
	defer run.Close()
	if _, err := run.Folder(rundir.Repetitions); err != nil {
		return nil, fmt.Errorf("calibrating: %w", err)
	}
	if err := simulateAll(ctx, o, cells); err != nil {
		return nil, err
	}
	out := &result.Calibration{Schema: result.CalibrationSchema, Version: info.BuildVersion().Short(), Command: o.Command(), Options: o.settings()}
	for _, c := range cells {
		summary, err := c.summarise()
		if err != nil {
			return nil, fmt.Errorf("summing up %s: %w", c.key(), err)
		}
		out.Cells = append(out.Cells, summary)
	}
	out.Coverage = coverage(out.Cells)
	return out, result.Store(run, out, rundir.Faces(o.Faces, out, nil))
}

// chunkSize is the number of repetitions that are saved together.
const chunkSize = 10

// cell is one combination of process, damage and sample size.
type cell struct {
	o       Options
	truth   process.Truth
	damage  process.Damage
	windows int
	splits  []int
	repeats []repetition
	// model makes what predicts, once: an lm.Model of the process's tokens.
	model       func() (any, error)
	fingerprint string // of a trained model
}

// key names everything that determines the repetitions of a cell.
func (c *cell) key() string {
	damage := c.damage.String()
	if c.fingerprint != "" {
		damage = "model " + c.fingerprint
	}
	return fmt.Sprintf("l2m-calibration/6 %s damage %s windows %d length %d cross %d draws %d range %g:%g seed %d estimators %v",
		c.truth.Describe().Spec, damage, c.windows, c.o.Length, c.o.Cross, c.o.Draws, c.o.Range[0], c.o.Range[1], c.o.Seed, c.o.Estimators)
}

func (o Options) cells(ctx context.Context) ([]*cell, error) {
	var out []*cell
	used := map[string]bool{}
	for _, spec := range o.Processes {
		p, err := process.Parse(spec)
		if err != nil {
			return nil, err
		}
		splits := calibrationSplits(p.Describe(), o.Length)
		if len(splits) < 3 {
			return nil, fmt.Errorf("%s: windows of %d tokens have only %d lengths at which its law holds (choose longer ones)", spec, o.Length, len(splits))
		}
		applies := false
		for _, text := range o.Damages {
			d, err := process.ParseDamage(text)
			if err != nil {
				return nil, err
			}
			if !applicable(p, d) {
				continue
			}
			applies, used[text] = true, true
			if d.Memory > 0 {
				d.Horizon = o.Length
			}
			model := sync.OnceValues(func() (any, error) { return o.predictor(ctx, p, d) })
			fingerprint := ""
			switch {
			case open.Trains(d.Model):
				fingerprint = fmt.Sprintf("%s of %d symbols", bytemix.Version, trainingSymbols)
			case d.Model != "":
				m, err := model()
				if err != nil {
					return nil, fmt.Errorf("%s: %w", spec, err)
				}
				info := m.(interface{ Info() lm.Info }).Info()
				if err := info.CheckWindow(o.Length); err != nil {
					return nil, fmt.Errorf("--damage %s: %w", text, err)
				}
				fingerprint = info.Fingerprint
			}
			for _, n := range o.Windows {
				out = append(out, &cell{o: o, truth: p, damage: d, windows: n, splits: splits, model: model, fingerprint: fingerprint})
			}
		}
		if !applies {
			return nil, fmt.Errorf("%s: no --damage applies to it", spec)
		}
	}
	for _, text := range o.Damages {
		if !used[text] {
			return nil, fmt.Errorf("--damage %s applies to none of the processes", text)
		}
	}
	return out, nil
}

// calibrationSplits are the splits at which a process follows its law.
func calibrationSplits(d process.Description, length int) []int {
	var out []int
	for ell := 2; 2*ell <= length; ell *= 2 {
		if d.HoldsAt(2 * ell) {
			out = append(out, ell)
		}
	}
	return out
}

// estimators are those of the options that apply to the cell's process.
func (c *cell) estimators() []mi.Estimator {
	if c.truth.Describe().Shift != process.NotStationary {
		return c.o.Estimators
	}
	var out []mi.Estimator
	for _, e := range c.o.Estimators {
		if e != mi.Block {
			out = append(out, e)
		}
	}
	return out
}

// repetition is the outcome for one simulated corpus.
type repetition struct {
	Number   int             `json:"repetition"`
	Fits     []fitted        `json:"fits"`               // in the order of cell.estimators
	Findings []check.Finding `json:"findings,omitempty"` // about the first estimator
	Bracket  *mi.Bracket     `json:"bracket,omitempty"`
}

// fitted is the outcome of one estimator for one simulated corpus.
type fitted struct {
	Absent  string      `json:"absent,omitempty"` // why there are no estimates
	Values  []float64   `json:"nats"`
	SEs     []float64   `json:"se"`
	Points  []interval  `json:"points"` // intervals of the values
	Cov     [][]float64 `json:"cov"`
	Power   bool        `json:"power"` // the power law could be fitted
	Beta    interval    `json:"beta"`
	A       interval    `json:"a"`
	OLS     *float64    `json:"ols,omitempty"` // exponent by least squares on logarithms, where all estimates are positive
	Verdict law.Verdict `json:"verdict"`
	Best    law.Family  `json:"best"`    // family of the largest Akaike weight
	Bounded bool        `json:"bounded"` // Best, as fitted, stays finite at any length
}

type interval struct {
	Value float64 `json:"value"`
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
}

// chunk is the file of some repetitions.
type chunk struct {
	Key     string       `json:"key"`
	Repeats []repetition `json:"repetitions"`
}

func (c *cell) chunkPath(first int) string {
	sum := sha256.Sum256([]byte(c.key()))
	return filepath.Join(c.o.Out, rundir.Repetitions, fmt.Sprintf("%s-%06d.json", hex.EncodeToString(sum[:6]), first))
}

// simulateAll makes every repetition that Out lacks.
func simulateAll(ctx context.Context, o Options, cells []*cell) error {
	type job struct {
		c     *cell
		first int
	}
	var jobs []job
	var done, total int64
	stage := o.Progress.Stage("simulating", "repetitions")
	for _, c := range cells {
		for first := 0; first < o.Repetitions; first += chunkSize {
			total += int64(min(chunkSize, o.Repetitions-first))
			repeats, err := c.load(first)
			if err != nil {
				return err
			}
			done += int64(len(repeats))
			c.repeats = append(c.repeats, repeats...)
			if len(repeats) == 0 {
				jobs = append(jobs, job{c, first})
			}
		}
	}
	resumed := done
	stage(done, total, resumed)
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.Workers)
	for _, j := range jobs {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			repeats, err := j.c.make(ctx, j.first)
			if err != nil {
				return fmt.Errorf("calibrating on %s: %w", j.c.key(), err)
			}
			mu.Lock()
			defer mu.Unlock()
			j.c.repeats = append(j.c.repeats, repeats...)
			done += int64(len(repeats))
			stage(done, total, resumed)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, c := range cells {
		slices.SortFunc(c.repeats, func(a, b repetition) int { return a.Number - b.Number })
	}
	return nil
}

// load reads a chunk of an earlier run; nil if there is none.
func (c *cell) load(first int) ([]repetition, error) {
	path := c.chunkPath(first)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading earlier repetitions: %w", err)
	}
	var k chunk
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, fmt.Errorf("reading earlier repetitions: %s: %w (delete the file, or discard all with --fresh)", path, err)
	}
	want := min(chunkSize, c.o.Repetitions-first)
	if k.Key != c.key() {
		return nil, fmt.Errorf("reading earlier repetitions: %s was made with other options (discard with --fresh)", path)
	}
	if len(k.Repeats) < want {
		return nil, nil // the last chunk of a run of fewer repetitions
	}
	return k.Repeats[:want], nil
}

// make simulates a chunk and saves it.
func (c *cell) make(ctx context.Context, first int) ([]repetition, error) {
	k := chunk{Key: c.key()}
	for i := first; i < min(first+chunkSize, c.o.Repetitions); i++ {
		r, err := c.repeat(ctx, i)
		if err != nil {
			return nil, fmt.Errorf("repetition %d: %w", i, err)
		}
		k.Repeats = append(k.Repeats, r)
	}
	data, err := json.Marshal(k)
	if err != nil {
		return nil, err
	}
	return k.Repeats, atomicfile.WriteBytes(c.chunkPath(first), 0o666, data)
}
