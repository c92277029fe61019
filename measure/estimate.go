package measure

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/token"
)

// ratios are the ratios L/ell reported.
var ratios = []int{2, 3, 4}

// estimate computes everything that follows from the scores: losses, series with
// their laws (the headline first), the triangle, and the findings of the checks.
func estimate(ctx context.Context, r *result.Result, src mi.Source, f facts, fit law.Options, progress info.ProgressFunc) error {
	collect := mi.CollectOptions{Ratios: ratios, Splits: r.Plan.Splits, Seed: fit.Seed}
	if r.Model.BOS != lm.NoBOS {
		collect.NGrams = f.text.Entropy
		if len(f.ngrams) > 0 {
			collect.NGrams = nil
		}
		for _, e := range f.ngrams {
			collect.NGrams = append(collect.NGrams, e.EntropyEstimate)
		}
	}
	stats, err := mi.Collect(ctx, src, collect)
	if err != nil {
		return err
	}
	loss := stats.Loss()
	r.Loss.NatsPerToken, r.Loss.SE = float64(loss.Mean), float64(loss.SE)
	for _, p := range loss.Positions {
		r.Loss.Positions = append(r.Loss.Positions, result.PositionLoss{From: p.From, To: p.To, Mean: float64(p.Mean), SE: float64(p.SE)})
	}
	var peak mi.Peak
	r.Triangle, peak = stats.Triangle()
	r.Peak = &peak
	stage := progress.Stage("fitting", "series")
	estimators := stats.Available()
	if r.Plan.Cross == 1 {
		// With a single context both equal vCLUB exactly.
		estimators = slices.DeleteFunc(estimators, func(e mi.Estimator) bool { return e == mi.Auxiliary || e == mi.LeaveOneOut })
	}
	total := int64(len(estimators) * len(ratios))
	for _, e := range estimators {
		for _, ratio := range ratios {
			stage(int64(len(r.Series)), total, 0)
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("fitting laws: %w", err)
			}
			s, err := stats.Series(e, ratio)
			if err != nil {
				return fmt.Errorf("estimating %s at L/ℓ = %d: %w", e, ratio, err)
			}
			if len(s.Points) == 0 {
				continue
			}
			if s.AtCeiling() {
				r.Series = append(r.Series, result.Series{Series: s})
				continue
			}
			a, err := Fit(s, token.Unit(r.Corpus.Tokenizer), fmt.Sprintf("measured: %s, L/ℓ = %d, %s", s.Estimator, s.Ratio, strings.Join(r.Corpus.Paths, " ")), fit)
			if err != nil {
				return fmt.Errorf("fitting the law of %s at L/ℓ = %d: %w", e, ratio, err)
			}
			r.Series = append(r.Series, result.Series{Series: s, Law: a})
		}
	}
	stage(total, total, 0)
	conclude(r, stats, f)
	return nil
}

// Fit fits the laws to one series. unit is the unit of its lengths, source says where
// it comes from; both go into the result.
func Fit(s mi.Series, unit, source string, o law.Options) (*law.Analysis, error) {
	d := law.Data{Cov: s.Cov, Sums: s.Sums, Counts: s.Counts, Unit: unit, Source: source}
	for _, p := range s.Points {
		d.L = append(d.L, float64(p.Length))
		d.I = append(d.I, float64(p.Value))
	}
	return law.Analyze(d, o)
}

// bitsPerByte converts a loss in nats per token, given the mean bytes per token; 0 if
// that is not known.
func bitsPerByte(natsPerToken, bytesPerToken float64) float64 {
	if bytesPerToken == 0 || math.IsNaN(natsPerToken) {
		return 0
	}
	return info.Nats(natsPerToken).Bits() / bytesPerToken
}
