package check

import (
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/info"
)

const (
	// nearOne is the smallest local exponent that may mean growth in proportion to
	// length, and surelyNearOne the smallest of a power law over all lengths: real texts
	// may have 0.9.
	nearOne       = 0.85
	surelyNearOne = 0.9
	// risen is how many standard errors an exponent must be above that of shorter
	// lengths, any of several ranges of them.
	risen = 3
)

// learningCurve recognises a model that learns the language inside the window ★: its
// loss falls like h − b·ln t at position t, so I(L/2; L)/L stays constant and the
// exponent is near 1 at the longest lengths. It fires if the model is not exact and
//
//  1. the exponent over the last two octaves is at least nearOne and its interval
//     reaches 1,
//  2. it is above that over shorter lengths; or no range of lengths has one that is
//     surely below 1, nor does a power law hold at all lengths whose exponent may be as
//     small as surelyNearOne: a law of the text with an exponent of 0.9 has it at all
//     lengths, and
//  3. the loss still falls over the last octave.
func (d Data) learningCurve() *Finding {
	s := d.Series[0]
	n := len(s.Points)
	if d.Exact || n < 4 || s.Cov == nil || s.Clusters < 5 {
		return nil
	}
	exponent, se := d.exponent(n-3, n-1)
	if !(exponent >= nearOne && exponent+info.Z95*se >= 1) || !d.rises() {
		return nil
	}
	fall, off := d.lastFall()
	if !(fall > info.Z95*off) {
		return nil
	}
	f := &Finding{
		Code: LearningCurve, Severity: Withdraws,
		Sentence: "This is the model's learning curve, not the text's law: the model still learns the language inside the window",
		Detail: fmt.Sprintf("from L = %d to %d the exponent is %.2f ± %.2f, and the loss still falls over the last octave, by %.1f standard errors; a loss that falls like the logarithm of the position gives an exponent of 1 on any text",
			s.Points[n-3].Length, s.Points[n-1].Length, exponent, se, fall/off),
		Fix: "measure with a model that knows the language",
	}
	if d.Better != "" {
		f.Fix = ""
		f.Sentence += "; " + d.Better + " would do better"
	}
	return f
}

// exponent is that between two points of the headline.
func (d Data) exponent(i, j int) (value, se float64) {
	p := d.Series[0].Points
	octaves := math.Log(float64(p[j].Length) / float64(p[i].Length))
	return d.logs([]int{i, j}, []float64{-1 / octaves, 1 / octaves})
}

// logs is a sum of logarithms of estimates with weights, by the delta method; NaN if
// one of them is not two standard errors above zero.
func (d Data) logs(points []int, weights []float64) (value, se float64) {
	s := d.Series[0]
	variance := 0.0
	for a, i := range points {
		y := float64(s.Points[i].Value)
		if y <= 2*float64(s.Points[i].SE) {
			return math.NaN(), math.NaN()
		}
		value += weights[a] * math.Log(y)
		for b, j := range points {
			variance += weights[a] * weights[b] * s.Cov[i][j] / y / float64(s.Points[j].Value)
		}
	}
	return value, math.Sqrt(max(0, variance))
}

// rises reports whether information grows in proportion to length at the longest
// lengths and not at shorter ones, or at all of them.
func (d Data) rises() bool {
	p := d.Series[0].Points
	last := len(p) - 1
	octaves := func(i, j int) float64 { return math.Log(float64(p[j].Length) / float64(p[i].Length)) }
	late, below, known := octaves(last-2, last), false, false
	for i := range last - 2 {
		early := octaves(i, last-2)
		if rise, se := d.logs([]int{i, last - 2, last}, []float64{1 / early, -1/early - 1/late, 1 / late}); i < last-3 && rise > risen*se {
			return true
		}
		exponent, se := d.exponent(i, last)
		below, known = below || exponent+info.Z95*se < 1, known || !math.IsNaN(exponent)
	}
	if d.Beta != nil {
		return d.Beta.Lo >= surelyNearOne && d.Beta.Hi >= 1
	}
	return known && !below
}

// lastFall is the fall of the loss per token from the next-to-last octave of positions
// to the last, and its standard error.
func (d Data) lastFall() (fall, se float64) {
	if len(d.LossSums) < 2 {
		return 0, 0
	}
	n := len(d.LossSums[0]) - 1 // the last column is the whole window
	if n < 8 {
		return 0, 0
	}
	// Bins are half octaves.
	return combine(len(d.LossSums), func(c int) (float64, float64) {
		k := d.LossCounts[c]
		mean := func(i int) float64 { return (d.LossSums[c][i] + d.LossSums[c][i+1]) / (k[i] + k[i+1]) }
		w := k[n-1] + k[n-2]
		return (mean(n-4) - mean(n-2)) * w, w
	})
}
