package corpus

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// Split is a division of a corpus into training and evaluation text.
//
// A document is evaluated if a seeded hash of its content is below the fraction:
// the split survives renaming and reordering, and a document keeps its side when
// others are added. Of three or more documents at least two are evaluated and at
// least one trains. Of two documents, one trains, and contiguous blocks of the
// other stand in for documents. Of a single document the first half trains and
// the second half is evaluated in blocks. With a fraction of 1 everything is
// evaluated and nothing trains.
type Split struct {
	c        *Corpus
	seed     uint64
	training []int // documents, sorted by hash
	regions  []region
	blocks   bool
	whole    bool // all of every document is training text

	encode Encode  // nil: bytes are the tokens
	mean   float64 // bytes per token, measured
}

// region is a resampling unit of evaluation text: a document, or a block of the
// only one.
type region struct {
	doc        int
	start, end int64 // bytes
}

// maxBlocks is the number of blocks of a single document: enough of them for a
// bootstrap, and long enough to be nearly independent.
const maxBlocks = 32

// Split splits the corpus; fraction is the share of the documents to evaluate.
func (c *Corpus) Split(seed uint64, fraction float64) *Split {
	s := &Split{c: c, seed: seed}
	if c.docs.n == 1 {
		if fraction >= 1 {
			s.cut(0, 0)
			return s
		}
		s.training = []int{0}
		s.cut(0, c.docs.at(0).bytes/2)
		return s
	}
	order := make([]int, c.docs.n)
	draw := make([]float64, c.docs.n)
	for i := range c.docs.n {
		order[i], draw[i] = i, c.docs.at(i).draw(seed, "split")
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(draw[a], draw[b]), cmp.Compare(a, b)) })
	evaluate := 0
	for evaluate < len(order) && draw[order[evaluate]] < fraction {
		evaluate++
	}
	if fraction < 1 {
		evaluate = min(max(evaluate, 2), len(order)-1)
	}
	for _, doc := range slices.Sorted(slices.Values(order[:evaluate])) {
		s.regions = append(s.regions, region{doc, 0, c.docs.at(doc).bytes})
	}
	s.training = slices.Sorted(slices.Values(order[evaluate:]))
	if evaluate == 1 {
		s.regions = nil
		s.cut(order[0], 0)
	}
	return s
}

// All puts every document on both sides, to either train or evaluate a model on
// the whole corpus.
func (c *Corpus) All(seed uint64) *Split {
	s := &Split{c: c, seed: seed, whole: true}
	for i, d := range c.docs.all() {
		s.training = append(s.training, i)
		s.regions = append(s.regions, region{i, 0, d.bytes})
	}
	return s
}

// cut cuts a document, from byte from on, into blocks.
func (s *Split) cut(doc int, from int64) {
	s.blocks = true
	n := s.c.docs.at(doc).bytes - from
	for b := range int64(maxBlocks) {
		s.regions = append(s.regions, region{doc, from + n*b/maxBlocks, from + n*(b+1)/maxBlocks})
	}
}

// Blocks reports whether a single document is evaluated, in blocks.
func (s *Split) Blocks() bool { return s.blocks }

// Training is the number of training documents.
func (s *Split) Training() int { return len(s.training) }

// Evaluation is the number of evaluation documents, 1 if that one is cut into blocks.
func (s *Split) Evaluation() int {
	if s.blocks {
		return 1
	}
	return len(s.regions)
}

// TrainingBytes is the total length of the training text.
func (s *Split) TrainingBytes() int64 {
	var n int64
	for _, doc := range s.training {
		n += s.trainable(doc)
	}
	return n
}

// trainable is the number of leading bytes of a training document that are training text.
func (s *Split) trainable(doc int) int64 {
	if s.c.docs.n == 1 && !s.whole {
		return s.c.docs.at(doc).bytes / 2
	}
	return s.c.docs.at(doc).bytes
}

// forLength returns the regions long enough for a window of length tokens. Blocks
// of a single document are merged, down to eight, until they hold two.
func (s *Split) forLength(length int) []region {
	span := s.span(length)
	regions := s.regions
	if s.blocks {
		for n := maxBlocks; n > 8 && regions[0].end-regions[0].start < 2*span; n /= 2 {
			merged := make([]region, 0, n/2)
			for i := 0; i+1 < len(regions); i += 2 {
				merged = append(merged, region{regions[i].doc, regions[i].start, regions[i+1].end})
			}
			regions = merged
		}
	}
	var fit []region
	for _, r := range regions {
		if r.end-r.start >= span {
			fit = append(fit, r)
		}
	}
	return fit
}

// TooShortError says that fewer than two evaluation documents (or blocks of the
// only one) are long enough for windows of the wanted length.
type TooShortError struct {
	Length  int    // wanted, tokens; 0 if none was given
	Bytes   int64  // longest text that such a window may take
	Longest int64  // bytes of the longest evaluation document
	Name    string // of that document
	Holding int    // evaluation documents (or blocks) that are long enough
	Fits    int    // largest power of two that would fit; 0 if none would
	Blocks  bool   // there is only one evaluation document
}

func (e *TooShortError) Error() string {
	length := fmt.Sprintf("%d bytes", e.Bytes)
	if wanted := max(e.Length, 4); e.Bytes != int64(wanted) {
		length = fmt.Sprintf("%d tokens (up to %d bytes)", wanted, e.Bytes)
	}
	msg := fmt.Sprintf("windows of %s need two evaluation documents of that length, and there are %d: the longest, %s, has %d bytes", length, e.Holding, e.Name, e.Longest)
	if e.Blocks {
		msg = fmt.Sprintf("windows of %s need two blocks of that length in the only evaluation document, which is too short: %s, the longest, has %d bytes", length, e.Name, e.Longest)
	}
	if e.Fits > 0 {
		return fmt.Sprintf("%s; --length %d would fit", msg, e.Fits)
	}
	return msg + " (give more or longer documents)"
}

// wantRegions is the number of evaluation documents that suffices for a window
// length to be chosen.
const wantRegions = 30

// SuggestLength chooses the window length in tokens: the largest power of two, at
// most longest, for which at least two evaluation documents are long enough and
// these are 30 or more or hold at least half of the evaluation bytes. Of a single
// document eight blocks must be long enough. The error is a *TooShortError.
func (s *Split) SuggestLength(longest int) (int, error) {
	var all int64
	for _, r := range s.regions {
		all += r.end - r.start
	}
	for length := 1 << (bits.Len(uint(longest)) - 1); length >= 4; length /= 2 {
		fit := s.forLength(length)
		var in int64
		for _, r := range fit {
			in += r.end - r.start
		}
		switch {
		case s.blocks && len(fit) >= 8,
			!s.blocks && len(fit) >= 2 && (len(fit) >= wantRegions || 2*in >= all):
			return length, nil
		}
	}
	return 0, s.tooShort(0)
}

// CheckLength reports whether windows of that many tokens can be drawn; the
// error is a *TooShortError.
func (s *Split) CheckLength(length int) error {
	if n := len(s.forLength(length)); n >= 2 || s.whole && n == 1 {
		return nil
	}
	return s.tooShort(length)
}

func (s *Split) tooShort(length int) error {
	e := &TooShortError{Length: length, Bytes: s.span(max(length, 4)), Blocks: s.blocks, Holding: len(s.forLength(max(length, 4)))}
	for _, r := range s.regions {
		if n := s.c.docs.at(r.doc).bytes; n > e.Longest {
			e.Longest, e.Name = n, s.c.Name(r.doc)
		}
	}
	for fits := 1 << 30; fits >= 4; fits /= 2 {
		if len(s.forLength(fits)) >= 2 {
			e.Fits = fits
			break
		}
	}
	return e
}

// errFewDocuments says that cross contexts cannot come from other documents.
var errFewDocuments = errors.New("cross contexts need windows from two or more documents")
