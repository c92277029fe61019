package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/vbauerster/mpb/v8"

	"github.com/l2m-lab/l2m/info"
)

// Where there is no terminal, a long stage says once a minute how far it is; a
// resumed run reckons with its own speed alone, and a short stage says nothing.
func TestProgressLines(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out, false)
	clock := time.Now()
	p.now = func() time.Time { return clock }
	at := func(seconds int, e info.Progress) {
		clock = clock.Add(time.Duration(seconds) * time.Second)
		p.report(e)
	}
	at(0, info.Progress{Stage: "reading", Unit: "B"})
	at(59, info.Progress{Stage: "reading", Done: 500, Unit: "B"})
	at(1, info.Progress{Stage: "scoring", Done: 400, Resumed: 400, Total: 1000, Unit: "tokens"})
	at(50, info.Progress{Stage: "scoring", Done: 450, Resumed: 400, Total: 1000, Unit: "tokens"})
	at(50, info.Progress{Stage: "scoring", Done: 600, Resumed: 400, Total: 1000, Unit: "tokens"}) // 200 in 100 s: 400 more take 200 s
	at(30, info.Progress{Stage: "scoring", Done: 700, Resumed: 400, Total: 1000, Unit: "tokens"})
	at(90, info.Progress{Stage: "scoring", Done: 1000, Resumed: 400, Total: 1000, Unit: "tokens"})
	p.done()
	const want = "scoring: 60 % of 1000 tokens, 2 a second, about 3m20s left\n"
	if out.String() != want {
		t.Errorf("printed\n%swant\n%s", out.String(), want)
	}
}

// An interrupted stage does not look finished.
func TestInterruptedBar(t *testing.T) {
	for done, want := range map[int64]string{40: "40 %", 100: "100 %"} {
		var out strings.Builder
		p := newProgress(&out, false)
		p.pool = mpb.New(mpb.WithOutput(&out), mpb.WithAutoRefresh(), mpb.WithWidth(40))
		p.report(info.Progress{Stage: "scoring", Done: done, Total: 100})
		p.done()
		if last := out.String()[strings.LastIndex(out.String(), "scoring"):]; !strings.Contains(last, want) {
			t.Errorf("at %d of 100 the last bar is %q", done, last)
		}
	}
}

// A run with a GGUF file proposes to audit that file; other models have none.
func TestWeights(t *testing.T) {
	for model, want := range map[string]string{"a/b.gguf": "a/b.gguf", "bytemix": "", "http://localhost:8000/v1": ""} {
		if got := weights(model); got != want {
			t.Errorf("%s: %q, want %q", model, got, want)
		}
	}
}
