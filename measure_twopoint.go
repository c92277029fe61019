package l2m

import (
	"context"
	"fmt"
	"io"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/token"
)

// twoPointBlocks is the number of blocks of documents for jackknife errors.
const twoPointBlocks = 16

// twoPointJob is a count that runs beside other work.
type twoPointJob struct {
	done   chan struct{}
	result *report.TwoPoint
	err    error
}

func startTwoPoint(ctx context.Context, c *corpus.Corpus, o MeasureOptions) *twoPointJob {
	j := &twoPointJob{done: make(chan struct{})}
	go func() {
		defer close(j.done)
		j.result, j.err = countTwoPoint(ctx, c, o)
	}()
	return j
}

// wait returns the result once it is there; it may be called again.
func (j *twoPointJob) wait() (*report.TwoPoint, error) {
	<-j.done
	return j.result, j.err
}

// countTwoPoint measures the two-point information of all documents at
// distances 1, 2, 4, …, or returns nil if it is not wanted.
func countTwoPoint(ctx context.Context, c *corpus.Corpus, o MeasureOptions) (*report.TwoPoint, error) {
	if o.TwoPointBytes < 0 {
		return nil, nil
	}
	opts := count.Options{
		Distances: dyadicDistances(c.Longest()), Vocabulary: token.Bytes().Size(),
		Blocks: min(twoPointBlocks, c.Documents()), Seed: o.Seed, Workers: o.Workers,
	}
	if c.Documents() < twoPointBlocks {
		// Too few documents to leave out: blocks of text take their place.
		opts.Blocks, opts.BlockTokens = twoPointBlocks, 1<<16
	}
	if o.TwoPointBytes > 0 && o.TwoPointBytes < c.Bytes() {
		opts.Sample = float64(o.TwoPointBytes) / float64(c.Bytes())
	}
	counts, err := count.Pairs(ctx, byteSource(ctx, c), opts)
	if err != nil {
		return nil, fmt.Errorf("two-point information: %w", err)
	}
	t := &report.TwoPoint{Estimator: string(mi.Grassberger), Tokens: counts.Tokens}
	var points []mi.DecayPoint
	for _, d := range counts.Distances {
		if d.Pairs == 0 {
			continue
		}
		e, err := mi.TwoPoint(pairCounts(d), mi.TwoPointOptions{})
		if err != nil {
			return nil, fmt.Errorf("distance %d: %w", d.Distance, err)
		}
		t.Points = append(t.Points, report.TwoPointPoint{Distance: d.Distance, Pairs: e.Pairs, Value: e.Value, SE: e.SE, Floor: e.Floor, Below: e.Below})
		points = append(points, mi.DecayPoint{Distance: d.Distance, Value: e.Value, SE: e.SE, Below: e.Below})
	}
	t.Law, t.Warnings = mi.FitDecay(points, level)
	return t, nil
}

// level is the confidence level of all intervals.
const level = 0.95

// maxDistance bounds the distances of measure; l2m twopoint goes further.
const maxDistance = 1 << 16

func dyadicDistances(longest int64) []int {
	var ds []int
	for d := 1; d <= maxDistance && int64(d) < longest; d *= 2 {
		ds = append(ds, d)
	}
	return ds
}

// byteSource streams the documents as byte tokens.
func byteSource(ctx context.Context, c *corpus.Corpus) count.Source {
	return count.SourceFunc(func(yield func(doc int, tokens []token.ID) error) error {
		buf := make([]byte, 1<<16)
		ids := make([]token.ID, 0, len(buf))
		return c.Each(ctx, func(doc int, r io.Reader) error {
			for {
				n, err := io.ReadFull(r, buf)
				if n > 0 {
					ids = token.Bytes().Encode(ids[:0], buf[:n])
					if err := yield(doc, ids); err != nil {
						return err
					}
				}
				if err == io.EOF || err == io.ErrUnexpectedEOF {
					return nil
				}
				if err != nil {
					return err
				}
			}
		})
	})
}

func pairCounts(d count.Distance) mi.PairCounts {
	p := pairCountsOf(d.Counts)
	for _, w := range d.Without {
		p.Without = append(p.Without, pairCountsOf(w))
	}
	return p
}

func pairCountsOf(c count.Counts) mi.PairCounts {
	return mi.PairCounts{Left: histogram(c.Left), Right: histogram(c.Right), Pairs: histogram(c.Joint)}
}

func histogram(h count.Histogram) mi.Histogram {
	out := make(mi.Histogram, len(h))
	for i, b := range h {
		out[i] = mi.Bin{Count: b.Count, Times: b.Types}
	}
	return out
}
