package twopoint

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/token"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

// countPairs counts the documents of c.
func countPairs(ctx context.Context, c *corpus.Corpus, stream token.Stream, opts count.Options, progress info.ProgressFunc) (*count.Result, error) {
	counting := progress.Stage("counting", "tokens")
	merging := progress.Stage("merging", "ranges")
	src := newTokenSource(ctx, c, stream, opts)
	opts.Progress = func(p count.Progress) {
		switch {
		case p.Stage == "merging":
			merging(p.Done, p.Total, p.Resumed)
		case p.Total > 0:
			counting(p.Done, p.Total, p.Resumed)
		default:
			counting(p.Done, max(p.Done, src.total()*int64(len(opts.Distances))), p.Resumed)
		}
	}
	return count.Pairs(ctx, src, opts)
}

// tokenSource streams the documents of a corpus as tokens.
type tokenSource struct {
	ctx    context.Context
	corpus *corpus.Corpus
	stream token.Stream
	opts   count.Options
	parts  []stretch // the part of each document to read; nil: whole documents

	read, tokens atomic.Int64 // bytes read, and the tokens in them
}

func newTokenSource(ctx context.Context, c *corpus.Corpus, stream token.Stream, o count.Options) *tokenSource {
	return &tokenSource{ctx: ctx, corpus: c, stream: stream, opts: o}
}

// sizesOf collects the lengths of the documents.
func sizesOf(c *corpus.Corpus) (s count.Sizes) {
	for n := range c.Lengths() {
		s.Add(n)
	}
	return s
}

// tokenBytes is the memory that a stream takes per token of its vocabulary.
func tokenBytes(stream token.Stream) int64 {
	if v, ok := stream.(*vocabulary.Stream); ok {
		return v.Vocabulary().Memory() / int64(max(1, stream.Size()))
	}
	if stream.Size() == 0 {
		return 80 // words, by name, in a map: 50 to 70
	}
	return 0
}

// total estimates the number of tokens from those read so far; 0 at the start.
func (s *tokenSource) total() int64 {
	read := s.read.Load()
	if read == 0 {
		return 0
	}
	share := cmp.Or(s.opts.Sample, 1)
	return int64(share * float64(s.corpus.Bytes()) * float64(s.tokens.Load()) / float64(read))
}

// Each implements count.Source.
func (s *tokenSource) Each(yield func(doc int, tokens []token.ID) error) error {
	if v, ok := s.stream.(*vocabulary.Stream); ok {
		return s.eachPassage(v.Vocabulary(), yield)
	}
	var ids []token.ID
	return s.pieces(s.ctx, func(doc int, text []byte, last bool) error {
		ids = s.stream.Encode(ids[:0], text, last)
		s.tokens.Add(int64(len(ids)))
		s.read.Add(int64(len(text)))
		return yield(doc, ids)
	})
}

// pieces reads the documents piece by piece.
func (s *tokenSource) pieces(ctx context.Context, visit func(doc int, text []byte, last bool) error) error {
	buf := make([]byte, 1<<16)
	return s.corpus.Each(ctx, func(doc int, r io.Reader) error {
		if !s.opts.Sampled(doc) {
			return nil
		}
		if s.parts != nil {
			part := s.parts[doc]
			if part.bytes == 0 {
				return nil
			}
			if _, err := io.CopyN(io.Discard, r, part.from); err != nil {
				return err
			}
			r = io.LimitReader(r, part.bytes)
		}
		for {
			n, err := io.ReadFull(r, buf)
			last := err == io.EOF || err == io.ErrUnexpectedEOF
			if err != nil && !last {
				return err
			}
			if err := visit(doc, buf[:n], last); err != nil || last {
				return err
			}
		}
	})
}

// passage is a part of a document that is encoded on its own.
type passage struct {
	doc   int
	text  []byte
	first bool // of the document
	ids   []token.ID
	done  chan struct{} // closed when ids are there
}

// eachPassage encodes on all cores, as subword tokenizers are slower than counting.
// The tokens come in the order of the text.
func (s *tokenSource) eachPassage(v *vocabulary.Vocabulary, yield func(doc int, tokens []token.ID) error) error {
	workers := cmp.Or(s.opts.Workers, runtime.GOMAXPROCS(0))
	g, ctx := errgroup.WithContext(s.ctx)
	ordered, work := make(chan *passage, 2*workers), make(chan *passage, 2*workers)
	g.Go(func() error {
		defer close(ordered)
		defer close(work)
		return s.cut(ctx, func(x *passage) error {
			for _, to := range []chan *passage{ordered, work} {
				select {
				case to <- x:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	})
	for range workers {
		g.Go(func() error {
			for x := range work {
				x.ids = v.EncodeStretch(nil, x.text, x.first)
				close(x.done)
			}
			return nil
		})
	}
	g.Go(func() error { return s.deliver(ctx, ordered, yield) })
	return g.Wait()
}

// cut cuts the documents into passages.
func (s *tokenSource) cut(ctx context.Context, visit func(*passage) error) error {
	var cutter vocabulary.Cutter
	return s.pieces(ctx, func(doc int, text []byte, last bool) (err error) {
		cutter.Cut(text, last, func(piece []byte, first bool) {
			if err == nil {
				err = visit(&passage{doc: doc, text: bytes.Clone(piece), first: first, done: make(chan struct{})})
			}
		})
		return err
	})
}

// deliver yields the tokens of passages in order.
func (s *tokenSource) deliver(ctx context.Context, ordered <-chan *passage, yield func(doc int, tokens []token.ID) error) error {
	for x := range ordered {
		select {
		case <-x.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.tokens.Add(int64(len(x.ids)))
		s.read.Add(int64(len(x.text)))
		if err := yield(x.doc, x.ids); err != nil {
			return err
		}
	}
	return nil
}
