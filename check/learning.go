package check

import (
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/info"
)

// nearOne is the smallest local exponent that may mean growth in proportion to length.
const nearOne = 0.85

// learningCurve recognises a model that learns the language inside the window ★: its
// loss falls like h − b·ln t at position t, so I(L/2; L)/L stays constant and the
// exponent is near 1 at the longest lengths. It fires if the model is not exact and
//
//  1. the exponent over the last two octaves is at least nearOne and its interval
//     reaches 1, and
//  2. the loss still falls over the last octave.
func (d Data) learningCurve() *Finding {
	s := d.Series[0]
	n := len(s.Points)
	if d.Exact || n < 4 || s.Cov == nil || s.Clusters < 5 {
		return nil
	}
	a, b := s.Points[n-3], s.Points[n-1]
	y, z := float64(a.Value), float64(b.Value)
	if y <= 2*float64(a.SE) || z <= 2*float64(b.SE) {
		return nil
	}
	octaves := math.Log(float64(b.Length) / float64(a.Length))
	exponent := math.Log(z/y) / octaves
	se := math.Sqrt(max(0, s.Cov[n-1][n-1]/(z*z)+s.Cov[n-3][n-3]/(y*y)-2*s.Cov[n-1][n-3]/(y*z))) / octaves
	if exponent < nearOne || exponent+info.Z95*se < 1 {
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
			a.Length, b.Length, exponent, se, fall/off),
		Fix: "measure with a model that knows the language",
	}
	if d.Better != "" {
		f.Fix = d.better()
		f.Sentence += "; " + d.Better + " would do better"
	}
	return f
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
