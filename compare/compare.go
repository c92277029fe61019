package compare

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

// Options says which runs to compare.
type Options struct {
	Runs    []string // run directories of Measure, at least two; the first is the reference
	Configs []string // of the runs' models, in their order; "" for none; shorter lists leave out the rest

	Out     string   // folder to write to; "" writes nothing
	Figures []string // formats of the static figures: "svg", "png", "pdf"; nil means all
	// Faces makes the files shown beside the comparison, figures in the given formats;
	// nil: none.
	Faces func(c *result.Comparison, formats []string) []rundir.Face

	// IdealLoss is the loss that a perfect model would have on the windows, nats per token;
	// 0: not known. The law is extrapolated to it from three or more models.
	IdealLoss float64

	Draws int // bootstrap replicates; 0 means 1,000
	Seed  uint64
}

// scored is a finished run.
type scored struct {
	dir    string
	store  *score.Store
	key    score.Key
	result *result.Result
	shared bool           // its first windows are those of the first run
	stats  *mi.Statistics // of the windows that are compared
}

// Run compares the models of finished runs with the first of them: their losses by
// position, the information that each takes from its past by length, and the length
// at which it stops gaining. Runs whose first windows are the same are compared on
// those that all of them have, document by document, whatever other runs there are. If
// tokenizers differ, everything is per byte, and information is compared at equal
// numbers of bytes.
func Run(ctx context.Context, o Options) (*result.Comparison, error) {
	switch {
	case len(o.Runs) < 2:
		return nil, errors.New("a comparison needs two runs")
	case len(o.Configs) > len(o.Runs):
		return nil, fmt.Errorf("%d configurations for %d runs", len(o.Configs), len(o.Runs))
	case !(o.IdealLoss >= 0) || math.IsInf(o.IdealLoss, 0):
		return nil, fmt.Errorf("--ideal-loss %g: give a loss above 0, in nats per token", o.IdealLoss)
	}
	var runs []*scored
	for _, dir := range o.Runs {
		r, err := readScored(dir)
		if err != nil {
			return nil, fmt.Errorf("reading the run %s: %w", dir, err)
		}
		runs = append(runs, r)
	}
	first := runs[0]
	c := &result.Comparison{
		Command: o.Command(), Version: info.BuildVersion().Short(), Unit: token.Unit(first.result.Corpus.Tokenizer), Paired: true,
		Length: first.key.Plan.Length, Level: Level,
	}
	windows, err := share(runs)
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		n := r.key.Count
		if r.shared {
			n = windows
		}
		c.Paired = c.Paired && r.shared
		if r.stats, err = mi.Collect(ctx, r.store.First(n), mi.CollectOptions{Ratios: []int{2}, Splits: r.key.Plan.Splits, Seed: o.Seed}); err != nil {
			return nil, fmt.Errorf("reading the run %s: %w", r.dir, err)
		}
		if r.shared && !slices.Equal(r.stats.Clusters(), first.stats.Clusters()) {
			return nil, fmt.Errorf("%s and %s should have their first %d windows in common, but these are of other documents: measure one again with this version", first.dir, r.dir, n)
		}
	}
	c.Documents = len(first.stats.Clusters())
	if c.Warnings = append(c.Warnings, partial(runs, windows)...); !c.Paired {
		c.Unit = "byte"
		for _, r := range runs {
			if r.result.Windows.BytesPerToken == 0 {
				return nil, fmt.Errorf("%s does not say how many bytes its tokens have: measure it again with this version", r.dir)
			}
		}
		c.Warnings = append(c.Warnings, info.Warning{
			Code: "unpaired", Text: "not all models have the tokens of the first, so that their windows differ: everything is per byte, by the mean length of a token, and differences between runs of other windows carry the errors of both",
		})
	}
	for i, r := range runs {
		run, err := o.compareRun(c, first, r, i)
		if err != nil {
			return nil, fmt.Errorf("comparing %s: %w", r.dir, err)
		}
		c.Runs = append(c.Runs, run)
	}
	if err := o.extrapolate(c, runs); err != nil {
		return nil, err
	}
	if c.Documents < 20 {
		c.Warnings = append(c.Warnings, info.Warning{
			Code: "few-clusters", Text: fmt.Sprintf("%d documents are few: intervals are rough, and a model that gains slowly may seem to stop", c.Documents), Fix: "measure more documents",
		})
	}
	if o.Out != "" {
		if err := o.write(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// extrapolate adds the law as a function of the loss, from three runs on.
func (o Options) extrapolate(c *result.Comparison, runs []*scored) error {
	var of []int
	var models []*mi.Statistics
	for i, r := range runs {
		if r.shared {
			of, models = append(of, i), append(models, r.stats)
		}
	}
	if len(models) < fewestModels && o.IdealLoss == 0 {
		return nil
	}
	f, err := newFamily(of, models)
	if err != nil {
		return err
	}
	if best := f[len(f)-1]; o.IdealLoss >= best.loss {
		return fmt.Errorf("--ideal-loss %g: no perfect model loses more than %s, %.4g nats per token", o.IdealLoss, runs[best.run].dir, best.loss)
	}
	c.Models, err = f.extrapolate(o.IdealLoss, Bootstrap{Draws: o.Draws, Seed: o.Seed})
	return err
}

// share finds the runs whose first windows are those of the first run, and how many of
// them all have. Runs of the same tokens that share none are refused.
func share(runs []*scored) (windows int, err error) {
	first := runs[0]
	windows = first.key.Count
	for _, r := range runs {
		n := first.key.Shared(r.key)
		switch {
		case n > 0:
			r.shared, windows = true, min(windows, n)
		case r.key.Corpus != first.key.Corpus:
			return 0, fmt.Errorf("%s and %s read other text: compare runs of the same documents", first.dir, r.dir)
		case r.key.Tokenizer == first.key.Tokenizer:
			return 0, fmt.Errorf("%s and %s scored other windows of the same documents: repeat one with the --length and --seed of the other", first.dir, r.dir)
		}
	}
	return windows, nil
}

// partial says how many windows are compared if some runs have more.
func partial(runs []*scored, windows int) []info.Warning {
	var counts []string
	more := false
	for _, r := range runs {
		if r.shared {
			counts, more = append(counts, strconv.Itoa(r.key.Count)), more || r.key.Count > windows
		}
	}
	if !more {
		return nil
	}
	return []info.Warning{{
		Code: "shared-windows", Text: fmt.Sprintf("the runs have %s windows: they are compared on the first %d, which all of them scored", strings.Join(counts, ", "), windows),
		Fix: "extend the smaller ones with --windows",
	}}
}

func readScored(dir string) (*scored, error) {
	f, err := os.Open(filepath.Join(dir, rundir.Results))
	if err != nil {
		return nil, fmt.Errorf("%w (is it the directory of a finished run of l2m measure?)", err)
	}
	defer f.Close()
	r := &scored{dir: dir}
	if r.result, err = result.Read[result.Result](f, f.Name()); err != nil {
		return nil, err
	}
	if r.store, err = score.Read(dir); err != nil {
		return nil, err
	}
	r.key = r.store.Key()
	if n := r.store.Done(); n < r.key.Count {
		return nil, fmt.Errorf("%d of %d windows are scored (repeat its command, which continues)", n, r.key.Count)
	}
	return r, nil
}

// compareRun fills in one run.
func (o Options) compareRun(c *result.Comparison, first, r *scored, i int) (result.ComparedRun, error) {
	opts := Bootstrap{Draws: o.Draws, Seed: o.Seed}
	scale, reference := 1.0, 1.0 // units per token
	if !c.Paired {
		scale, reference = r.result.Windows.BytesPerToken, first.result.Windows.BytesPerToken
	}
	out := result.ComparedRun{
		Run: r.dir, Model: r.result.Model.Name, Fingerprint: r.result.Model.Fingerprint, Tokenizer: r.result.Corpus.Tokenizer,
		BytesPerToken: r.result.Windows.BytesPerToken, Paired: r.shared,
	}
	loss, base := lossSums(r.stats), lossSums(first.stats)
	means := own(loss, scale, opts)
	bins := r.stats.Loss().Positions
	var differences []info.Estimate
	if i > 0 {
		var err error
		if differences, err = lossDifference(out.Paired, base, loss, reference, scale, opts); err != nil {
			return out, err
		}
	}
	for j, b := range bins {
		bin := result.ComparedBin{From: scale*float64(b.From-1) + 1, To: scale * float64(b.To), Loss: means[j]}
		if out.Paired && i > 0 {
			bin.Difference = &differences[j]
		}
		out.Positions = append(out.Positions, bin)
	}
	out.Loss = means[len(bins)]
	if i > 0 {
		out.Difference = &differences[len(differences)-1]
	}
	series, err := information(r.stats)
	if err != nil {
		return out, err
	}
	out.Estimator = string(series.Estimator)
	if len(series.Points) > 0 && series.Sums != nil {
		if err := fillInformation(&out, first, series, scale, reference, i > 0, opts); err != nil {
			return out, err
		}
	}
	out.Stop = FindStop(series, opts)
	if i < len(o.Configs) && o.Configs[i] != "" {
		if out.Capacity, err = capacity(o.Configs[i], series, own(Sums{Totals: series.Sums, Counts: series.Counts}, 1, opts)); err != nil {
			return out, err
		}
	}
	return out, nil
}

// fillInformation adds what the model takes from its past and, where it is not the
// first, how much less that is: at its own lengths if it scored the same windows, else
// at those lengths of the first that lie within its own. scale and reference are the
// units per token of the run and of the first.
func fillInformation(out *result.ComparedRun, first *scored, series mi.Series, scale, reference float64, differs bool, opts Bootstrap) error {
	theirs, err := information(first.stats)
	if err != nil {
		return err
	}
	lengths := func(s mi.Series, scale float64) (ell []float64) {
		for _, p := range s.Points {
			ell = append(ell, scale*float64(p.Ell))
		}
		return ell
	}
	ell := lengths(series, scale)
	sums := Sums{Totals: series.Sums, Counts: series.Counts}
	base := Sums{Totals: theirs.Sums, Counts: theirs.Counts}
	differ := func(statistic func(a, b float64) float64) ([]info.Estimate, error) {
		return Difference(base, sums, statistic, opts)
	}
	if differs && (theirs.Estimator != series.Estimator || out.Paired && len(theirs.Points) != len(series.Points)) {
		return fmt.Errorf("the runs have different estimators (%s and %s): measure both with the same --cross", theirs.Estimator, series.Estimator)
	}
	if differs && !out.Paired {
		own, all := ell, lengths(theirs, reference)
		from, to := 0, len(all)
		for from < to && all[from] < own[0] {
			from++
		}
		for from < to && all[to-1] > own[len(own)-1] {
			to--
		}
		ell = all[from:to]
		base.View = func(means []float64) []float64 { return means[from:to] }
		sums.View = func(means []float64) []float64 { return interpolate(own, means, ell) }
		differ = func(statistic func(a, b float64) float64) ([]info.Estimate, error) {
			return Unpaired(base, sums, statistic, opts), nil
		}
	}
	nats, err := Difference(sums, sums, func(a, _ float64) float64 { return a }, opts)
	if err != nil {
		return err
	}
	var lost, more []info.Estimate
	if differs {
		if lost, err = differ(func(a, b float64) float64 { return 100 * (a - b) / a }); err != nil {
			return err
		}
		if more, err = differ(func(a, b float64) float64 { return b - a }); err != nil {
			return err
		}
	}
	for j := range ell {
		x := result.ComparedPoint{Ell: ell[j], Nats: nats[j]}
		if lost != nil && lost[j].SE > 0 {
			x.Lost, x.Difference = &lost[j], &more[j]
		}
		out.Information = append(out.Information, x)
	}
	return nil
}

// lossDifference is the loss of a run minus that of the first, per unit: by bin and
// for whole windows if they are the same, otherwise for whole windows only.
func lossDifference(paired bool, base, loss Sums, reference, scale float64, opts Bootstrap) ([]info.Estimate, error) {
	minus := func(a, b float64) float64 { return b/scale - a/reference }
	if paired {
		return Difference(base, loss, minus, opts)
	}
	return Unpaired(last(base), last(loss), minus, opts), nil
}

// last keeps the last quantity only.
func last(s Sums) Sums {
	var out Sums
	for c := range s.Totals {
		n := len(s.Totals[c])
		out.Totals, out.Counts = append(out.Totals, s.Totals[c][n-1:]), append(out.Counts, s.Counts[c][n-1:])
	}
	return out
}

func lossSums(s *mi.Statistics) Sums {
	sums, counts := s.LossSums()
	return Sums{Totals: sums, Counts: counts}
}

// information is the paired series where there are marginal passes, else the
// block series.
func information(s *mi.Statistics) (mi.Series, error) {
	e := mi.Block
	if slices.Contains(s.Available(), mi.Paired) {
		e = mi.Paired
	}
	return s.Series(e, 2)
}

// capacity is the largest ratio of information to elements kept.
func capacity(config string, s mi.Series, nats []info.Estimate) (*result.ComparedCapacity, error) {
	f, err := os.Open(config)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := arch.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config, err)
	}
	var best *result.ComparedCapacity
	for j, p := range s.Points {
		state, err := m.State(int64(p.Ell))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", config, err)
		}
		if state.Total == 0 || j >= len(nats) {
			continue
		}
		n := float64(state.Total)
		e := nats[j]
		if best == nil || e.Value/n > best.NatsPerElement.Value {
			best = &result.ComparedCapacity{Config: config, Ell: p.Ell, Elements: n,
				NatsPerElement: e.Scale(1 / n)}
		}
	}
	return best, nil
}

// write writes the comparison and its faces into o.Out.
func (o Options) write(c *result.Comparison) error {
	run, err := rundir.Open(o.Out, rundir.Compare, rundir.Options{Command: c.Command})
	if err != nil {
		return fmt.Errorf("writing the comparison: %w", err)
	}
	defer run.Close()
	return result.Store(run, c, rundir.Faces(o.Faces, c, o.Figures))
}
