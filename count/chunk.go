package count

import (
	"context"
	"fmt"
	"slices"

	"github.com/l2m-lab/l2m/token"
)

// A chunk is a part of the corpus: whole documents and pieces of documents,
// concatenated. Cell 0 belongs to no document.
type chunk struct {
	tokens   []token.ID
	segments []segment
	gaps     bool // some tokens are gaps; see chunker.gap
	last     bool // no other chunk follows
}

// A segment says which tokens of a chunk are counted as right tokens of pairs:
// tokens[lo:hi]. Their left tokens are in tokens[from:hi], which is the whole document,
// or its last maxDistance tokens before lo.
type segment struct {
	from, lo, hi int
	block        int
}

// lefts appends the slices of tokens that are left tokens at distance d of the
// segment's pairs. The chunk is relabelled: a gap is 0.
func (s segment) lefts(dst [][]token.ID, ch *chunk, d int) [][]token.ID {
	from := max(s.from, s.lo-d)
	lefts := ch.tokens[from:max(from, s.hi-d)]
	if !ch.gaps {
		return append(dst, lefts)
	}
	for len(lefts) > 0 {
		n := slices.Index(ch.tokens[from+d:][:len(lefts)], 0)
		if n < 0 {
			return append(dst, lefts)
		}
		if n > 0 {
			dst = append(dst, lefts[:n])
		}
		lefts = lefts[n+1:]
		from += n + 1
	}
	return dst
}

// newTokens is the number of positions, with and without tokens, that are new in this
// chunk.
func (c *chunk) newTokens() int64 {
	var n int64
	for _, s := range c.segments {
		n += int64(s.hi - s.lo)
	}
	return n
}

// chunker cuts a stream of documents into chunks. Where it cuts a document, the next
// chunk repeats the tokens that it needs as left tokens.
type chunker struct {
	o    Options
	gap  token.ID // replaces token.None in chunks
	plan planner

	// full takes a full chunk and returns an empty one.
	full func(*chunk) (*chunk, error)

	n     int    // of the current chunk
	limit limits // of the current chunk
	start int    // where its new tokens begin

	cur        *chunk
	doc        int // the open document
	open       bool
	counting   bool // the open document is part of the sample
	from, lo   int  // the open segment
	offset     int  // tokens of the open document so far
	block      int
	documents  int64
	tokens     int64    // without gaps
	vocabulary token.ID // 1 + the largest id so far
}

// limits says when a chunk is full.
type limits struct {
	tokens     int   // it has this many, repeated ones and new ones
	fresh      int   // it has exactly this many new ones; 0: as many as fit
	vocabulary int64 // this many distinct tokens have been seen; 0: no limit
}

// planner sets the limits of chunk n, given the number of distinct tokens seen before
// it.
type planner func(n int, vocabulary int64) (limits, error)

func newChunker(o Options, plan planner, full func(*chunk) (*chunk, error)) (*chunker, error) {
	c := &chunker{o: o, plan: plan, gap: token.None, start: 1, full: full}
	if o.dense() {
		c.gap = token.ID(o.Vocabulary)
	}
	var err error
	if c.limit, err = plan(0, 0); err != nil {
		return nil, err
	}
	c.cur = new(chunk)
	c.cur.reset(c.limit.tokens)
	return c, nil
}

// reset empties the chunk and reserves space for tokens, without touching it.
func (c *chunk) reset(tokens int) {
	if n := cap(c.tokens); n <= tokens || n > tokens+tokens/8 { // chunks may become smaller
		c.tokens = nil // for the garbage collector
		c.tokens = make([]token.ID, 1, tokens+1)
	}
	c.tokens = c.tokens[:1]
	c.segments = c.segments[:0]
	c.gaps = false
}

// room is the number of tokens that still fit into the current chunk.
func (c *chunker) room() int {
	if c.limit.fresh > 0 {
		return c.limit.fresh - (len(c.cur.tokens) - c.start)
	}
	return c.limit.tokens + 1 - len(c.cur.tokens)
}

// run reads all of src.
func (c *chunker) run(ctx context.Context, src Source) error {
	err := src.Each(func(doc int, tokens []token.ID) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return c.add(doc, tokens)
	})
	if err != nil {
		return err
	}
	c.closeSegment()
	c.cur.last = true
	_, err = c.full(c.cur)
	return err
}

func (c *chunker) add(doc int, tokens []token.ID) error {
	if !c.open || doc != c.doc {
		if doc < 0 {
			return fmt.Errorf("document number %d is negative", doc)
		}
		c.closeSegment()
		c.open, c.doc, c.offset = true, doc, 0
		c.counting = c.o.Sampled(doc)
		if c.counting {
			c.documents++
			c.from, c.lo = len(c.cur.tokens), len(c.cur.tokens)
			c.block = c.o.BlockAt(doc, 0)
		}
	}
	if !c.counting {
		return nil
	}
	gaps, err := c.check(tokens)
	if err != nil {
		return err
	}
	if most := c.limit.vocabulary; most > 0 && int64(c.vocabulary) > most && c.limit.fresh == 0 {
		if err := c.flush(); err != nil {
			return err
		}
	}
	for len(tokens) > 0 {
		if run := c.o.BlockTokens; run > 0 && c.offset > 0 && c.offset%run == 0 {
			c.closeSegment()
			c.block = c.o.BlockAt(doc, c.offset)
		}
		room := c.room()
		if room == 0 {
			if err := c.flush(); err != nil {
				return err
			}
			continue
		}
		n := min(room, len(tokens))
		if run := c.o.BlockTokens; run > 0 {
			n = min(n, run-c.offset%run)
		}
		c.append(tokens[:n], gaps)
		c.offset += n
		tokens = tokens[n:]
	}
	return nil
}

// append appends tokens to the chunk; gaps says that token.None is among them.
func (c *chunker) append(tokens []token.ID, gaps bool) {
	at := len(c.cur.tokens)
	c.cur.tokens = append(c.cur.tokens, tokens...)
	if !gaps {
		return
	}
	c.cur.gaps = true
	added := c.cur.tokens[at:]
	for i, t := range added {
		if t == token.None {
			added[i] = c.gap
		}
	}
}

// check returns an error for ids outside the vocabulary, and reports whether there is a
// token.None.
func (c *chunker) check(tokens []token.ID) (gaps bool, err error) {
	size, none := token.ID(0), 0 // smallest vocabulary with all of them
	for _, t := range tokens {
		size = max(size, t+1) // 0 for token.None
		if t == token.None {
			none++
		}
	}
	c.tokens += int64(len(tokens) - none)
	c.vocabulary = max(c.vocabulary, size)
	limit := maxVocabulary
	if c.o.Vocabulary > 0 {
		limit = c.o.Vocabulary
	}
	if int64(size) > int64(limit) {
		return false, fmt.Errorf("document %d has token id %d, outside the vocabulary of %d (is this the right tokenizer?)", c.doc, size-1, limit)
	}
	return none > 0, nil
}

// closeSegment ends the open segment at the last token, before another block or
// document.
func (c *chunker) closeSegment() {
	if hi := len(c.cur.tokens); c.open && c.counting && hi > c.lo {
		c.cur.segments = append(c.cur.segments, segment{from: c.from, lo: c.lo, hi: hi, block: c.block})
		c.lo = hi
	}
}

// flush passes on the chunk and starts the next one with the tokens that it needs of
// the open document. A chunk without new tokens is planned again instead: in its file,
// zero new tokens would mean no limit when the call is continued.
func (c *chunker) flush() (err error) {
	c.closeSegment()
	next := c.cur
	keep := min(len(next.tokens)-c.from, c.o.maxDistance())
	carried := append([]token.ID(nil), next.tokens[len(next.tokens)-keep:]...)
	if len(next.tokens) > c.start {
		if next, err = c.full(next); err != nil {
			return err
		}
		c.n++
	}
	if c.limit, err = c.plan(c.n, int64(c.vocabulary)); err != nil {
		return err
	}
	next.reset(c.limit.tokens)
	next.tokens = append(next.tokens, carried...)
	c.cur, c.from, c.lo, c.start = next, 1, 1+keep, 1+keep
	return nil
}
