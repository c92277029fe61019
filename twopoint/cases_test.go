package twopoint

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

// Sequences that once were counted with what is around them, with the information of
// neighbors that is right for them (README.md there; independent bits have none).
func TestCases(t *testing.T) {
	root := "../../shared/cases"
	if _, err := os.Stat(root); err != nil {
		t.Skip("no cases beside the checkout")
	}
	for _, c := range []struct {
		path string
		nats float64
	}{
		{"fasta/chrom.fas", 0.446}, // as the reads, which are of the same source
		{"fasta/fastq-realistic-quality.fastq", 0.446},
		{"fasta/multi-fasta-reads-150bp.fa", 0.446},
		{"num/iid-binary", 0},
	} {
		r, err := Run(t.Context(), Options{Paths: []string{filepath.Join(root, c.path)}, Out: t.TempDir()})
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		// Of independent bits the error is too small to be known well.
		p := r.TwoPoint.Points[0]
		if got, se := float64(p.Value), float64(p.SE); p.Distance != 1 || math.Abs(got-c.nats) > 3*max(se, 5e-4) {
			t.Errorf("%s: I(%d) = %.4f ± %.4f nats, want %.3f", c.path, p.Distance, got, se, c.nats)
		}
	}
}
