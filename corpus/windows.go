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

// Window is a piece of evaluation text.
type Window struct {
	Cluster  int        // number of its document, or of its block of a single document
	Document int        // index in the Corpus
	Start    int64      // offset in the document, in bytes; estimated if the split is Tokenized
	Bytes    int        // length of the text; estimated if the split is Tokenized
	Tokens   []token.ID // WindowOptions.Length of them
}

// WindowOptions says which windows to draw.
type WindowOptions struct {
	Length      int // tokens, at least 1
	PerDocument int // most windows from a document, at least 1
	MaxTotal    int // most windows in all; 0 means no limit

	Incomplete func(n int) // called if n > 0 windows were dropped for lack of tokens; may be nil
}

// Windows draws windows at random positions of the evaluation documents, sorted by
// document and position. Each document is cut into equal slots, and one window is
// drawn from each, so that windows never overlap. Positions depend only on the
// seed and the document's content. If there are more than MaxTotal, documents give
// fewer windows each; if one each is still too many, documents are dropped by hash.
//
// In a Tokenized split, every token of a slot (or of a stretch of a long slot) is
// equally likely to be the first of the window: the stretch is tokenized from the
// beginning of a word and cut at a token. Windows from slots with too few tokens
// are dropped.
func (s *Split) Windows(ctx context.Context, o WindowOptions) ([]Window, error) {
	if err := s.CheckLength(o.Length); err != nil {
		return nil, err
	}
	regions, span := s.forLength(o.Length), s.span(o.Length)
	perRegion := o.PerDocument
	if s.blocks {
		// PerDocument is meant for one of many documents; a single document
		// gives half as many from each of its blocks.
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
	var picks []float64 // in [0,1): choose the first token of each window
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
	err := s.c.visit(ctx, documentsOf(byDoc), func(doc int, r io.Reader) error {
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

// readAt fills buf with the bytes from start on of a stream that is at *at.
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

// Partners chooses k other windows for every window, whose text replaces its own
// past: distinct, from other clusters, and every window chosen equally often as far
// as the cluster sizes allow.
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
			return nil, fmt.Errorf("choosing %d cross contexts per window: %w; only %d windows are in other documents", k, errFewDocuments, others)
		}
	}
	for range k {
		perm := rng.Perm(n)
		for i := range perm {
			if fits(i, perm[i]) {
				continue
			}
			// Swap with another window if that suits both; otherwise take any
			// that fits and give up the balance.
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
