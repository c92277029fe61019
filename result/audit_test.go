package result_test

import (
	"math"
	"testing"

	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/result"
)

// TestNewQuestion: I(L) = 2·L^0.5 holds 64 nats at 1,024 tokens, 128 at 4,096
// and 200 at 10,000; at half a nat per element twice as many elements.
func TestNewQuestion(t *testing.T) {
	q := result.NewQuestion(law.PowerLaw{A: 2, Beta: 0.5, Unit: "token"}, 10_000, []float64{0.5}, 0.95)
	if math.Abs(q.PerTenfold-math.Sqrt(10)) > 1e-12 || len(q.Series) != 3 {
		t.Fatalf("%+v", q)
	}
	for i, want := range []struct {
		L        int64
		elements float64
	}{{1024, 128}, {4096, 256}, {10_000, 400}} {
		if s := q.Series[i]; s.Length != want.L || math.Abs(s.Elements[0]-want.elements) > 1e-9 || math.Abs(float64(s.Information)-want.elements/2) > 1e-9 {
			t.Errorf("%+v, want %+v", s, want)
		}
	}
	if q := result.NewQuestion(law.PowerLaw{A: 2, Beta: 0.5, Unit: "token"}, 1, []float64{1}, 0.95); len(q.Series) != 1 {
		t.Errorf("%+v", q)
	}
	if q := result.NewQuestion(law.PowerLaw{A: 2, Beta: 0.5, Unit: "token"}, math.MaxInt64, []float64{1}, 0.95); len(q.Series) < 20 {
		t.Errorf("%d lengths up to the largest", len(q.Series))
	}
}
