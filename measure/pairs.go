package measure

import (
	"context"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/twopoint"
)

// twoPointJob measures two-point information in the background.
type twoPointJob struct {
	done   chan struct{}
	result *result.TwoPoint
	err    error
}

// startTwoPoint counts pairs in a sample of the documents. It takes its options by
// value, so that the caller may go on to change its own.
func startTwoPoint(ctx context.Context, c *corpus.Corpus, tokens string, o Options) *twoPointJob {
	j := &twoPointJob{done: make(chan struct{})}
	go func() {
		defer close(j.done)
		if o.TwoPointBytes >= 0 && tokens != "" {
			j.result, j.err = twopoint.Sample(ctx, c, tokens, o.TwoPointBytes, o.Seed, o.Workers)
		}
	}()
	return j
}

// wait waits for the result and returns it; it may be called again.
func (j *twoPointJob) wait() (*result.TwoPoint, error) {
	<-j.done
	return j.result, j.err
}
