package study

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lab/train"
	"github.com/l2m-lab/l2m/measure"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/result"
)

// Measure asks for l2m measure of every trained model, on the process or the text that
// it was trained on.
type Measure struct {
	Windows int `json:"windows"`
	Draws   int `json:"draws"` // bootstrap replicates
}

// run measures the model of a run directory, in the run directory out. The seed of the
// windows of a process is not that of the training; that of a text is, since it says
// which documents the model was not trained on.
func (m Measure) run(ctx context.Context, c Cell, paths []string, length int, model, out string, workers int, progress info.ProgressFunc) (*result.StudyMeasured, error) {
	o := measure.Options{Model: model, Length: length, MaxWindows: m.Windows, Draws: m.Draws, Out: out, Workers: workers, Progress: progress}
	if c.Recipe.Data == train.Bytes {
		o.Paths, o.Seed, o.TwoPointBytes = paths, c.Recipe.Seed, -1
	} else {
		o.Process, o.Seed = c.Recipe.Data, c.Recipe.Seed+1_000_000
	}
	r, err := measure.Run(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("measuring: %w", err)
	}
	if len(r.Series) == 0 {
		return nil, errors.New("measuring: there is no estimate")
	}
	series := r.Series[0]
	first, last := series.Points[0], series.Points[len(series.Points)-1]
	found := &result.StudyMeasured{Estimator: string(series.Estimator), Length: last.Length, Nats: float64(last.Value)}
	if series.Law != nil {
		found.Verdict = string(series.Law.Verdict)
		if series.Law.Power != nil {
			beta, _ := series.Law.Power.Param("beta")
			found.Exponent, found.Interval = &beta.Value, beta.Interval
		}
	}
	if r.Bracket != nil {
		found.Lower = float64(r.Bracket.Lower.Limit)
		if r.Bracket.Upper != nil {
			upper := float64(r.Bracket.Upper.Limit)
			found.Upper = &upper
		}
	}
	for _, f := range r.Findings {
		found.Findings = append(found.Findings, string(f.Code))
	}
	if o.Process == "" {
		return found, nil
	}
	desc, err := process.Parse(o.Process)
	if err != nil {
		return nil, err
	}
	from, err := desc.BipartiteMI(first.Ell, first.Length)
	if err != nil {
		return nil, err
	}
	to, err := desc.BipartiteMI(last.Ell, last.Length)
	if err != nil {
		return nil, err
	}
	found.Exact, found.ExactExponent = float64(to), math.Log(float64(to/from))/math.Log(float64(last.Length)/float64(first.Length))
	return found, nil
}
