// Package sample has synthetic documents for tests of reading, writing and rendering
// documents.
package sample

import (
	"math"
	"math/rand/v2"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/law/decay"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
)

// Result is a synthetic but realistic result: estimates that follow 2.3·L^0.76 (about
// the law that the L²M paper publishes for its direct estimator on PG-19) with noise
// from a fixed seed.
func Result() *result.Result {
	rng := rand.New(rand.NewPCG(7, 11))
	r := &result.Result{
		Schema: result.Schema, Verb: "measure", Version: "v0.0.0-sample",
		Command: "l2m measure --length 8192 ../shared/data/books",
		Corpus: result.Corpus{Paths: []string{"../shared/data/books"}, Documents: 50, Bytes: 82_113_408, Training: 24, Evaluation: 26, Duplicates: 1,
			Skipped: map[string]int{"binary": 3, "version control": 112}, Tokenizer: "bytes", Fingerprint: "sha256:5f2c9a0d77e1"},
		Model:   result.Model{Info: lm.Info{Name: "bytemix", Vocabulary: 256, BOS: lm.NoBOS, Fingerprint: "sha256:3f2a77c01b"}, TrainingBytes: 12 << 20},
		Windows: result.Windows{Length: 8192, Count: 624, Documents: 26, Clusters: 26, ClusterKind: "document", Seed: 1},
		Plan:    result.Plan{Ratios: []int{2, 3, 4}, Cross: 1, Tokens: 31_457_280, NaiveTokens: 132_120_576},
		Loss:    result.Loss{NatsPerToken: 1.339, SE: 0.018, BitsPerByte: 1.932},
	}
	for ell := 2; ell <= 4096; ell *= 2 {
		r.Plan.Splits = append(r.Plan.Splits, ell)
	}
	kinds := []struct {
		e         mi.Estimator
		a, beta   float64
		noise     float64
		footnotes bool
	}{
		{mi.Paired, 2.30, 0.760, 0.012, false},
		{mi.Direct, 2.27, 0.757, 0.05, false},
		{mi.Block, 2.38, 0.751, 0.02, false},
		{mi.VCLUB, 3.26, 0.711, 0.02, true},
		{mi.Auxiliary, 1.55, 0.744, 0.025, false},
	}
	for _, ratio := range []int{2, 3, 4} {
		for _, k := range kinds {
			s := result.Series{Series: mi.Series{Estimator: k.e, Ratio: ratio, Clusters: 26}}
			shift := []float64{0, 0, 1, 0.86, 0.77}[ratio]
			drift := 0.0
			for ell := 2; ratio*ell <= 8192; ell *= 2 {
				L := ratio * ell
				drift = 0.7*drift + 0.7*rng.NormFloat64()
				v := k.a * shift * math.Pow(float64(L), k.beta)
				se := k.noise * v * (1 + 3/math.Sqrt(float64(ell)))
				e := mi.Point{Ell: ell, Length: L, Value: info.Nats(v + se*drift), SE: info.Nats(se), Windows: 624,
					Interval: &info.Interval{Lo: v + se*(drift-2.2), Hi: v + se*(drift+2.4), Level: info.DefaultLevel}}
				s.Points = append(s.Points, e)
			}
			for i := range s.Points {
				row := make([]float64, len(s.Points))
				for j := range row {
					row[j] = float64(s.Points[i].SE*s.Points[j].SE) * math.Pow(0.7, math.Abs(float64(i-j)))
				}
				s.Cov = append(s.Cov, row)
			}
			s.Law = sampleLaw(s.Points, k.a*shift, k.beta, k.noise)
			if k.footnotes {
				s.Law.Verdict, s.Law.Power.Chi2, s.Law.Power.P = law.PowerLawRejected, 52.8, 0.002
				s.Law.Reason = "The residuals reject a single power law (p = 0.002)."
				s.Law.Warnings = []info.Warning{{Code: "misfit", Text: "the residuals reject a single power law (p = 0.002)", Fix: "see the local exponents in report.html, or fit a range with --range 32:8192"}}
			}
			r.Series = append(r.Series, s)
		}
	}
	for k := 1; k < 16; k++ {
		ell := 8192 * k / 16
		x := float64(k) / 16
		v := 2.3 / (2 - math.Exp2(0.76)) * math.Pow(8192, 0.76) * (math.Pow(x, 0.76) + math.Pow(1-x, 0.76) - 1) * 0.4
		r.Triangle = append(r.Triangle, mi.Point{Ell: ell, Length: 8192, Value: info.Nats(v), SE: info.Nats(0.02 * v), Windows: 624})
	}
	for from := 1; from <= 8192; from *= 2 {
		to := min(2*from-1, 8192)
		mid := math.Sqrt(float64(from * to))
		r.Loss.Positions = append(r.Loss.Positions, result.PositionLoss{From: from, To: to, Mean: 1.18 + 1.9*math.Pow(mid, -0.27), SE: 0.05 / math.Pow(mid, 0.2)})
	}
	r.Peak = &mi.Peak{Ell: 4096, Length: 8192, Value: r.Triangle[7].Value, From: 3584, To: 4608}
	r.TwoPoint = sampleTwoPoint(rng)
	r.Warnings = []info.Warning{{Code: "few-documents", Text: "intervals over 26 documents are a little too narrow", Fix: "measure 40 documents or more"}}
	return r
}

// sampleLaw is an analysis of points around a·L^beta.
func sampleLaw(points []mi.Point, a, beta, noise float64) *law.Analysis {
	se := noise * 0.9
	out := &law.Analysis{Verdict: law.PowerLawHolds, Reason: "A power law fits (residuals p = 0.31) and no rival is better."}
	out.Law = &law.PowerLaw{A: a, Beta: beta, Unit: "byte", CovLogABeta: [2][2]float64{{16 * noise * noise, -3.4 * noise * se}, {-3.4 * noise * se, se * se}}}
	out.Power = &law.Fit{Family: law.Power, Chi2: 11.6, DoF: len(points) - 2, P: 0.31, AICc: -12.4, Weight: 0.913, Params: []law.Param{
		{Name: "A", Estimate: info.Estimate{Value: a, SE: a * noise * 4, Interval: &info.Interval{Lo: a * (1 - 8*noise), Hi: a * (1 + 8*noise), Level: 0.95, Method: "bootstrap", Draws: 4000}}},
		{Name: "beta", Estimate: info.Estimate{Value: beta, SE: se, Interval: &info.Interval{Lo: beta - 1.9*se, Hi: beta + 2.1*se, Level: 0.95, Method: "bootstrap", Draws: 4000}}},
	}}
	out.Rivals = []law.Fit{
		{Family: law.OffsetPower, Chi2: 11.1, DoF: len(points) - 3, P: 0.27, AICc: -7.8, Weight: 0.087, Params: []law.Param{{Name: "A", Estimate: info.Estimate{Value: a * 0.97, SE: 0.2}}, {Name: "beta", Estimate: info.Estimate{Value: beta + 0.004, SE: 0.02}}, {Name: "c", Estimate: info.Estimate{Value: 0.3, SE: 0.4}}}},
		{Family: law.Saturation, Chi2: 31, DoF: len(points) - 3, P: 0.0004, AICc: 9.1, Weight: 0.00004, Params: []law.Param{{Name: "a", Estimate: info.Estimate{Value: 4000, SE: 600}}, {Name: "L0", Estimate: info.Estimate{Value: 1900, SE: 500}}, {Name: "gamma", Estimate: info.Estimate{Value: 0.4, SE: 0.1}}}},
		{Family: law.Logarithm, Chi2: 901, DoF: len(points) - 2, P: 0, AICc: 880, Weight: 0, Params: []law.Param{{Name: "a", Estimate: info.Estimate{Value: -310, SE: 20}}, {Name: "b", Estimate: info.Estimate{Value: 150, SE: 6}}}},
		{Family: law.Volume, Chi2: 2405, DoF: len(points) - 1, P: 0, AICc: 2390, Weight: 0, Params: []law.Param{{Name: "a", Estimate: info.Estimate{Value: 0.31, SE: 0.01}}}},
	}
	for i, p := range points {
		out.Used = append(out.Used, i > 0)
		if i > 0 {
			q := points[i-1]
			e := math.Log(float64(p.Value)/float64(q.Value)) / math.Log(float64(p.Length)/float64(q.Length))
			se := math.Hypot(float64(p.SE/p.Value), float64(q.SE/q.Value)) / math.Ln2 * 0.55
			out.Local = append(out.Local, law.Local{From: float64(q.Length), To: float64(p.Length), Exponent: e, SE: se})
		}
	}
	return out
}

// sampleTwoPoint decays as 1.1·d^−0.91 (the law that the L²M paper publishes)
// down to a noise floor.
func sampleTwoPoint(rng *rand.Rand) *result.TwoPoint {
	t := &result.TwoPoint{Estimator: "grassberger", Tokens: 82_113_408, Documents: 50, Blocks: 16, Law: &decay.Law{A: 1.1, Alpha: 0.91, Chi2: 9.8, DoF: 9,
		AInterval: &info.Interval{Lo: 1.02, Hi: 1.19, Level: 0.95, Method: "bootstrap", Draws: 4000}, AlphaInterval: &info.Interval{Lo: 0.88, Hi: 0.94, Level: 0.95, Method: "bootstrap", Draws: 4000}}}
	for d := 1; d <= 16384; d *= 2 {
		floor := 0.00052 * (1 + 0.02*rng.NormFloat64())
		truth := 1.1 * math.Pow(float64(d), -0.91)
		p := result.TwoPointPoint{Distance: d, Pairs: 82_113_408 - int64(50*d), SE: 0.00008 + info.Nats(0.04*truth), Floor: info.Nats(floor)}
		p.Value = info.Nats(truth) + p.SE*info.Nats(0.6*rng.NormFloat64())
		p.Limit = info.Nats(1.3 * floor)
		if p.Value < p.Limit {
			p.LeftOut = decay.BelowFloor
		}
		if d == 16384 {
			p.Value = -0.00003
		}
		p.Covariance = &mi.LagCovariance{Norm: 0.04*math.Pow(float64(d), -0.45) + 0.0003, SE: 0.0001, Floor: 0.0006}
		t.Points = append(t.Points, p)
		t.Law.Used = append(t.Law.Used, p.LeftOut == "")
	}
	t.CovarianceLaw = &decay.Law{A: 0.04, Alpha: 0.45, Floor: 0.0003, DoF: 9, Used: t.Law.Used,
		AlphaInterval: &info.Interval{Lo: 0.41, Hi: 0.49, Level: 0.95, Method: "curvature"}}
	return t
}
