package l2m

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/rundir"
)

// RivalOptions say what CompareRivals runs. The zero value of a field asks for
// its default.
type RivalOptions struct {
	Samples     int // pairs (X, Y) per estimate; 0 means 500
	Repetitions int // estimates per point; 0 means 10
	Largest     int // window length of the largest task, tokens; 0 means 16,384
	Seed        uint64
	Out         string // directory for rivals.json, report.html and the figure
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
	run, err := openRun(o.Out, rundir.Rivals, "l2m calibrate --rivals", false)
	if err != nil {
		return nil, fmt.Errorf("comparing estimators: %w", err)
	}
	defer run.Close()
	jobs, err := rivalJobs(o.Largest)
	if err != nil {
		return nil, err
	}
	out := &Rivals{Schema: RivalsSchema, Version: BuildVersion().Short(), Seed: o.Seed, Points: make([]RivalPoint, len(jobs))}
	stage := o.Progress.Stage("comparing", "estimates")
	stage(0, int64(len(jobs)), 0)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.Workers)
	var mu sync.Mutex
	var done int64
	for i, j := range jobs {
		group.Go(func() error {
			var values []float64
			p := j.point
			for r := range o.Repetitions {
				v, used, err := j.run(ctx, o.Samples, o.Seed+uint64(1000*i+r))
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
	return out, out.write(run)
}

func asIntervals(values []float64) []interval {
	out := make([]interval, len(values))
	for i, v := range values {
		out[i].Value = v
	}
	return out
}

// WriteJSON writes the document.
func (r *Rivals) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// write writes the document and its faces.
func (r *Rivals) write(run *rundir.Dir) error {
	faces, err := r.faces(nil)
	if err != nil {
		return err
	}
	return run.Write(append([]rundir.Face{{Name: rundir.Rivals.Document, Write: r.WriteJSON}}, faces...)...)
}

// faces are the page and the figure.
func (r *Rivals) faces(formats []string) ([]rundir.Face, error) {
	var data bytes.Buffer
	if err := r.WriteJSON(&data); err != nil {
		return nil, err
	}
	page := &report.Page{
		Kind: "calibrate", Subject: "rival estimators", Tone: report.Neutral, Hero: r.Figure(), Data: data.Bytes(), DataName: rundir.Rivals.Document, Version: r.Version, Command: "l2m calibrate --rivals",
		Verdict: report.Plain("Estimators without a model of the sequence fail as dimension grows."),
		Lead:    report.Plain("Every task has a known answer. Means over repetitions; a task that an estimator cannot do is in the table with the reason."),
	}
	t := &report.Table{ID: "points", Columns: []report.Column{
		{Head: report.Plain("process"), Wide: true}, {Head: report.Plain("L"), Numeric: true}, {Head: report.Plain("dimensions"), Numeric: true}, {Head: report.Plain("estimator")},
		{Head: report.Plain("samples"), Numeric: true}, {Head: report.Plain("true nats"), Numeric: true}, {Head: report.Plain("estimate"), Numeric: true}, {Head: report.Plain("spread"), Numeric: true}, {Head: report.Plain("remark"), Wide: true},
	}}
	for i, p := range r.Points {
		whole := func(n int, field string) report.Phrase {
			return report.Phrase{{Text: strconv.Itoa(n), Ref: fmt.Sprintf(".points[%d].%s", i, field)}}
		}
		number := func(v float64, field string) report.Phrase {
			return report.Value(v, 0, fmt.Sprintf(".points[%d].%s", i, field))
		}
		row := []report.Phrase{
			report.Plain(p.Process), whole(p.Length, "length"), whole(p.Dimensions, "dimensions"), report.Plain(p.Estimator), whole(p.Samples, "samples"),
			number(p.Truth, "truth"), number(p.Mean, "mean"), number(p.Spread, "spread"), report.Plain(p.Error),
		}
		if p.Error != "" {
			row[6], row[7] = report.Plain("–"), nil
		}
		t.Rows = append(t.Rows, row)
	}
	page.Sections = []report.Section{{ID: "table", Title: "All estimates", Blocks: []report.Block{t}}}
	return append([]rundir.Face{{Name: rundir.Report, Write: page.HTML}}, figureFaces([]*report.Figure{page.Hero}, formats)...), nil
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
	for j, p := range r.Points {
		if p.Error != "" || !isGaussianTask(p.Process) {
			continue
		}
		i, known := index[p.Estimator]
		if !known {
			i = len(f.Curves)
			index[p.Estimator] = i
			f.Curves = append(f.Curves, report.Curve{Name: p.Estimator, Label: p.Estimator, Hue: report.HueOf(i), Marker: report.MarkerOf(i), Line: report.Solid, Bars: true})
		}
		f.Curves[i].Points = append(f.Curves[i].Points, report.Point{X: p.Truth, Y: p.Mean, Lo: p.Mean - 1.96*p.Spread, Hi: p.Mean + 1.96*p.Spread, Ref: fmt.Sprintf(".points[%d].mean", j)})
		lo, hi = min(lo, p.Truth), max(hi, p.Truth)
	}
	f.Curves = append(f.Curves, report.Curve{Name: "truth", Hue: report.Grey, Line: report.Dashed, Quiet: true, Points: []report.Point{{X: lo, Y: lo}, {X: hi, Y: hi}}})
	return f
}

func isGaussianTask(spec string) bool { return len(spec) > 12 && spec[:12] == "hierarchical" }
