package report

import (
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/report/prose"
	"github.com/l2m-lab/l2m/result"
)

// The page of a training says how fast it was, if that is known.
func TestLabPageSaysHowFast(t *testing.T) {
	l := &result.Lab{Schema: result.LabSchema, Name: "small", Data: "bytes", Parameters: 10, Steps: 5, Tokens: 30_000, Seconds: 12.5}
	page := func() string {
		var b strings.Builder
		if err := LabHTML(&b, l); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if p := page(); !strings.Contains(p, prose.Count(2400)+" tokens a second") || !strings.Contains(p, "12.5</") {
		t.Error("the speed is not on the page")
	}
	if l.Seconds = 0; strings.Contains(page(), "tokens a second") {
		t.Error("a speed is on the page of a training whose time is not known")
	}
}
