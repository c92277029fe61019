package twopoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law/decay"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/token"
)

// estimation says how to turn counts into information.
type estimation struct {
	estimator mi.EntropyEstimator
	keepFloor bool // see Options.KeepFloor
	seed      uint64
	workers   int // 0 means GOMAXPROCS
	progress  info.ProgressFunc
}

func (o Options) estimation() estimation {
	return estimation{mi.EntropyEstimator(o.Estimator), o.KeepFloor, o.Seed, o.Workers, o.Progress}
}

// run estimates the information at every distance and fits its decay.
func (o estimation) run(ctx context.Context, f *count.File) (*result.TwoPoint, error) {
	t := &result.TwoPoint{Estimator: string(o.estimator), Tokens: f.Tokens, Documents: f.Documents, Corrected: !o.keepFloor}
	width := token.Width(f.Alphabet)
	estimates, err := o.estimateAll(ctx, f)
	if err != nil {
		return nil, err
	}
	if n := len(f.Distances); n > 0 && len(f.Distances[0].Without) >= 2 {
		t.Blocks, t.BlockTokens = len(f.Distances[0].Without), f.BlockTokens
	}
	var points, norms []decay.Point
	for i, d := range f.Distances {
		e := estimates[i]
		if d.Pairs == 0 {
			continue // no document is long enough
		}
		point := result.TwoPointPoint{
			Distance: d.Distance, Pairs: e.Pairs, Value: e.Value, SE: e.SE, Method: e.Method, Blocks: e.Blocks,
			Floor: e.Floor, Limit: e.Limit, Attenuation: e.Attenuation,
		}
		switch {
		case d.Distance < width:
			point.LeftOut = decay.SharedLetters
		case fewPairs(d, f):
			point.LeftOut = decay.FewPairs
		case t.Blocks > 0 && e.Blocks < min(fewBlocks, float64(t.Blocks)/2):
			point.LeftOut = decay.FewBlocks
		case t.Corrected && e.Value < -e.Limit:
			point.LeftOut = decay.BelowZero
		case e.Below:
			point.LeftOut = decay.BelowFloor
		}
		if len(d.Table) > 0 {
			c, err := mi.Covariance(d.Table, f.Vocabulary)
			if err != nil {
				return nil, fmt.Errorf("distance %d: %w", d.Distance, err)
			}
			point.Covariance = &c
			norms = append(norms, decay.OfNorm(c, d.Distance, point.LeftOut))
		}
		t.Points = append(t.Points, point)
		points = append(points, decay.Point{Distance: d.Distance, Value: e.Value, SE: e.SE, Without: e.Without, LeftOut: point.LeftOut})
	}
	if len(t.Points) == 0 {
		return nil, errors.New("no document is long enough for a pair at the smallest distance")
	}
	t.Law, t.Warnings = decay.Fit(points, info.DefaultLevel)
	if len(norms) > 0 {
		t.CovarianceLaw, _ = decay.Fit(norms, info.DefaultLevel)
	}
	t.Warnings = append(t.Warnings, biasWarnings(t)...)
	t.Warnings = append(t.Warnings, errorWarnings(t, f)...)
	return t, nil
}

// fewBlocks is the number of equal blocks below which a jackknife standard error is
// not trusted: with four, it is itself known to 40 %.
const fewBlocks = 4

// biasWarnings are those about the estimator's bias.
func biasWarnings(t *result.TwoPoint) []info.Warning {
	if !t.Corrected {
		return []info.Warning{{
			Code: "bias-included",
			Text: fmt.Sprintf("values include the noise floor, the estimate on shuffled pairs (%.2g nats at d = %d): they do not fall below it, and the fitted decay includes it", t.Points[0].Floor, t.Points[0].Distance),
			Fix:  "leave out --subtract-floor=false",
		}}
	}
	lost := t.Points[0].Attenuation
	if lost < 0.03 {
		return nil
	}
	share := fmt.Sprintf("about %.0f %%", 100*lost)
	if t.Estimator != string(mi.Grassberger) {
		share = "with this estimator more than " + share
	}
	return []info.Warning{{
		Code: "attenuated",
		Text: fmt.Sprintf("most pairs are too rare to tell dependence from chance: subtracting the noise floor also removes %s of a weak dependence, at all distances alike; intervals do not include that", share),
		Fix:  "count more text, or allow for values that are this much too small; the exponent is hardly affected",
	}}
}

// errorWarnings are those about the standard errors.
func errorWarnings(t *result.TwoPoint, f *count.File) []info.Warning {
	switch {
	case t.Blocks == 0:
		why, fix := "pairs were not counted by blocks of documents", "count with --blocks 16"
		if len(f.Distances[0].Without) > 0 {
			why, fix = "there is too little text to divide into blocks", "count more text"
		}
		return []info.Warning{{
			Code: "no-blocks",
			Text: "standard errors assume independent pairs, because " + why + ": pairs of a text depend on one another, so the true errors can be many times larger",
			Fix:  fix,
		}}
	case f.BlockTokens > 0:
		few := fmt.Sprintf("with only %s", info.Plural(int(f.Documents), "document"))
		if f.Documents >= count.DefaultBlocks {
			few = fmt.Sprintf("with most of the text in a few of the %d documents", f.Documents)
		}
		return []info.Warning{{
			Code: "few-documents",
			Text: few + ", standard errors come from leaving out stretches of text in turn: they show how the information varies within this text, not between texts of its kind",
			Fix:  "give more documents",
		}}
	}
	return nil
}

// fewPairs reports whether fewer than half of the tokens have a partner at a distance.
func fewPairs(d count.Distance, f *count.File) bool { return 2*d.Pairs < f.Tokens }

// pairCountsOf converts the counts at a distance for the estimators.
func pairCountsOf(d count.Distance) mi.PairCounts {
	of := func(c count.Counts) mi.PairCounts {
		return mi.PairCounts{Left: c.Left, Right: c.Right, Pairs: c.Joint}
	}
	p := of(d.Counts)
	for _, w := range d.Without {
		p.Without = append(p.Without, of(w.Counts()))
	}
	return p
}

// estimateAll estimates the information at every distance that has pairs. Unpacked
// counts are many times larger than packed ones, so each worker unpacks those of one
// distance at a time.
func (o estimation) estimateAll(ctx context.Context, f *count.File) ([]mi.TwoPointEstimate, error) {
	out := make([]mi.TwoPointEstimate, len(f.Distances))
	estimate := func(i int, p mi.PairCounts) (err error) {
		out[i], err = mi.TwoPoint(p, mi.TwoPointOptions{Estimator: o.estimator, SubtractFloor: !o.keepFloor})
		return err
	}
	formula, err := o.shuffled(ctx, f, estimate)
	if err != nil {
		return nil, err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cmp.Or(o.workers, runtime.GOMAXPROCS(0)))
	for _, i := range formula {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := estimate(i, pairCountsOf(f.Distances[i])); err != nil {
				return fmt.Errorf("distance %d: %w", f.Distances[i].Distance, err)
			}
			return nil
		})
	}
	return out, g.Wait()
}
