package measure

import (
	"context"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/twopoint"
)

// twoPointJob is a count that runs beside other work.
type twoPointJob struct {
	done   chan struct{}
	result *result.TwoPoint
	err    error
}

// startTwoPoint counts pairs unless TwoPointBytes says otherwise; tokens names a stream
// of a small vocabulary, "" where there is none.
func startTwoPoint(ctx context.Context, c *corpus.Corpus, tokens string, o Options) *twoPointJob {
	j := &twoPointJob{done: make(chan struct{})}
	if o.TwoPointBytes < 0 || tokens == "" {
		close(j.done)
		return j
	}
	go func() {
		defer close(j.done)
		j.result, j.err = twopoint.Sample(ctx, c, tokens, o.TwoPointBytes, o.Seed, o.Workers)
	}()
	return j
}

// wait returns the result once it is there; it may be called again.
func (j *twoPointJob) wait() (*result.TwoPoint, error) {
	<-j.done
	return j.result, j.err
}
