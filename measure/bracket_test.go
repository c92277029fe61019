package measure

import (
	"context"
	"fmt"
	"math"
	"os"
	"reflect"
	"testing"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/bytemix"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/token"
)

// smoothed is a model whose predictions are (1−share)·q + share/symbols.
type smoothed struct {
	lm.Model[token.ID]
	share, symbols float64
}

func (m smoothed) LogProbs(ctx context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	s, err := m.Model.LogProbs(ctx, r)
	if err != nil {
		return s, err
	}
	mix := func(values []float32) []float32 {
		out := make([]float32, len(values))
		for i, v := range values {
			out[i] = float32(math.Log((1-m.share)*math.Exp(float64(v)) + m.share/m.symbols))
		}
		return out
	}
	s.Tokens = mix(s.Tokens)
	for i, b := range s.Branches {
		s.Branches[i] = mix(b)
	}
	return s, nil
}

// bracketOf brackets the information of a process in one run of windows of length
// tokens, at the longest length, with a model of it.
func bracketOf(t *testing.T, p process.Process[token.ID], m lm.Model[token.ID], forgets bool, length, windows int, seed uint64) *mi.Bracket {
	t.Helper()
	ctx := context.Background()
	one := 1
	o := Options{Length: length, MaxWindows: windows, Seed: seed, Workers: 1, Cross: &one}
	s, err := sampleProcess(ctx, p, o)
	if err != nil {
		t.Fatal(err)
	}
	c := mi.Contrast{Ell: length / 2, Length: length}
	chosen, contexts := planContrast(s, seed)
	if contexts == 0 {
		t.Fatal("no contrast")
	}
	if err := addContexts(ctx, m, s, chosen, contexts, 1, &c); err != nil {
		t.Fatal(err)
	}
	// The loss of Y from a fresh start.
	n, sum, squares := 0.0, 0.0, 0.0
	for _, w := range s.windows[:min(windows, 40)] {
		a, err := m.LogProbs(ctx, lm.Request[token.ID]{Tokens: w.Tokens[length/2:]})
		if err != nil {
			t.Fatal(err)
		}
		loss := 0.0
		for _, v := range a.Tokens {
			loss -= float64(v)
		}
		n, sum, squares = n+1, sum+loss, squares+loss*loss
	}
	e := info.Estimate{Value: sum / n, SE: math.Sqrt(max(0, squares-sum*sum/n) / (n - 1) / n)}
	return mi.NewBracket(c, nil, []mi.End{mi.NewEnd("entropy", e, int(n), 1)}, forgets)
}

// TestBracket: the truth is in the bracket, of the exact model and of wrong ones, in
// 95 % of runs.
func TestBracket(t *testing.T) {
	const length, windows = 256, 200
	runs := 4
	if os.Getenv("L2M_LONG") != "" {
		runs = 100
	}
	learner, err := bytemix.New(bytemix.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range []string{"urn:symbols=4,concentration=1", "repeat:symbols=4,longest=16", "renewal:tail=1.5", "sticky:states=2,stay=0.95,clear=0.9"} {
		truth, err := process.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		p := truth.(process.Process[token.ID])
		exact, err := truth.BipartiteMI(length/2, length)
		if err != nil {
			t.Fatal(err)
		}
		forgets, err := lm.Restrict(p.Model(), 8, 1)
		if err != nil {
			t.Fatal(err)
		}
		symbols := float64(p.Describe().Alphabet)
		for _, m := range []struct {
			name    string
			model   lm.Model[token.ID]
			forgets bool
		}{
			{"exact", p.Model(), false},
			{"5 % noise", smoothed{p.Model(), 0.05, symbols}, false},
			{"30 % noise", smoothed{p.Model(), 0.3, symbols}, false},
			{"untrained predictor", learner, false},
			{"8 tokens of context", forgets, true},
		} {
			if os.Getenv("L2M_LONG") == "" && m.name == "untrained predictor" && spec[0] != 'u' {
				continue
			}
			below, above := 0, 0
			last := ""
			for seed := range runs {
				b := bracketOf(t, p, m.model, m.forgets, length, windows, uint64(seed+1))
				if b.Lower.Limit > exact {
					below++
				}
				if b.Upper != nil && b.Upper.Limit < exact {
					above++
				}
				up := mi.End{}
				if b.Upper != nil {
					up = *b.Upper
				}
				last = fmt.Sprintf("%.3g (%s, K = %d) … %.3g (%s)", float64(b.Lower.Limit), b.Lower.By, b.Lower.K, float64(up.Limit), up.By)
			}
			t.Logf("%-36s %-20s truth %.3g, e.g. %s; outside in %d + %d of %d", spec, m.name, float64(exact), last, below, above, runs)
			if most := max(1, runs/20); below > most || above > most {
				t.Errorf("%s with %s: the truth is below the bracket in %d runs of %d and above it in %d", spec, m.name, below, runs, above)
			}
		}
	}
}

// TestContrastFile: what is written is read back, and what is damaged is refused.
func TestContrastFile(t *testing.T) {
	run, err := rundir.Open(t.TempDir(), rundir.Measure, rundir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	c := mi.Contrast{LogProbs: [][]float64{{-1, math.Inf(-1), -2.5}, {-0.1, -3, -1e-17}}}
	if err := writeContrast(run, 9, []int{4, 7}, c); err != nil {
		t.Fatal(err)
	}
	path := run.Path(rundir.Contrast)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got mi.Contrast
	if known, err := readContrast(content, path, 9, &got); !known || err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("read %v, %v", got, err)
	}
	var none mi.Contrast
	if known, err := readContrast(content, path, 10, &none); known || err != nil || none.LogProbs != nil {
		t.Errorf("the contrast of a run of fewer windows is taken (%v)", err)
	}
	for _, damaged := range []string{"", "{}", `{"windows":[1],"log_probs":[[null,-1,-1]]}`, `{"windows":[1],"log_probs":[[-1]]}`, `{"windows":[1,2],"log_probs":[[-1,-2,-3]]}`} {
		if _, err := readContrast([]byte(damaged), path, 9, &got); err == nil {
			t.Errorf("%q was read", damaged)
		}
	}
}
