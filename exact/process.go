package exact

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/result"
)

// SampleOptions say what Sample writes. The zero value of a field asks
// for its default.
type SampleOptions struct {
	Process  string // name of a process, see process.Parse
	Out      string // file; "-" is Stdout
	Stdout   io.Writer
	Format   process.SampleFormat // "" goes by the file name: .npy, .parquet, .jsonl, .txt; text for Stdout
	Length   int                  // tokens per sample; 0 means 1,024
	Count    int                  // samples; 0 means 1
	Seed     uint64
	Workers  int // 0 means GOMAXPROCS; does not change a byte
	Progress info.ProgressFunc
}

// Sample writes samples of a process to a file, whole or not at all. An existing file
// is replaced only if it starts with the same samples.
func Sample(ctx context.Context, o SampleOptions) error {
	p, err := process.Parse(o.Process)
	if err != nil {
		return err
	}
	if o.Length == 0 {
		o.Length = 1024
	}
	if o.Count == 0 {
		o.Count = 1
	}
	if o.Format == "" {
		if o.Format, err = formatOf(o.Out); err != nil {
			return err
		}
	}
	stage := o.Progress.Stage("sampling", "samples")
	options := process.SampleOptions{Format: o.Format, Length: o.Length, Count: o.Count, Seed: o.Seed, Workers: o.Workers}
	write := func(w io.Writer) error {
		told := options
		told.Progress = func(done int) { stage(int64(done), int64(o.Count), 0) }
		if err := process.WriteSamples(ctx, w, p, told); err != nil {
			return fmt.Errorf("sampling %s: %w", p.Describe().Spec, err)
		}
		return nil
	}
	if o.Out == "-" {
		return write(o.Stdout)
	}
	quiet := func(w io.Writer) error { return process.WriteSamples(ctx, w, p, options) }
	return atomicfile.WriteOutput(o.Out, 0o666, atomicfile.StartsAs(quiet), write)
}

// formatOf chooses the format by the extension of a file name.
func formatOf(path string) (process.SampleFormat, error) {
	if path == "-" {
		return process.Text, nil
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".npy":
		return process.NPY, nil
	case ".parquet":
		return process.Parquet, nil
	case ".jsonl":
		return process.JSONLines, nil
	case ".txt":
		return process.Text, nil
	}
	return "", fmt.Errorf("%s: the file name does not say the format (end it in .npy, .parquet, .jsonl or .txt)", path)
}

// TruthOptions say what Truth computes. The zero value of a field asks for its
// default.
type TruthOptions struct {
	Process   string
	Length    int // largest window length; 0 means 4,096
	Ratio     int // L/ell; 0 means 2
	Distances int // largest distance of two-point information; 0 means Length/2, negative leaves it out
	Frontier  int // window length of the state–information frontier; 0 leaves it out, or means 1,024 with Memories
	Cut       int // tokens of the past for the frontier and memories; 0 means half of Frontier
	Memories  []process.Memory
}

// Truth computes what is known exactly about a process at dyadic lengths.
func Truth(ctx context.Context, o TruthOptions) (*result.ProcessTruth, error) {
	p, err := process.Parse(o.Process)
	if err != nil {
		return nil, err
	}
	if o.Length == 0 {
		o.Length = 4096
	}
	if o.Ratio == 0 {
		o.Ratio = 2
	}
	if o.Distances == 0 {
		o.Distances = o.Length / 2
	}
	switch {
	case o.Length < 2 || o.Length > 1<<30:
		return nil, fmt.Errorf("length %d is not between 2 and 2^30", o.Length)
	case o.Ratio < 2:
		return nil, fmt.Errorf("ratio L/ℓ %d is below 2", o.Ratio)
	}
	t := &result.ProcessTruth{Process: p.Describe(), EntropyRate: p.EntropyRate(), Ratio: o.Ratio, Bipartite: []result.BipartiteTruth{}}
	var last result.BipartiteTruth
	for ell := 1; ell*o.Ratio <= o.Length; ell *= 2 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		mi, err := p.BipartiteMI(ell, ell*o.Ratio)
		if process.IsNotExact(err) {
			t.Notes = append(t.Notes, fmt.Sprintf("I(%d;%d): %v", ell, ell*o.Ratio, err))
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("I(%d;%d): %w", ell, ell*o.Ratio, err)
		}
		b := result.BipartiteTruth{Ell: ell, Length: ell * o.Ratio, Value: mi}
		if t.Process.HoldsAt(b.Length) {
			if last.Ell > 0 && last.Value > 0 && mi > 0 {
				b.Local = math.Log(float64(mi/last.Value)) / math.Log(float64(b.Ell)/float64(last.Ell))
			}
			last = b
		}
		t.Bipartite = append(t.Bipartite, b)
	}
	for d := 1; d <= o.Distances; d *= 2 {
		mi, ok := p.TwoPointMI(d)
		if !ok {
			t.Notes = append(t.Notes, fmt.Sprintf("two-point information from distance %d on: not known, or not the same everywhere", d))
			break
		}
		t.TwoPoint = append(t.TwoPoint, result.TwoPointTruth{Distance: d, Value: mi})
	}
	if e, ok := p.(*process.Echo); ok && o.Frontier == 0 && o.Cut == 0 {
		return t, addHeld(ctx, t, e, o)
	}
	if o.Frontier > 0 || len(o.Memories) > 0 {
		if err := addFrontier(ctx, t, p, o); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// addFrontier adds the frontier and what memories hold, at one cut.
func addFrontier(ctx context.Context, t *result.ProcessTruth, p process.Truth, o TruthOptions) error {
	g, ok := p.(process.Covarier)
	if !ok {
		return fmt.Errorf("the state–information frontier is known for Gaussian processes of numbers only, not for %s (of copies, take one: everything is times their number)", p.Describe().Spec)
	}
	L, ell := o.Frontier, o.Cut
	if L == 0 {
		L = 1024
	}
	if ell == 0 {
		ell = L / 2
	}
	if ell < 1 || ell >= L {
		return fmt.Errorf("cut %d is not inside a window of %d tokens", ell, L)
	}
	if len(o.Memories) == 0 {
		f, err := process.NewFrontier(g, ell, L)
		if err != nil {
			return fmt.Errorf("state–information frontier at L = %d: %w", L, err)
		}
		t.Frontier = frontierTruth(f)
		return nil
	}
	study, err := process.NewStudy(g, ell, L)
	if err != nil {
		return fmt.Errorf("memories at L = %d: %w", L, err)
	}
	t.Frontier = frontierTruth(study.Frontier())
	for _, m := range o.Memories {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows, err := study.Hold(m)
		if err != nil {
			return err
		}
		t.Memories = append(t.Memories, rows...)
	}
	return nil
}

// addHeld adds what memories hold of repetitions, at dyadic lengths.
func addHeld(ctx context.Context, t *result.ProcessTruth, p *process.Echo, o TruthOptions) error {
	for _, m := range o.Memories {
		for length := 16; length <= o.Length; length *= 2 {
			if err := ctx.Err(); err != nil {
				return err
			}
			h, err := p.Held(m, length)
			if err != nil {
				return err
			}
			t.Held = append(t.Held, h)
		}
	}
	return nil
}

func frontierTruth(f *process.Frontier) *result.FrontierTruth {
	t := &result.FrontierTruth{Frontier: *f, Information: f.Information(), Fractions: map[string]int{}}
	for k := 1; ; k *= 2 {
		k = min(k, len(f.Correlations))
		t.States = append(t.States, result.StateTruth{Dimensions: k, Captured: f.Captured(k)})
		if k == len(f.Correlations) {
			break
		}
	}
	for name, fraction := range map[string]float64{"50%": 0.5, "90%": 0.9, "99%": 0.99} {
		t.Fractions[name] = f.Dimensions(fraction)
	}
	var memories []info.Nats
	for m := info.Nats(0.125); m < 64*t.Information; m *= 2 {
		memories = append(memories, m)
	}
	t.Curve = f.Curve(memories)
	return t
}
