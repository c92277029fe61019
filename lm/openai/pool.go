package openai

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// maxWait is the longest mean rest of a server that does not say how long.
const maxWait = 30 * time.Second

// endpoint is one server and what is known of its health. Fields below root
// belong to the pool's lock.
type endpoint struct {
	root     string
	inFlight int
	limit    float64 // requests allowed in flight: additive increase, multiplicative decrease
	failures int     // rounds of failure since the last success
	round    int     // counts failures; tells attempts begun before one from those after
	rest     time.Time
	wait     *backoff.ExponentialBackOff
	suspect  bool // it must show again which model it runs
	shown    time.Time
}

// pool shares requests out to endpoints: to the one with the fewest in flight,
// as many as it bears, none while it rests after a failure.
type pool struct {
	mu        sync.Mutex
	endpoints []*endpoint
	most      int // in flight at one endpoint
	changed   chan struct{}
}

func newPool(roots []string, most int, firstWait time.Duration) *pool {
	p := &pool{most: most, changed: make(chan struct{})}
	for _, r := range roots {
		p.endpoints = append(p.endpoints, &endpoint{root: r, limit: float64(most), suspect: true, wait: &backoff.ExponentialBackOff{
			InitialInterval: firstWait, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: max(maxWait, firstWait)}})
	}
	return p
}

// ticket is the right to one request at an endpoint.
type ticket struct {
	*endpoint
	round int
}

// acquire waits for a place at an endpoint, prefer if it has one. With a
// deadline it returns errNoTime as soon as no endpoint can have one before.
func (p *pool) acquire(ctx context.Context, prefer *endpoint, deadline time.Time) (ticket, error) {
	for {
		if ctx.Err() != nil {
			return ticket{}, context.Cause(ctx)
		}
		p.mu.Lock()
		now := time.Now()
		e, wake, full := p.pick(prefer, now)
		if e != nil {
			e.inFlight++
			t := ticket{e, e.round}
			p.mu.Unlock()
			return t, nil
		}
		changed := p.changed
		p.mu.Unlock()

		if !full && !deadline.IsZero() && wake.After(deadline) {
			return ticket{}, errNoTime
		}
		var after <-chan time.Time
		if !wake.IsZero() {
			after = time.After(wake.Sub(now))
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-after:
		}
	}
}

var errNoTime = errors.New("no server is expected back in time")

// pick returns the endpoint to use now, or the time at which the first resting
// one is back (zero if none rests), and whether one that does not rest is full.
// The caller holds the lock.
func (p *pool) pick(prefer *endpoint, now time.Time) (best *endpoint, wake time.Time, full bool) {
	for _, e := range p.endpoints {
		if e.rest.After(now) {
			if wake.IsZero() || e.rest.Before(wake) {
				wake = e.rest
			}
			continue
		}
		allowed := max(1, int(e.limit))
		if e.failures > 0 {
			allowed = 1 // one request shows whether it is well again
		}
		if e.inFlight >= allowed {
			full = true
			continue
		}
		if e == prefer {
			return e, time.Time{}, false
		}
		if best == nil || e.inFlight < best.inFlight {
			best = e
		}
	}
	return best, wake, full
}

// release gives a place back and learns from the outcome of the attempt.
func (p *pool) release(t ticket, err error, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.inFlight--
	if s, ok := temporary(err); ok {
		t.suspect = t.suspect || s.suspect
		if t.round == t.endpoint.round { // a burst of failures counts once
			t.endpoint.round++
			t.failures++
			t.limit = max(1, t.limit/2)
			t.rest = now.Add(t.wait.NextBackOff())
		}
		if s.retryAfter >= 0 {
			if asked := now.Add(s.retryAfter); asked.After(t.rest) {
				t.rest = asked
			}
		}
	} else if err == nil && t.round == t.endpoint.round {
		t.failures = 0
		t.wait.Reset()
		t.limit = min(float64(p.most), t.limit+1/t.limit)
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// seen returns when an endpoint last showed which model it runs, and whether it
// failed since in a way after which it may be another server.
func (p *pool) seen(e *endpoint) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return e.shown, e.suspect
}

// clear ends the suspicion.
func (p *pool) clear(e *endpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.suspect, e.shown = false, time.Now()
}

// do makes attempts, wherever there is a place, until one succeeds or fails
// for good, or they have failed for retryFor. It returns the endpoint that
// answered.
func (p *pool) do(ctx context.Context, prefer *endpoint, retryFor time.Duration, attempt func(context.Context, *endpoint) error) (*endpoint, error) {
	var deadline time.Time // unknown until the first failure
	var last error
	start := time.Now()
	for tries := 1; ; tries++ {
		t, err := p.acquire(ctx, prefer, deadline)
		if err == errNoTime {
			return nil, gaveUp(tries-1, time.Since(start), last)
		} else if err != nil {
			if last != nil {
				return nil, fmt.Errorf("%w (while waiting to try again after: %w)", err, last)
			}
			return nil, err
		}
		begun := time.Now()
		err = attempt(ctx, t.endpoint)
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		now := time.Now()
		p.release(t, err, now)
		if err == nil {
			return t.endpoint, nil
		}
		if _, ok := temporary(err); !ok {
			return nil, err
		}
		last = err
		if deadline.IsZero() {
			start, deadline = begun, begun.Add(retryFor)
		}
		if !now.Before(deadline) {
			return nil, gaveUp(tries, now.Sub(start), last)
		}
	}
}

func gaveUp(tries int, took time.Duration, last error) error {
	return fmt.Errorf("gave up after %d attempts in %s, the last one failed so: %w", tries, took.Round(time.Millisecond), last)
}
