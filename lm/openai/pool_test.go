package openai

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func overloaded(e *endpoint, after string) error {
	h := http.Header{}
	if after != "" {
		h.Set("Retry-After", after)
	}
	return statusError(e, http.StatusTooManyRequests, h, nil, "", time.Now())
}

func TestBackOffDoublesWithJitterAndStartsAnewAfterSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool([]string{"a"}, 4, time.Second)
		for range 2 {
			var at []time.Time
			_, err := p.do(t.Context(), nil, time.Hour, func(_ context.Context, e *endpoint) error {
				if at = append(at, time.Now()); len(at) <= 8 {
					return overloaded(e, "")
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for i, mean := range []float64{1, 2, 4, 8, 16, 30, 30, 30} {
				// The jitter of a wait is half of it at most.
				if w := at[i+1].Sub(at[i]).Seconds(); w < mean/2-1e-6 || w > mean*1.5+1e-6 {
					t.Errorf("wait %d was %v s, want %v within a half", i, w, mean)
				}
			}
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
		for _, c := range []struct {
			header func() string
			want   time.Duration
		}{
			{func() string { return "90" }, 90 * time.Second},
			{func() string { return "0.5" }, 500 * time.Millisecond},
			{func() string { return date(40 * time.Second) }, 40 * time.Second},
		} {
			time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // dates are in whole seconds
			p := newPool([]string{"a"}, 4, 10*time.Millisecond)
			start, tries, header := time.Now(), 0, c.header()
			_, err := p.do(t.Context(), nil, time.Hour, func(_ context.Context, e *endpoint) error {
				if tries++; tries == 1 {
					return overloaded(e, header)
				}
				return nil
			})
			if took := time.Since(start); err != nil || took < c.want || took > c.want+15*time.Millisecond {
				t.Errorf("Retry-After %s: waited %v, %v", header, took, err)
			}
		}
	})
}

func TestGivesUpWhenToldToWaitTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool([]string{"a"}, 4, time.Second)
		start := time.Now()
		_, err := p.do(t.Context(), nil, time.Minute, func(_ context.Context, e *endpoint) error { return overloaded(e, "3600") })
		if err == nil || !strings.Contains(err.Error(), "it asks to wait 1h0m0s") || time.Since(start) > time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestGivesUpAfterRetryFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool([]string{"a"}, 4, time.Second)
		start := time.Now()
		_, err := p.do(t.Context(), nil, 2*time.Minute, func(_ context.Context, e *endpoint) error { return passing(e, "no route") })
		if took := time.Since(start); err == nil || took > 2*time.Minute || took < time.Minute || !strings.Contains(err.Error(), "no route") {
			t.Errorf("after %v: %v", took, err)
		}
		if _, err := p.do(t.Context(), nil, -1, func(_ context.Context, e *endpoint) error { return passing(e, "no route") }); err == nil || !strings.Contains(err.Error(), "after 1 attempts") {
			t.Errorf("without retries: %v", err)
		}
	})
}

func TestPermanentErrorsAreNotRetried(t *testing.T) {
	p := newPool([]string{"a", "b"}, 4, time.Second)
	for _, status := range []int{400, 401, 403, 404, 422, 301, 501} {
		tries := 0
		_, err := p.do(t.Context(), nil, time.Hour, func(_ context.Context, e *endpoint) error {
			tries++
			return statusError(e, status, nil, []byte(`{"detail":"no such thing"}`), "", time.Now())
		})
		if err == nil || tries != 1 || !strings.Contains(err.Error(), "no such thing") {
			t.Errorf("status %d: %d tries, %v", status, tries, err)
		}
	}
}

// A failing server rests while the other one works on, and is used again when
// it is well.
func TestAFailingEndpointRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool([]string{"a", "b"}, 2, time.Second)
		bad := true
		var asked [2]int
		one := func() {
			_, err := p.do(t.Context(), p.endpoints[0], time.Hour, func(_ context.Context, e *endpoint) error {
				if e == p.endpoints[0] {
					if asked[0]++; bad {
						return passing(e, "down")
					}
				} else {
					asked[1]++
				}
				time.Sleep(10 * time.Millisecond)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		for time.Since(start) < 30*time.Second {
			one()
		}
		// Mean waits 1, 2, 4, 8, 16 s: between 4 and 6 attempts in 30 s.
		if asked[0] < 3 || asked[0] > 8 || asked[1] < 1000 {
			t.Errorf("the failing server was asked %d times, the other one %d times", asked[0], asked[1])
		}
		bad = false
		time.Sleep(time.Minute)
		asked = [2]int{}
		one()
		if asked[0] != 1 {
			t.Errorf("a server that is well again was not used: %v", asked)
		}
	})
}

// Additive increase, multiplicative decrease: a server that bears 5 requests at
// once and refuses more is given between 2 and 6, never the 32 allowed, and
// everything is answered.
func TestConcurrencyAdapts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool([]string{"a"}, 32, 10*time.Millisecond)
		const bears = 5
		var mu sync.Mutex
		now, most, refused, good := 0, 0, 0, 0
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				for range 50 {
					_, err := p.do(t.Context(), nil, time.Hour, func(_ context.Context, e *endpoint) error {
						mu.Lock()
						now++
						full := now > bears
						if full {
							refused++
						} else {
							good++
						}
						if good > 500 {
							most = max(most, now)
						}
						mu.Unlock()
						defer func() { mu.Lock(); now--; mu.Unlock() }()
						if full {
							return overloaded(e, "")
						}
						time.Sleep(100 * time.Millisecond)
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if good != 2000 || most > bears+1 || most < 2 || refused > good/4 {
			t.Errorf("%d answered, %d refused, at most %d in flight after the start", good, refused, most)
		}
	})
}

func TestCancellationEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool([]string{"a"}, 1, time.Hour)
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("enough")
		time.AfterFunc(time.Second, func() { cancel(stop) })
		start := time.Now()
		_, err := p.do(ctx, nil, 100*time.Hour, func(_ context.Context, e *endpoint) error { return passing(e, "down") })
		if !errors.Is(err, stop) || time.Since(start) != time.Second || !strings.Contains(err.Error(), "down") {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
