package score

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/l2m-lab/l2m/lm"
)

// RunOptions are options of Run that do not change its result.
type RunOptions struct {
	Workers    int            // requests in flight; 0 means GOMAXPROCS
	Progress   func(Progress) // called at the start and after every request, never concurrently
	FlushEvery time.Duration  // save at least this often; 0: at first every 2 s, in long runs up to every 60 s
	FlushBytes int            // save when this much is unsaved; 0 means 16 MiB
}

// Progress says how far a run is. Tokens are log-probabilities of the plan.
type Progress struct {
	Windows, WindowsTotal int           // requests answered, and in all
	Tokens, TokensTotal   int64         // log-probabilities received, and in all
	WindowsStored         int           // of Windows, those from earlier sessions
	TokensStored          int64         // of Tokens, those from earlier sessions
	Elapsed               time.Duration // of this session
}

// Run scores what the store does not have. windows and partners (partners[i][k] is the
// window whose first tokens are the k-th cross context of window i; unused when
// plan.Cross is 0) must be those of the store's key. The stored result does not depend
// on the number of workers, on their order, or on interruptions.
//
// After an error of the model or the end of ctx, finished requests are saved before Run
// returns an error that wraps the cause.
func Run[T any](ctx context.Context, model lm.Model[T], windows []Window[T], partners [][]int, plan Plan, store *Store, o RunOptions) error {
	jobs, todo, progress, err := prepare(model.Info(), windows, partners, plan, store)
	if err != nil {
		return fmt.Errorf("preparing to score: %w", err)
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	o.Progress(progress)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	answers := ask(ctx, cancel, model, jobs, todo, o.Workers)
	saver := newSaver(store, o)
	defer saver.ticker.Stop()
	start := time.Now()
	var failed error // of saving
	for open := true; open; {
		select {
		case a, ok := <-answers:
			if open = ok; !ok {
				break
			}
			if failed == nil {
				failed = saver.add(store.lacking(jobs.rows(a.job, a.scores)))
			}
			progress.Windows++
			progress.Tokens += jobs.tokens(a.job)
			progress.Elapsed = time.Since(start)
			o.Progress(progress)
		case <-saver.ticker.C:
			if failed == nil {
				failed = saver.tick()
			}
		}
		if failed != nil {
			cancel(failed)
		}
	}
	if failed == nil {
		failed = saver.flush()
	}
	if failed != nil {
		return fmt.Errorf("saving scores: %w", errors.Join(failed, notCaused(context.Cause(ctx), failed)))
	}
	if cause := context.Cause(ctx); cause != nil && progress.Windows < len(windows) {
		return fmt.Errorf("scoring stopped at %d of %d windows: %w", progress.Windows, len(windows), cause)
	}
	return nil
}

// notCaused returns nil if the cause of a cancellation is the failure itself.
func notCaused(cause, failed error) error {
	if errors.Is(cause, failed) {
		return nil
	}
	return cause
}

// prepare checks the arguments and lists the missing requests.
func prepare[T any](m lm.Info, windows []Window[T], partners [][]int, plan Plan, store *Store) (*jobs[T], []int, Progress, error) {
	var none Progress
	switch k := store.key; {
	case !plan.equal(k.Plan):
		return nil, nil, none, errors.New("the plan differs from that of the run")
	case len(windows) != k.Count:
		return nil, nil, none, fmt.Errorf("%d windows, but the run has %d", len(windows), k.Count)
	case m.Fingerprint != k.Model:
		return nil, nil, none, fmt.Errorf("the model's fingerprint is %s, but that of the run is %s", shorten(m.Fingerprint), shorten(k.Model))
	}
	if err := m.CheckWindow(plan.Length); err != nil {
		return nil, nil, none, err
	}
	jobs, err := newJobs(plan, windows, partners)
	if err != nil {
		return nil, nil, none, err
	}
	p := Progress{WindowsTotal: len(windows), TokensTotal: plan.Tokens(len(windows))}
	var todo []int
	for j := range windows {
		done, err := store.holds(j, windows[j].Cluster, jobs.uses[j])
		if err != nil {
			return nil, nil, none, fmt.Errorf("window %d is stored, but %w (the windows are not those of the run; discard it with --fresh)", j, err)
		}
		if !done {
			todo = append(todo, j)
			continue
		}
		p.WindowsStored++
		p.TokensStored += jobs.tokens(j)
	}
	p.Windows, p.Tokens = p.WindowsStored, p.TokensStored
	return jobs, todo, p, nil
}

// holds reports whether all of a request is stored: not so where a window was added
// for which it is a cross context. What is stored must be what would be asked now.
func (s *Store) holds(j, cluster int, uses []use) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	plan := s.key.Plan
	if s.places[j*plan.slots()].file == 0 {
		return false, nil
	}
	if int(s.clusters[j]) != cluster {
		return false, fmt.Errorf("in cluster %d, not %d", s.clusters[j], cluster)
	}
	own := 1
	if plan.Marginals {
		own += len(plan.Splits)
	}
	for slot := range own {
		if s.places[j*plan.slots()+slot].file == 0 {
			return false, errors.New("without its marginal passes")
		}
	}
	all := true
	for _, u := range uses {
		switch got := int(s.contexts[u.window*plan.Cross+u.k]); {
		case got < 0 && len(s.key.Earlier) > 0:
			all = false
		case got != j:
			return false, fmt.Errorf("not as cross context %d of window %d", u.k, u.window)
		}
	}
	return all, nil
}

// answer is a model's answer to one request.
type answer struct {
	job    int
	scores lm.Scores
}

// ask sends the requests to the model, several in parallel. The first error cancels the
// rest. The channel is closed when no request is in flight; it must be drained.
func ask[T any](ctx context.Context, cancel context.CancelCauseFunc, model lm.Model[T], jobs *jobs[T], todo []int, workers int) <-chan answer {
	m := model.Info()
	queue := make(chan int)
	answers := make(chan answer, 2*workers)
	go func() {
		defer close(queue)
		for _, j := range todo {
			select {
			case queue <- j:
			case <-ctx.Done():
				return
			}
		}
	}()
	var wg sync.WaitGroup
	for range min(workers, len(todo)) {
		wg.Go(func() {
			for j := range queue {
				r := jobs.request(j)
				s, err := model.LogProbs(ctx, r)
				if err == nil {
					err = checkAnswer(m, j, r, s)
				} else {
					err = fmt.Errorf("model %s, window %d: %w", m.Name, j, err)
				}
				if err != nil {
					cancel(err)
					return
				}
				answers <- answer{j, s}
			}
		})
	}
	go func() {
		wg.Wait()
		close(answers)
	}()
	return answers
}

// saver gathers rows into parts of a sensible size and age.
type saver struct {
	store    *Store
	every    time.Duration
	maxBytes int
	rows     []row
	bytes    int
	start    time.Time
	last     time.Time
	ticker   *time.Ticker
}

func newSaver(store *Store, o RunOptions) *saver {
	s := &saver{store: store, every: o.FlushEvery, maxBytes: o.FlushBytes, start: time.Now(), last: time.Now()}
	if s.maxBytes <= 0 {
		s.maxBytes = 16 << 20
	}
	tick := time.Second
	if s.every > 0 {
		tick = s.every
	}
	s.ticker = time.NewTicker(tick)
	return s
}

// interval is the longest that finished scores wait to be saved: about 2 % of the run
// so far, so that a kill loses little and long runs do not write thousands of tiny
// parts.
func (s *saver) interval() time.Duration {
	if s.every > 0 {
		return s.every
	}
	return min(max(2*time.Second, time.Since(s.start)/50), time.Minute)
}

func (s *saver) add(rows []row) error {
	s.rows = append(s.rows, rows...)
	for _, r := range rows {
		s.bytes += 4 * len(r.LogProb)
	}
	if s.bytes >= s.maxBytes {
		return s.flush()
	}
	return s.tick()
}

func (s *saver) tick() error {
	if time.Since(s.last) >= s.interval() {
		return s.flush()
	}
	return nil
}

func (s *saver) flush() error {
	err := s.store.save(s.rows)
	s.rows, s.bytes, s.last = nil, 0, time.Now()
	return err
}
