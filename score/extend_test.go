package score

import (
	"errors"
	"math"
	"testing"

	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/token"
)

// extendIn opens a run directory for windows that may be more than it has.
func extendIn(dir string, m *historyModel, plan Plan, windows []Window[token.ID], partners [][]int) (*Store, error) {
	run, err := rundir.Open(dir, rundir.Measure, rundir.Options{Command: "l2m measure"})
	if err != nil {
		return nil, err
	}
	s, err := Extend(run, keyOf(m, plan, windows, partners), windows, partners)
	if err != nil {
		run.Close()
	}
	return s, err
}

// A run that goes on with more windows, again and again, and after errors of the
// model, holds the scores of a run that had them all from the start. It asks for no
// window twice, but for those that are cross contexts of windows that came later.
func TestExtend(t *testing.T) {
	for _, cross := range []int{0, 1, 3} {
		plan, windows, _ := example(t, 5, 40, 32, cross, true)
		partners := chain(len(windows), cross)
		dir := t.TempDir()
		asked := int64(0)
		for _, n := range []int{8, 9, 20, 20, 40} {
			for failAt := int64(2); ; failAt = math.MaxInt64 {
				m := newModel()
				m.fail, m.failAt = errors.New("boom"), failAt
				s, err := extendIn(dir, m, plan, windows[:n], partners[:n])
				if err != nil {
					t.Fatal(err)
				}
				err = Run(t.Context(), m, windows[:n], partners[:n], plan, s, RunOptions{Workers: 1})
				asked += m.asked.Load()
				s.run.Close()
				if err == nil {
					if !s.Complete() || s.Done() != n {
						t.Fatalf("%d of %d windows are scored, complete: %t", s.Done(), n, s.Complete())
					}
					break
				}
				if s.Complete() {
					t.Fatalf("complete after %v", err)
				}
			}
			s, err := Read(dir)
			if err != nil {
				t.Fatal(err)
			}
			mustEqual(t, content(t, s.Source()), reference(plan, windows[:n], partners[:n]))
		}
		// Three times the run was extended, each time by windows whose contexts are among the
		// last 2·cross of those before.
		if most := plan.Tokens(40 + 3*2*cross); asked < plan.Tokens(40) || asked > most {
			t.Errorf("cross %d: %d log-probabilities asked for; a single run asks for %d", cross, asked, plan.Tokens(40))
		}
	}
}

// chain makes the windows before a window its partners; those of the first few are the
// others of them. Neighbours of example are in the same cluster, so steps are of two.
func chain(n, k int) [][]int {
	partners := make([][]int, n)
	for i := range partners {
		for j := range k {
			p := i - 2*(j+1)
			if p < 0 {
				p += 2 * (k + 1)
			}
			partners[i] = append(partners[i], p)
		}
	}
	return partners
}

// A run is not extended where its windows, or their partners, are not the first of
// those given, or where something else differs.
func TestExtendRefusesOthers(t *testing.T) {
	plan, windows, _ := example(t, 6, 12, 16, 1, true)
	partners, m, dir := chain(len(windows), 1), newModel(), t.TempDir()
	s, err := extendIn(dir, m, plan, windows[:6], partners[:6])
	if err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), m, windows[:6], partners[:6], plan, s, RunOptions{}); err != nil {
		t.Fatal(err)
	}
	s.run.Close()
	other := newModel()
	other.info.Fingerprint = "other"
	swapped := append([]Window[token.ID]{windows[4]}, windows[1:]...)
	elsewhere := append([][]int{{4}}, partners[1:]...)
	for name, open := range map[string]func() (*Store, error){
		"fewer windows":  func() (*Store, error) { return extendIn(dir, m, plan, windows[:4], partners[:4]) },
		"other windows":  func() (*Store, error) { return extendIn(dir, m, plan, swapped, partners) },
		"other partners": func() (*Store, error) { return extendIn(dir, m, plan, windows, elsewhere) },
		"another model":  func() (*Store, error) { return extendIn(dir, other, plan, windows, partners) },
	} {
		var mismatch *MismatchError
		if _, err := open(); !errors.As(err, &mismatch) {
			t.Errorf("%s: %v, want a mismatch", name, err)
		}
	}
	if s, err := Read(dir); err != nil || !s.Complete() || len(s.Key().Earlier) > 0 {
		t.Errorf("what was refused changed the run: %v", err)
	}
}
