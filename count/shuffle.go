package count

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"sync"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/token"
)

// Shuffled returns the histogram of pair counts after the right tokens were dealt to
// the left tokens at random: pairs with the same marginals that are independent by
// construction. It needs only the histograms of the left and right tokens of the pairs:
// no second pass over the corpus, and no memory that grows with it.
//
// The deal is a permutation of the pairs by a seeded four-round Feistel network [Luby &
// Rackoff 1988], the same for any number of workers (0 means GOMAXPROCS), at about 20
// ns per pair and core. If there are far more pairs than cells in their table, the
// cells are drawn instead.
func Shuffled(ctx context.Context, left, right info.Histogram, seed uint64, workers int) (info.Histogram, error) {
	n := left.Total()
	if m := right.Total(); m != n {
		return nil, fmt.Errorf("shuffling pairs: %d left and %d right tokens", n, m)
	}
	if n == 0 {
		return nil, nil
	}
	if cells := float64(left.Types()) * float64(right.Types()); cells*cellCost < float64(n) {
		h, err := shuffledTable(ctx, left, right, seed)
		if err != nil {
			return nil, fmt.Errorf("shuffling pairs: %w", err)
		}
		return h, nil
	}
	return dealPairsOf(ctx, left, right, seed, workers)
}

// dealPairsOf deals every right token to a left one.
func dealPairsOf(ctx context.Context, left, right info.Histogram, seed uint64, workers int) (info.Histogram, error) {
	n := left.Total()
	if n >= 1<<62 || left.Types() > maxVocabulary || right[len(right)-1].Count >= math.MaxUint32-1 {
		return nil, errors.New("shuffling pairs: more pairs than can be shuffled (a token may occur 4 billion times; count a sample)")
	}
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var (
		perm   = newPermutation(uint64(n), seed)
		lefts  = newLefts(left, uint64(n))
		deals  = divideDeal(right)
		total  = newSums(0)
		hands  = make([]*dealt, workers)
		mu     sync.Mutex
		tokens = int(left.Types())
	)
	each(workers, len(deals), func(worker, i int) {
		if ctx.Err() != nil {
			return
		}
		if hands[worker] == nil {
			hands[worker] = &dealt{counter: newCounter(0), buf: make([]token.ID, 0, 1<<12)}
		}
		h := hands[worker]
		h.begin(tokens)
		h.deal(deals[i], perm, lefts)
		mu.Lock()
		defer mu.Unlock()
		total.addPairs(h.counter)
	})
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("shuffling pairs: %w", err)
	}
	return total.joint.histogram(), nil
}

// deal is a group of right tokens with consecutive pairs: types tokens of count pairs
// each, starting at pair first.
type deal struct {
	first        uint64
	count, types int64
}

// dealPairs is the approximate number of pairs in a deal.
const dealPairs = 1 << 20

func divideDeal(right info.Histogram) []deal {
	var out []deal
	var first uint64
	for _, b := range right {
		for types := b.Types; types > 0; {
			n := min(types, max(1, dealPairs/b.Count))
			out = append(out, deal{first, b.Count, n})
			first += uint64(n * b.Count)
			types -= n
		}
	}
	return out
}

// dealt counts the pairs of deals.
type dealt struct {
	*counter
	buf []token.ID
}

func (h *dealt) deal(d deal, perm *permutation, lefts *leftTable) {
	at := d.first
	for range d.types {
		h.open(int(d.count))
		for left := d.count; left > 0; {
			n := min(left, int64(cap(h.buf)))
			h.buf = h.buf[:n]
			for i := range h.buf {
				h.buf[i] = lefts.at(perm.at(at))
				at++
			}
			h.count(h.buf)
			left -= n
		}
		h.weigh()
		h.base += uint32(d.count)
	}
}

// leftTable finds the left token at position u when all left tokens are sorted by
// descending count. Tokens are numbered from 1.
type leftTable struct {
	bins  []leftBin
	guide []int32 // by u >> shift: the bin of the first such u
	shift int
}

type leftBin struct {
	first, count uint64
	token        uint64 // first of the bin
}

func newLefts(left info.Histogram, n uint64) *leftTable {
	t := &leftTable{shift: max(0, bits.Len64(n)-14)}
	first, id := uint64(0), uint64(1)
	for i := len(left) - 1; i >= 0; i-- {
		b := left[i]
		for len(t.guide) <= int((first+uint64(b.Count*b.Types)-1)>>t.shift) {
			// The cell starts in this bin, or in an earlier one that extends into the
			// cell.
			t.guide = append(t.guide, int32(len(t.bins)))
		}
		t.bins = append(t.bins, leftBin{first, uint64(b.Count), id})
		first += uint64(b.Count * b.Types)
		id += uint64(b.Types)
	}
	t.bins = append(t.bins, leftBin{first: math.MaxUint64})
	return t
}

func (t *leftTable) at(u uint64) token.ID {
	i := t.guide[u>>t.shift]
	for u >= t.bins[i+1].first {
		i++
	}
	b := &t.bins[i]
	off := u - b.first
	if off|b.count < 1<<32 {
		return token.ID(b.token + uint64(uint32(off)/uint32(b.count)))
	}
	return token.ID(b.token + off/b.count)
}

// permutation is a pseudo-random permutation of the numbers below n. Numbers are pairs
// of digits in base side ≥ √n, permuted by a Feistel network; results that are not
// below n are permuted again.
type permutation struct {
	n, side uint64
	keys    [4]uint64
}

func newPermutation(n, seed uint64) *permutation {
	p := &permutation{n: n, side: uint64(math.Sqrt(float64(n)))}
	for p.side*p.side < n {
		p.side++
	}
	rng := seeded(seed, 2)
	for i := range p.keys {
		p.keys[i] = rng.Uint64()
	}
	return p
}

func (p *permutation) at(x uint64) uint64 {
	a, b := x/p.side, x%p.side
	for {
		for _, key := range &p.keys {
			h := (b ^ key) * 0x9e3779b97f4a7c15
			h = (h ^ h>>32) * 0xbf58476d1ce4e5b9
			f, _ := bits.Mul64(h^h>>29, p.side)
			f += a
			if f >= p.side {
				f -= p.side
			}
			a, b = b, f
		}
		if y := a*p.side + b; y < p.n {
			return y
		}
	}
}
