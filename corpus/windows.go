package corpus

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
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

// Windows draws windows at random positions of the evaluation documents, in a nested
// order: the windows for a smaller MaxTotal are the first of those for a larger one.
// Each document is cut into equal slots, and one window is drawn from each, so that
// windows never overlap. Documents take turns, in random order: each gives one window
// before any gives a second. Positions and order depend only on the seed and the
// content of the documents.
//
// In a Tokenized split, every token of a slot (or of a stretch of a long slot) is
// equally likely to be the first of the window: the stretch is tokenized from the
// beginning of a word and cut at a token. Windows from slots with too few tokens
// are dropped, and others take their place.
func (s *Split) Windows(ctx context.Context, o WindowOptions) ([]Window, error) {
	if err := s.CheckLength(o.Length); err != nil {
		return nil, err
	}
	regions := s.forLength(o.Length)
	perRegion := o.PerDocument
	if s.blocks {
		// PerDocument is meant for one of many documents; a single document
		// gives half as many from each of its blocks.
		perRegion = max(1, o.PerDocument/2)
	}
	most := math.MaxInt
	if o.MaxTotal > 0 {
		most = max(2, o.MaxTotal)
	}
	orders := s.slots(regions, s.span(o.Length), perRegion)
	var windows []Window
	var waiting []candidate
	round, incomplete := 0, 0
	for len(windows) < most {
		for ; round < perRegion && len(waiting) < most-len(windows); round++ {
			waiting = append(waiting, s.round(regions, orders, s.span(o.Length), round)...)
		}
		n := min(len(waiting), most-len(windows))
		if n == 0 {
			break
		}
		complete, err := s.draw(ctx, waiting[:n], o.Length)
		if err != nil {
			return nil, fmt.Errorf("drawing windows: %w", err)
		}
		windows, waiting = append(windows, complete...), waiting[n:]
		incomplete += n - len(complete)
	}
	if incomplete > 0 && o.Incomplete != nil {
		o.Incomplete(incomplete)
	}
	if clusters := number(windows); clusters < 2 && incomplete > 0 {
		return nil, fmt.Errorf("drawing windows: only %d of %d pieces of text have %d tokens (choose shorter windows with --length)", len(windows), len(windows)+incomplete, o.Length)
	}
	return windows, nil
}

// candidate is a piece of text from which a window may be drawn.
type candidate struct {
	Window         // without tokens; its Cluster is the region
	pick   float64 // in [0,1): chooses the first token
	key    uint64  // order within a round
}

// slots returns, for each region, the random order of the equal slots into which it is
// cut, at most perRegion.
func (s *Split) slots(regions []region, span int64, perRegion int) [][]int {
	orders := make([][]int, len(regions))
	for i, r := range regions {
		n := min(int64(perRegion), (r.end-r.start)/span)
		orders[i] = rand.New(rand.NewPCG(s.c.docs.at(r.doc).seed(s.seed, "order"), uint64(r.start))).Perm(int(n))
	}
	return orders
}

// round returns the next candidate of each region that has one left, in random order.
func (s *Split) round(regions []region, orders [][]int, span int64, round int) []candidate {
	var out []candidate
	for cluster, r := range regions {
		if round >= len(orders[cluster]) {
			continue
		}
		slot, n := int64(orders[cluster][round]), int64(len(orders[cluster]))
		lo := r.start + (r.end-r.start)*slot/n
		hi := r.start + (r.end-r.start)*(slot+1)/n
		rng := rand.New(rand.NewPCG(s.c.docs.at(r.doc).seed(s.seed, "windows"), uint64(lo)))
		c := candidate{Window: Window{Cluster: cluster, Document: r.doc}, key: rng.Uint64()}
		size := span
		if s.encode != nil {
			size, c.pick = min(hi-lo, 3*span+stretch), rng.Float64()
		}
		c.Start, c.Bytes = lo+rng.Int64N(hi-lo-size+1), int(size)
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.Document, b.Document), cmp.Compare(a.Start, b.Start))
	})
	return out
}

// draw reads and tokenizes candidates. It returns those that hold enough tokens.
func (s *Split) draw(ctx context.Context, from []candidate, length int) ([]Window, error) {
	byDoc := map[int][]int{}
	for i, c := range from {
		byDoc[c.Document] = append(byDoc[c.Document], i)
	}
	for _, of := range byDoc {
		slices.SortFunc(of, func(a, b int) int { return cmp.Compare(from[a].Start, from[b].Start) })
	}
	windows := make([]Window, len(from))
	err := s.c.visit(ctx, documentsOf(byDoc), func(doc int, r io.Reader) error {
		at := int64(0)
		for _, i := range byDoc[doc] {
			w := &windows[i]
			*w = from[i].Window
			text := make([]byte, w.Bytes)
			if err := readAt(r, &at, w.Start, text); err != nil {
				return fmt.Errorf("%s: %w", s.c.Name(doc), err)
			}
			if err := s.tokenize(ctx, w, text, length, from[i].pick); err != nil {
				return fmt.Errorf("tokenizing %s from byte %d on: %w", s.c.Name(doc), w.Start, err)
			}
		}
		return nil
	})
	return slices.DeleteFunc(windows, func(w Window) bool { return w.Tokens == nil }), err
}

// number numbers the clusters in the order in which they come, and counts them.
func number(windows []Window) int {
	numbers := map[int]int{}
	for i := range windows {
		n, known := numbers[windows[i].Cluster]
		if !known {
			n = len(numbers)
			numbers[windows[i].Cluster] = n
		}
		windows[i].Cluster = n
	}
	return len(numbers)
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
// past: distinct, and from other clusters. A window gets the earlier ones that are
// partners least often, the latest first; only the first few windows get later ones.
// So the partners of the first windows stay the same when others are added, and where
// clusters have the same size, windows are partners about equally often.
func Partners(windows []Window, k int) ([][]int, error) {
	partners := make([][]int, len(windows))
	if k == 0 {
		return partners, nil
	}
	first, err := selfContained(windows, k)
	if err != nil {
		return nil, err
	}
	var byUses [][]int // [n]: windows that are partners n times
	add := func(i, uses int) {
		for len(byUses) <= uses {
			byUses = append(byUses, nil)
		}
		byUses[uses] = append(byUses[uses], i)
	}
	for i := range first {
		add(i, 0)
	}
	for i := range windows {
		var taken, uses []int
		for u := 0; len(taken) < k; u++ {
			for at := len(byUses[u]) - 1; at >= 0 && len(taken) < k; at-- {
				if j := byUses[u][at]; windows[j].Cluster != windows[i].Cluster {
					taken, uses = append(taken, j), append(uses, u)
					byUses[u] = slices.Delete(byUses[u], at, at+1)
				}
			}
		}
		for n, j := range taken {
			add(j, uses[n]+1)
		}
		partners[i] = taken
		if i >= first {
			add(i, 0)
		}
	}
	return partners, nil
}

// selfContained is the smallest n for which each of the first n windows has k others
// among them in other clusters.
func selfContained(windows []Window, k int) (int, error) {
	sizes, largest := map[int]int{}, 0
	for i, w := range windows {
		sizes[w.Cluster]++
		if largest = max(largest, sizes[w.Cluster]); i+1-largest >= k {
			return i + 1, nil
		}
	}
	return 0, fmt.Errorf("choosing %d cross contexts per window: %w; only %d windows are in other documents", k, errFewDocuments, len(windows)-largest)
}
