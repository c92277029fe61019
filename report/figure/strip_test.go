package figure

import "testing"

// An estimate that has no logarithm is drawn, hollow, in the strip at the
// bottom.
func TestNonPositiveEstimatesAreDrawn(t *testing.T) {
	points := []Point{{X: 2, Y: -0.5}, {X: 4}, {X: 8, Y: 1}, {X: 16, Y: 2}}
	fig := &Figure{X: Axis{Scale: Log2}, Y: Axis{Scale: Log10}, Curves: []Curve{{Marker: Dot, Points: points}}}
	s := fig.layout(wideFrame)
	drawn, inStrip := 0, 0
	strip := s.plot.bottom - wideFrame.font*stripHeight
	for _, it := range s.items {
		if it.kind != symbol {
			continue
		}
		drawn++
		if p := it.points[0]; p.y > strip && p.y < s.plot.bottom {
			inStrip++
			if !it.open {
				t.Error("a value that is not positive is drawn as if it were")
			}
		}
	}
	if drawn != len(points) || inStrip != 2 {
		t.Errorf("%d of %d points drawn, %d in the strip, want 2", drawn, len(points), inStrip)
	}
}
