package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/screen"
)

// progressBars draws one bar per stage on a terminal and nothing elsewhere.
type progressBars struct {
	mu    sync.Mutex
	pool  *mpb.Progress
	stage string
	bar   *mpb.Bar
	start time.Time
	last  info.Progress
}

// newProgress returns bars that draw on w when it is a terminal, and nil, on
// which every method is a no-op, when it is not.
func newProgress(w io.Writer, quiet bool) *progressBars {
	if clean, ok := w.(screen.Writer); ok {
		w = clean.W // bars are drawn with control characters
	}
	f, ok := w.(*os.File)
	if quiet || !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &progressBars{pool: mpb.New(mpb.WithOutput(w), mpb.WithWidth(40), mpb.WithRefreshRate(200*time.Millisecond))}
}

// report is an info.ProgressFunc.
func (p *progressBars) report(e info.Progress) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Stage != p.stage {
		p.finish()
		p.stage, p.start = e.Stage, time.Now()
		p.bar = p.pool.AddBar(e.Total,
			mpb.PrependDecorators(decor.Name(screen.Printable(e.Stage), decor.WC{W: 10, C: decor.DindentRight}), decor.Percentage(decor.WCSyncSpace)),
			mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string {
				if s.Completed {
					return ""
				}
				return p.left(e.Stage)
			})))
	}
	p.last = e
	if e.Total > 0 {
		p.bar.SetTotal(e.Total, false)
	}
	p.bar.SetCurrent(e.Done)
}

// say prints a line above the bars, or where there are none.
func say(w io.Writer, p *progressBars, quiet bool, line string) {
	if quiet {
		return
	}
	if p != nil {
		w = screen.Writer{W: p.pool}
	}
	fmt.Fprintln(w, line)
}

// left states the time left of a stage from this session's own speed; work that an
// earlier run had done counts for nothing in it.
func (p *progressBars) left(stage string) string {
	// Called by the drawing goroutine: reads a snapshot, never blocks a report.
	if !p.mu.TryLock() {
		return ""
	}
	defer p.mu.Unlock()
	e, elapsed := p.last, time.Since(p.start)
	fresh := e.Done - e.Resumed
	if e.Stage != stage || e.Total == 0 || fresh <= 0 || elapsed < 2*time.Second || e.Done >= e.Total {
		return ""
	}
	rest := time.Duration(float64(elapsed) * float64(e.Total-e.Done) / float64(fresh))
	return " about " + rest.Round(time.Second).String() + " left"
}

func (p *progressBars) finish() {
	if p.bar != nil {
		p.bar.SetTotal(-1, true)
	}
}

// done clears the bars before results are printed.
func (p *progressBars) done() {
	if p == nil {
		return
	}
	p.mu.Lock()
	p.finish()
	p.mu.Unlock()
	p.pool.Wait()
}
