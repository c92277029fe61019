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
	"github.com/l2m-lab/l2m/report/prose"
)

// lineEvery is how often progress is printed without a terminal.
const lineEvery = time.Minute

// progressBars draws one bar per stage on a terminal. Otherwise, as in the log of a
// batch job, it prints a line per minute.
type progressBars struct {
	mu    sync.Mutex
	pool  *mpb.Progress // nil if there is no terminal
	lines io.Writer     // for when there is no terminal
	now   func() time.Time
	said  time.Time // time of the last line
	stage string
	bar   *mpb.Bar
	start time.Time
	last  info.Progress
}

// newProgress returns bars that draw on w, or print lines if it is not a terminal; if
// quiet it returns nil, whose methods do nothing.
func newProgress(w io.Writer, quiet bool) *progressBars {
	if quiet {
		return nil
	}
	p := &progressBars{lines: w, now: time.Now}
	if clean, ok := w.(screen.Writer); ok {
		w = clean.W // bars are drawn with control characters
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.pool = mpb.New(mpb.WithOutput(w), mpb.WithWidth(40), mpb.WithRefreshRate(200*time.Millisecond))
	}
	return p
}

// report is an info.ProgressFunc.
func (p *progressBars) report(e info.Progress) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pool == nil {
		p.line(e)
		return
	}
	if e.Stage != p.stage {
		p.finish()
		p.stage, p.start = e.Stage, p.now()
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

// line prints the progress of a stage, its speed, and the time left, at intervals.
func (p *progressBars) line(e info.Progress) {
	now := p.now()
	if e.Stage != p.stage {
		p.stage, p.start, p.said = e.Stage, now, now
	}
	p.last = e
	fresh := e.Done - e.Resumed
	if now.Sub(p.said) < lineEvery || fresh <= 0 || e.Total > 0 && e.Done >= e.Total {
		return
	}
	p.said = now
	unit := e.Unit
	if unit == "B" {
		unit = "bytes"
	}
	s := e.Stage + ": "
	if e.Total > 0 {
		s += fmt.Sprintf("%d %% of %s %s", 100*e.Done/e.Total, prose.Count(e.Total), unit)
	} else {
		s += prose.Count(e.Done) + " " + unit
	}
	s += fmt.Sprintf(", %s a second", prose.Count(int64(float64(fresh)/now.Sub(p.start).Seconds())))
	if rest, known := p.rest(); known {
		s += ", about " + rest.String() + " left"
	}
	fmt.Fprintln(p.lines, screen.Printable(s))
}

// say prints a line, above the bars if there are any.
func say(w io.Writer, p *progressBars, quiet bool, line string) {
	if quiet {
		return
	}
	if p != nil && p.pool != nil {
		w = screen.Writer{W: p.pool}
	}
	fmt.Fprintln(w, line)
}

// left is the time left of a stage.
func (p *progressBars) left(stage string) string {
	// Called by the drawing goroutine: reads a snapshot, never blocks a report.
	if !p.mu.TryLock() {
		return ""
	}
	defer p.mu.Unlock()
	rest, known := p.rest()
	if p.last.Stage != stage || !known {
		return ""
	}
	return " about " + rest.String() + " left"
}

// rest estimates the time left from the speed of this session, without the work of
// earlier sessions.
func (p *progressBars) rest() (_ time.Duration, known bool) {
	e, elapsed := p.last, p.now().Sub(p.start)
	fresh := e.Done - e.Resumed
	if e.Total == 0 || fresh <= 0 || elapsed < 2*time.Second || e.Done >= e.Total {
		return 0, false
	}
	return time.Duration(float64(elapsed) * float64(e.Total-e.Done) / float64(fresh)).Round(time.Second), true
}

func (p *progressBars) finish() {
	if p.bar != nil {
		p.bar.SetTotal(-1, true)
	}
}

// done clears the bars before results are printed.
func (p *progressBars) done() {
	if p == nil || p.pool == nil {
		return
	}
	p.mu.Lock()
	if p.bar != nil && p.last.Done < p.last.Total {
		p.bar.Abort(false) // interrupted: it stays as it is
	} else {
		p.finish()
	}
	p.mu.Unlock()
	p.pool.Wait()
}
