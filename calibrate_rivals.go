package l2m

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/bytemix"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/process/rival"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/token"
)

// RivalOptions say what CompareRivals runs. The zero value of a field asks for
// its default.
type RivalOptions struct {
	Samples     int // pairs (X, Y) per estimate; 0 means 500
	Repetitions int // estimates per point; 0 means 10
	Largest     int // window length of the largest task, tokens; 0 means 16,384
	Seed        uint64
	Out         string // directory for rivals.json and rivals.html
	Workers     int    // 0 means GOMAXPROCS; does not change the result
	Progress    ProgressFunc
}

// RivalsSchema is the version of the Rivals document.
const RivalsSchema = "l2m.rivals/1"

// Rivals compares estimators at growing dimension, written to rivals.json.
type Rivals struct {
	Schema  string       `json:"schema"`
	Version string       `json:"version"`
	Seed    uint64       `json:"seed"`
	Points  []RivalPoint `json:"points"`
}

// RivalPoint is one estimator on one task. A task that an estimator cannot do
// is a row with an Error.
type RivalPoint struct {
	Estimator   string  `json:"estimator"`
	Process     string  `json:"process"`
	Length      int     `json:"length"`     // tokens of X and Y together
	Dimensions  int     `json:"dimensions"` // numbers, or symbols, in X and Y together
	Samples     int     `json:"samples"`    // pairs per estimate
	Repetitions int     `json:"repetitions"`
	Truth       float64 `json:"truth"` // nats
	Mean        float64 `json:"mean"`
	Spread      float64 `json:"spread"` // standard deviation over repetitions
	Error       string  `json:"error,omitempty"`
}

// rivalTask is a process at a length.
type rivalTask struct {
	truth  process.Truth
	one    process.Process[float64] // the process of which truth is copies side by side; nil for symbols
	copies int
	length int
}

// work bounds the cost of an estimate: distances times dimensions, or tokens
// scored.
const (
	workPairs  = 1e9
	workTokens = 4e6
)

// CompareRivals runs estimators that know nothing of the sequence (KSG, CCA,
// contrastive bounds with the exact critic, a universal code) beside paired with
// the exact model, on the hierarchical Gaussian from 0.3 to 10⁴ nats and on
// discrete processes.
func CompareRivals(ctx context.Context, o RivalOptions) (*Rivals, error) {
	if o.Samples == 0 {
		o.Samples = 500
	}
	if o.Repetitions == 0 {
		o.Repetitions = 10
	}
	if o.Largest == 0 {
		o.Largest = 16384
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	switch {
	case o.Out == "":
		return nil, fmt.Errorf("no directory named for the comparison")
	case o.Samples < 10 || o.Repetitions < 2 || o.Largest < 16:
		return nil, fmt.Errorf("%d samples, %d repetitions, length %d: at least 10, 2 and 16 are needed", o.Samples, o.Repetitions, o.Largest)
	}
	tasks, err := rivalTasks(o.Largest)
	if err != nil {
		return nil, err
	}
	type job struct {
		name string
		task rivalTask
		run  func(ctx context.Context, t rivalTask, samples int, seed uint64) (value float64, used int, err error)
	}
	var jobs []job
	for _, t := range tasks {
		if t.one == nil {
			jobs = append(jobs, job{"universal code", t, universalCode}, job{"paired, exact model", t, pairedExact})
			continue
		}
		jobs = append(jobs, job{"paired, exact model", t, pairedExact}, job{"KSG", t, ksgOf}, job{"CCA", t, ccaOf(false)}, job{"CCA, bias corrected", t, ccaOf(true)},
			job{"InfoNCE, exact critic", t, contrastive(false)}, job{"leave-one-out, exact critic", t, contrastive(true)})
	}
	out := &Rivals{Schema: RivalsSchema, Version: BuildVersion().String(), Seed: o.Seed, Points: make([]RivalPoint, len(jobs))}
	stage := o.Progress.stage("comparing", "estimates")
	stage(0, int64(len(jobs)), 0)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.Workers)
	var mu sync.Mutex
	var done int64
	for i, j := range jobs {
		group.Go(func() error {
			var values []float64
			p := RivalPoint{Estimator: j.name, Process: j.task.truth.Describe().Spec, Length: j.task.length, Dimensions: j.task.length * j.task.copies}
			mi, err := j.task.truth.BipartiteMI(j.task.length/2, j.task.length)
			if err != nil {
				return err
			}
			p.Truth = float64(mi)
			for r := range o.Repetitions {
				v, used, err := j.run(ctx, j.task, o.Samples, o.Seed+uint64(1000*i+r))
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if p.Samples = used; err != nil {
					p.Error = err.Error()
					break
				}
				values = append(values, v)
			}
			p.Repetitions = len(values)
			s := newSummary(p.Truth, asIntervals(values))
			if len(values) > 0 {
				p.Mean, p.Spread = s.Mean, s.Spread
			}
			mu.Lock()
			defer mu.Unlock()
			out.Points[i] = p
			done++
			stage(done, int64(len(jobs)), 0)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return out, out.write(o.Out)
}

func asIntervals(values []float64) []interval {
	out := make([]interval, len(values))
	for i, v := range values {
		out[i].Value = v
	}
	return out
}

// rivalTasks are hierarchical Gaussians of growing length, from 1,024 on also 64
// copies of them, and symbols.
func rivalTasks(largest int) ([]rivalTask, error) {
	var out []rivalTask
	for _, copies := range []int{1, 64} {
		for L := 4; L <= largest; L *= 4 {
			if copies == 1 && L > 4096 || copies > 1 && L < 1024 {
				continue
			}
			one, err := process.NewHierarchical(process.HierarchicalOptions{Inherit: []int{3}})
			if err != nil {
				return nil, err
			}
			t := rivalTask{truth: one, one: one, copies: copies, length: L}
			if copies > 1 {
				if t.truth, err = process.NewStack(one, copies); err != nil {
					return nil, err
				}
			}
			out = append(out, t)
		}
	}
	for _, spec := range []string{"sticky:states=2,stay=0.99,clear=0.75", "santafe:beta=0.75"} {
		p, err := process.Parse(spec)
		if err != nil {
			return nil, err
		}
		for L := 64; L <= largest; L *= 4 {
			out = append(out, rivalTask{truth: p, copies: 1, length: L})
		}
	}
	return out, nil
}

// pairedExact is ln p(Y|X) − ln p(Y) on as many windows as the budget allows.
func pairedExact(ctx context.Context, t rivalTask, samples int, seed uint64) (float64, int, error) {
	n := min(samples, max(4, workTokens/(t.length*t.copies)))
	if t.one == nil {
		v, err := pairedMean(ctx, t.truth.(process.Process[token.ID]), t.length, n, seed)
		return v, n, err
	}
	// Copies are independent: the sum over copies of windows of one.
	v, err := pairedMean(ctx, t.one, t.length, n*t.copies, seed)
	return v * float64(t.copies), n, err
}

func pairedMean[T any](ctx context.Context, p process.Process[T], length, n int, seed uint64) (float64, error) {
	m := p.Model()
	total := 0.0
	err := process.Samples(ctx, p, seed, length, n, 1, func(_ int, w []T) error {
		v, err := gain(ctx, m, w[:length/2], w[length/2:])
		total += v
		return err
	})
	return total / float64(n), err
}

// gain is ln q(y|x) − ln q(y).
func gain[T any](ctx context.Context, m lm.Model[T], x, y []T) (float64, error) {
	s, err := m.LogProbs(ctx, lm.Request[T]{Tokens: append(append([]T(nil), x...), y...), Branches: []lm.Branch[T]{{Tokens: y}}})
	if err != nil {
		return 0, err
	}
	total := 0.0
	for i, v := range s.Branches[0] {
		total += float64(s.Tokens[len(x)+i]) - float64(v)
	}
	return total, nil
}

// pairs draws X and Y as vectors.
func (t rivalTask) pairs(ctx context.Context, n int, seed uint64) (x, y [][]float64, err error) {
	half := t.length / 2
	err = process.Samples(ctx, t.one, seed, t.length, n*t.copies, 1, func(i int, w []float64) error {
		if i%t.copies == 0 {
			x, y = append(x, nil), append(y, nil)
		}
		x[len(x)-1], y[len(y)-1] = append(x[len(x)-1], w[:half]...), append(y[len(y)-1], w[half:]...)
		return nil
	})
	return x, y, err
}

func (t rivalTask) affordable(n, dimensions int) error {
	if float64(n)*float64(n)*float64(dimensions) > workPairs {
		return fmt.Errorf("%d² distances in %d dimensions: not tried", n, dimensions)
	}
	return nil
}

func ksgOf(ctx context.Context, t rivalTask, n int, seed uint64) (float64, int, error) {
	if err := t.affordable(n, t.length*t.copies); err != nil {
		return 0, n, err
	}
	x, y, err := t.pairs(ctx, n, seed)
	if err != nil {
		return 0, n, err
	}
	e, err := rival.KSG(ctx, x, y, 3)
	return float64(e.Value), n, err
}

func ccaOf(corrected bool) func(context.Context, rivalTask, int, uint64) (float64, int, error) {
	return func(ctx context.Context, t rivalTask, n int, seed uint64) (float64, int, error) {
		if d := t.length * t.copies; n <= d {
			return 0, n, fmt.Errorf("%d samples cannot determine the covariance of %d coordinates", n, d)
		}
		x, y, err := t.pairs(ctx, n, seed)
		if err != nil {
			return 0, n, err
		}
		e, err := rival.CCA(x, y, corrected)
		return float64(e.Value), n, err
	}
}

// contrastive runs the bounds in canonical coordinates, in which X and Y are
// pairs of correlation 2/3 (docs/processes.md): ln p(y|x)/p(y), and with it the
// bounds, is the same in any coordinates.
func contrastive(leaveOneOut bool) func(context.Context, rivalTask, int, uint64) (float64, int, error) {
	return func(ctx context.Context, t rivalTask, n int, seed uint64) (float64, int, error) {
		d := t.copies
		for L := t.length; L > 4; L /= 4 {
			d *= 3
		}
		if err := t.affordable(n, d); err != nil {
			return 0, n, err
		}
		const rho = 2.0 / 3
		rng := process.NewRand(seed, 0)
		x, y := make([]float64, n*d), make([]float64, n*d)
		for i := range x {
			x[i] = rng.NormFloat64()
			y[i] = rho*x[i] + math.Sqrt(1-rho*rho)*rng.NormFloat64()
		}
		nce, loo, err := rival.Contrastive(ctx, n, func(j, i int) float64 {
			s := 0.0
			b := y[i*d : (i+1)*d]
			for k, a := range x[j*d : (j+1)*d] {
				e := b[k] - rho*a
				s += e * e
			}
			return -s / (2 * (1 - rho*rho))
		})
		if leaveOneOut {
			return float64(loo.Value), n, err
		}
		return float64(nce.Value), n, err
	}
}

// universalCode is C(X) + C(Y) − C(XY) of texts, C the code length of the
// built-in predictor that starts from nothing.
func universalCode(ctx context.Context, t rivalTask, samples int, seed uint64) (float64, int, error) {
	n := min(samples, 20, max(4, 200_000/t.length))
	p := t.truth.(process.Process[token.ID])
	model, err := bytemix.New(bytemix.Options{TableBits: 16, Workers: 1})
	if err != nil {
		return 0, n, err
	}
	total := 0.0
	err = process.Samples(ctx, p, seed, t.length, n, 1, func(_ int, w []token.ID) error {
		v, err := gain(ctx, model, asBytes(w[:t.length/2]), asBytes(w[t.length/2:]))
		total += v
		return err
	})
	return total / float64(n), n, err
}

// asBytes writes symbols of small alphabets as letters and facts as decimal
// numbers, each followed by a space.
func asBytes(w []token.ID) []token.ID {
	var out []token.ID
	for _, s := range w {
		if s < 2 {
			out = append(out, token.ID('a')+s)
			continue
		}
		for _, c := range strconv.Itoa(int(s)) {
			out = append(out, token.ID(c))
		}
		out = append(out, ' ')
	}
	return out
}

// WriteJSON writes the document.
func (r *Rivals) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r)
}

func (r *Rivals) write(dir string) error {
	var data bytes.Buffer
	if err := r.WriteJSON(&data); err != nil {
		return err
	}
	figures := filepath.Join(dir, "figures")
	if err := os.MkdirAll(figures, 0o777); err != nil {
		return fmt.Errorf("creating the directory of the comparison: %w", err)
	}
	if err := atomicfile.WriteBytes(filepath.Join(dir, "rivals.json"), 0o666, data.Bytes()); err != nil {
		return err
	}
	if err := report.WriteFigures(figures, []*report.Figure{r.Figure()}, []string{"svg", "png"}); err != nil {
		return err
	}
	page := &report.Page{
		Kind: "calibrate", Subject: "rival estimators", Tone: report.Neutral, Hero: r.Figure(), Data: data.Bytes(), DataName: "rivals.json", Version: r.Version, Command: "l2m calibrate --rivals",
		Verdict: report.Plain("Estimators without a model of the sequence fail as dimension grows."),
		Lead:    report.Plain("Every task has a known answer. Means over repetitions; a task that an estimator cannot do is in the table with the reason."),
	}
	t := &report.Table{ID: "points", Columns: []report.Column{{Head: report.Plain("process"), Wide: true}, {Head: report.Plain("L"), Numeric: true}, {Head: report.Plain("dimensions"), Numeric: true}, {Head: report.Plain("estimator")},
		{Head: report.Plain("samples"), Numeric: true}, {Head: report.Plain("true nats"), Numeric: true}, {Head: report.Plain("estimate"), Numeric: true}, {Head: report.Plain("spread"), Numeric: true}, {Head: report.Plain("remark"), Wide: true}}}
	for _, p := range r.Points {
		row := []string{p.Process, strconv.Itoa(p.Length), strconv.Itoa(p.Dimensions), p.Estimator, strconv.Itoa(p.Samples), fmt.Sprintf("%.5g", p.Truth), fmt.Sprintf("%.5g", p.Mean), fmt.Sprintf("%.3g", p.Spread), p.Error}
		if p.Error != "" {
			row[6], row[7] = "–", ""
		}
		var cells []report.Phrase
		for _, text := range row {
			cells = append(cells, report.Plain(text))
		}
		t.Rows = append(t.Rows, cells)
	}
	page.Sections = []report.Section{{ID: "table", Title: "All estimates", Blocks: []report.Block{t}}}
	return atomicfile.WriteFile(filepath.Join(dir, "rivals.html"), 0o666, func(w io.Writer) error { return page.HTML(w) })
}

// Figure draws estimates of the Gaussian tasks against the truth.
func (r *Rivals) Figure() *report.Figure {
	f := &report.Figure{
		ID: "rivals", Title: "Only estimators that know the sequence follow it to thousands of nats",
		Caption: report.Plain("Hierarchical Gaussian of the L²M paper with c = 3 at L = 4 … 16,384, from 1,024 on also 64 copies side by side. Means over repetitions, bars hold 95 % of single estimates; on the dashed line estimate and truth agree. Curves end where an estimator cannot be computed."),
		X:       report.Axis{Label: "exact information", Unit: "nats", Nats: true, Scale: report.Log10},
		Y:       report.Axis{Label: "estimate", Unit: "nats", Nats: true, Scale: report.Log10},
	}
	index := map[string]int{}
	lo, hi := math.Inf(1), 0.0
	for _, p := range r.Points {
		if p.Error != "" || !isGaussianTask(p.Process) {
			continue
		}
		i, known := index[p.Estimator]
		if !known {
			i = len(f.Curves)
			index[p.Estimator] = i
			f.Curves = append(f.Curves, report.Curve{Name: p.Estimator, Label: p.Estimator, Hue: report.HueOf(i), Marker: report.MarkerOf(i), Line: report.Solid, Bars: true})
		}
		f.Curves[i].Points = append(f.Curves[i].Points, report.Point{X: p.Truth, Y: p.Mean, Lo: p.Mean - 1.96*p.Spread, Hi: p.Mean + 1.96*p.Spread})
		lo, hi = min(lo, p.Truth), max(hi, p.Truth)
	}
	f.Curves = append(f.Curves, report.Curve{Name: "truth", Hue: report.Grey, Line: report.Dashed, Quiet: true, Points: []report.Point{{X: lo, Y: lo}, {X: hi, Y: hi}}})
	return f
}

func isGaussianTask(spec string) bool { return len(spec) > 12 && spec[:12] == "hierarchical" }
