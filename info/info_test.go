package info

import (
	"encoding/json"
	"testing"
)

// TestScale: a negative factor turns the interval around and leaves the error
// positive.
func TestScale(t *testing.T) {
	e := Estimate{Value: 2, SE: 0.5, Interval: &Interval{Lo: 1, Hi: 4, Level: 0.95}}.Scale(-2)
	if lo, hi := e.Bounds(); e.Value != -4 || e.SE != 1 || lo != -8 || hi != -2 || e.Interval.Level != 0.95 {
		t.Errorf("%+v %+v", e, e.Interval)
	}
	if lo, hi := (Estimate{Value: 3}).Bounds(); lo != 3 || hi != 3 {
		t.Errorf("without an interval: %v … %v", lo, hi)
	}
}

func TestEstimateJSON(t *testing.T) {
	text, err := json.Marshal(Estimate{Value: 1})
	if want := `{"value":1}`; err != nil || string(text) != want {
		t.Errorf("%s, want %s: %v", text, want, err)
	}
}

// TestStageOfNil: a job reports progress without asking whether anybody listens.
func TestStageOfNil(t *testing.T) {
	ProgressFunc(nil).Stage("scoring", "tokens")(1, 2, 0)
	var got Progress
	ProgressFunc(func(p Progress) { got = p }).Stage("scoring", "tokens")(3, 4, 1)
	if want := (Progress{Stage: "scoring", Done: 3, Total: 4, Resumed: 1, Unit: "tokens"}); got != want {
		t.Errorf("%+v", got)
	}
}
