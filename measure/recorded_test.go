package measure

import (
	"archive/zip"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/npy"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/score"
)

// arrays are the scores of a run as arrays, and which windows were contexts.
func arraysOf(t *testing.T, dir string, partners [][]int) map[string][]byte {
	t.Helper()
	store, err := score.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	plan := store.Key().Plan
	values := map[string][]float32{}
	err = store.Source().Each(func(w mi.Window) error {
		values["logprobs"] = append(values["logprobs"], w.Joint...)
		for _, ell := range plan.Splits {
			name := fmt.Sprint("marginal_", ell)
			values[name] = append(values[name], w.Marginal[ell]...)
			for _, x := range w.Cross[ell] {
				name := fmt.Sprint("cross_", ell)
				values[name] = append(values[name], x...)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	n := store.Key().Count
	out := map[string][]byte{}
	for name, x := range values {
		shape := []int{n, len(x) / n}
		if name[0] == 'c' {
			shape = []int{n, plan.Cross, len(x) / n / plan.Cross}
		}
		b := npy.Header{Kind: "<f4", Shape: shape}.Bytes()
		for _, v := range x {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		out[name] = b
	}
	b := npy.Header{Kind: "<i8", Shape: []int{n, plan.Cross}}.Bytes()
	for _, row := range partners {
		for _, p := range row {
			b = binary.LittleEndian.AppendUint64(b, uint64(p))
		}
	}
	out["partners"] = b
	return out
}

func writeNPZ(t *testing.T, path string, arrays map[string][]byte) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for name, content := range arrays {
		w, err := z.Create(name + ".npy")
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

// The scores of a run, handed over as arrays, give the same estimates, intervals and
// laws as the run itself.
func TestRecordedEqualsRun(t *testing.T) {
	two := 2
	o := small(t)
	o.Process, o.Length, o.MaxWindows, o.Cross = "powergauss:beta=0.6", 64, 40, &two
	want, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sampleProcess(context.Background(), powergauss(t), o.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "scores.npz")
	writeNPZ(t, file, arraysOf(t, o.Out, s.partners))
	again := small(t)
	again.Length, again.MaxWindows, again.LogProbs, again.Density = 0, 0, file, true
	got, err := Run(context.Background(), again)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Series) != len(want.Series) {
		t.Fatalf("%d series, want %d", len(got.Series), len(want.Series))
	}
	for i, w := range want.Series {
		g := got.Series[i]
		if (w.Law == nil) != w.AtCeiling() {
			t.Errorf("%s, ratio %d: at its ceiling: %v, with a law: %v", w.Estimator, w.Ratio, w.AtCeiling(), w.Law != nil)
		}
		if w.Law != nil && g.Law != nil {
			w.Law.Law, g.Law.Law = nil, nil // they name their source
		}
		if !reflect.DeepEqual(g, w) {
			t.Errorf("%s, ratio %d:\n%v\nwant\n%v", w.Estimator, w.Ratio, g, w)
		}
	}
	if !reflect.DeepEqual(got.Loss, want.Loss) {
		t.Errorf("loss %v, want %v", got.Loss, want.Loss)
	}
}

// The joint pass alone gives the block estimate, and says what is missing.
func TestRecordedJointOnly(t *testing.T) {
	o := small(t)
	o.Process, o.Length, o.MaxWindows = "powergauss:beta=0.6", 64, 40
	want, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "scores.npy")
	if err := os.WriteFile(file, arraysOf(t, o.Out, nil)["logprobs"], 0o644); err != nil {
		t.Fatal(err)
	}
	again := small(t)
	again.Length, again.MaxWindows, again.LogProbs, again.Density = 0, 0, file, true
	got, err := Run(context.Background(), again)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Series) == 0 || got.Series[0].Estimator != mi.Block {
		t.Fatalf("the headline is of %v", got.Series)
	}
	for _, w := range want.Series {
		if w.Estimator == mi.Block && w.Ratio == 2 && !reflect.DeepEqual(got.Series[0].Points, w.Points) {
			t.Errorf("%v\nwant %v", got.Series[0].Points, w.Points)
		}
	}
	for _, code := range []string{"joint-only", "text-unknown"} {
		if !hasWarning(got.Warnings, code) {
			t.Errorf("no warning %s among %v", code, got.Warnings)
		}
	}
}

func hasWarning(list []info.Warning, code string) bool {
	return slices.ContainsFunc(list, func(w info.Warning) bool { return w.Code == code })
}

func powergauss(t *testing.T) process.Process[float64] {
	t.Helper()
	p, err := process.Parse("powergauss:beta=0.6")
	if err != nil {
		t.Fatal(err)
	}
	return p.(process.Process[float64])
}
