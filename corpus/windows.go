package corpus

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"

	"github.com/l2m-lab/l2m/token"
)

// Window is a stretch of evaluation text.
type Window struct {
	Cluster  int        // number of its document (of a single document: its block)
	Document int        // index in the Corpus
	Start    int64      // byte of the document; of a Tokenized split an estimate
	Bytes    int        // of text; of a Tokenized split an estimate
	Tokens   []token.ID // WindowOptions.Length of them
}

// WindowOptions says which windows to draw.
type WindowOptions struct {
	Length      int // tokens, at least 1
	PerDocument int // at most, at least 1
	MaxTotal    int // in all; 0 means no limit

	Incomplete func(n int) // told of n > 0 windows that were left out for want of tokens; may be nil
}

// Windows draws windows at random positions of the evaluation documents. Each
// document is cut into as many equal slots as it gives windows, and one window
// starts at a random place of each slot, so windows never overlap. Positions
// depend only on the seed and the document's content. When MaxTotal binds,
// every document gives fewer windows; below one per document, documents are
// dropped by their hash. Windows come sorted by document and position.
//
// Of a Tokenized split, every token of a slot, or of a stretch of a long slot, is
// equally likely to be the first of the window: the stretch is tokenized from the
// beginning of a word on, and cut at a token. Windows whose slot holds too few tokens
// are left out.
func (s *Split) Windows(ctx context.Context, o WindowOptions) ([]Window, error) {
	if err := s.CheckLength(o.Length); err != nil {
		return nil, err
	}
	regions, span := s.forLength(o.Length), s.span(o.Length)
	perRegion := o.PerDocument
	if s.blocks {
		// The limit is for the document; its blocks share a generous multiple.
		perRegion = max(1, o.PerDocument/2)
	}
	capacity := func(r region) int { return min(perRegion, int((r.end-r.start)/span)) }
	if o.MaxTotal > 0 {
		for perRegion > 1 {
			total := 0
			for _, r := range regions {
				total += capacity(r)
			}
			if total <= o.MaxTotal {
				break
			}
			perRegion--
		}
		if perRegion == 1 && len(regions) > o.MaxTotal {
			docs := s.c.docs
			slices.SortStableFunc(regions, func(a, b region) int {
				return cmp.Compare(docs[a.doc].draw(s.seed, "drop"), docs[b.doc].draw(s.seed, "drop"))
			})
			regions = regions[:max(2, o.MaxTotal)]
			slices.SortFunc(regions, func(a, b region) int { return cmp.Or(cmp.Compare(a.doc, b.doc), cmp.Compare(a.start, b.start)) })
		}
	}
	var windows []Window
	var picks []float64 // which of the tokens is the first, as a share of those that may be
	byDoc := map[int][]int{}
	for cluster, r := range regions {
		doc := &s.c.docs[r.doc]
		rng := rand.New(rand.NewPCG(doc.seed(s.seed, "windows"), uint64(r.start)))
		n := int64(capacity(r))
		for i := range n {
			lo := r.start + (r.end-r.start)*i/n
			hi := r.start + (r.end-r.start)*(i+1)/n
			size, pick := span, 0.0
			if s.encode != nil {
				size, pick = min(hi-lo, 3*span+stretch), rng.Float64()
			}
			start := lo + rng.Int64N(hi-lo-size+1)
			byDoc[r.doc] = append(byDoc[r.doc], len(windows))
			windows = append(windows, Window{Cluster: cluster, Document: r.doc, Start: start, Bytes: int(size)})
			picks = append(picks, pick)
		}
	}
	err := s.c.visit(ctx, keysOf(byDoc), func(doc int, r io.Reader) error {
		at := int64(0)
		for _, i := range byDoc[doc] {
			w := &windows[i]
			text := make([]byte, w.Bytes)
			if err := readAt(r, &at, w.Start, text); err != nil {
				return fmt.Errorf("%s: %w", s.c.Name(doc), err)
			}
			if err := s.tokenize(ctx, w, text, o.Length, picks[i]); err != nil {
				return fmt.Errorf("tokenizing %s from byte %d on: %w", s.c.Name(doc), w.Start, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("drawing windows: %w", err)
	}
	return s.complete(windows, o)
}

// readAt reads from a stream that stands at *at the bytes from start on.
func readAt(r io.Reader, at *int64, start int64, buf []byte) error {
	n, err := io.CopyN(io.Discard, r, start-*at)
	*at += n
	if err == nil {
		n, err := io.ReadFull(r, buf)
		*at += int64(n)
		if err == nil {
			return nil
		}
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF || err == nil {
		return ErrChanged
	}
	return err
}

// Partners chooses for every window k others whose text stands in for its own
// past: each from another cluster, all different, and every window as often
// partner as any other, as far as the sizes of the clusters allow.
func Partners(windows []Window, k int, seed uint64) ([][]int, error) {
	n := len(windows)
	partners := make([][]int, n)
	if k == 0 {
		return partners, nil
	}
	rng := rand.New(rand.NewPCG(seed, 0x706172746e657273)) // stream "partners"
	elsewhere := func(i, j int) bool { return windows[i].Cluster != windows[j].Cluster }
	fits := func(i, j int) bool { return elsewhere(i, j) && !slices.Contains(partners[i], j) }
	for i := range windows {
		others := 0
		for j := range windows {
			if elsewhere(i, j) {
				if others++; others == k {
					break
				}
			}
		}
		if others < k {
			return nil, fmt.Errorf("choosing %d cross contexts per window: %w; only %d windows stand elsewhere", k, errFewDocuments, others)
		}
	}
	for range k {
		perm := rng.Perm(n)
		for i := range perm {
			if fits(i, perm[i]) {
				continue
			}
			// Swap with another window if that serves both; otherwise take
			// any that fits, at the price of balance.
			swapped := false
			for range 64 {
				j := rng.IntN(n)
				if fits(i, perm[j]) && (j > i || fits(j, perm[i])) {
					perm[i], perm[j] = perm[j], perm[i]
					swapped = true
					break
				}
			}
			for !swapped {
				if j := rng.IntN(n); fits(i, j) {
					perm[i], swapped = j, true
				}
			}
		}
		for i, j := range perm {
			partners[i] = append(partners[i], j)
		}
	}
	return partners, nil
}
