package calibrate

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// RivalOptions say what CompareRivals runs. The zero value of a field asks for
// its default.
type RivalOptions struct {
	// Faces are files made of the document; nil: none.
	Faces func(r *result.Rivals, formats []string) []rundir.Face

	Samples     int // pairs (X, Y) per estimate; 0 means 500
	Repetitions int // estimates per point; 0 means 10
	Largest     int // window length of the largest task, tokens; 0 means 16,384
	Seed        uint64
	Out         string // directory for rivals.json, report.html and the figure
	Workers     int    // 0 means GOMAXPROCS; does not change the result
	Progress    info.ProgressFunc
}

// CompareRivals runs estimators that know nothing of the sequence (KSG, CCA,
// contrastive bounds with the exact critic, a universal code) beside paired with
// the exact model, on the hierarchical Gaussian from 0.3 to 10⁴ nats and on
// discrete processes.
func CompareRivals(ctx context.Context, o RivalOptions) (*result.Rivals, error) {
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
	run, err := rundir.Open(o.Out, rundir.Rivals, rundir.Options{Fresh: false, Command: "l2m calibrate --rivals"})
	if err != nil {
		return nil, fmt.Errorf("comparing estimators: %w", err)
	}
	defer run.Close()
	jobs, err := rivalJobs(o.Largest)
	if err != nil {
		return nil, err
	}
	out := &result.Rivals{Schema: result.RivalsSchema, Version: info.BuildVersion().Short(), Seed: o.Seed, Points: make([]result.RivalPoint, len(jobs))}
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
	return out, result.Store(run, out, rundir.Faces(o.Faces, out, nil))
}

func asIntervals(values []float64) []interval {
	out := make([]interval, len(values))
	for i, v := range values {
		out[i].Value = v
	}
	return out
}
