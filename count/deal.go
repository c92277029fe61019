package count

import "math/rand/v2"

// How l2m twopoint divides documents, and which tables it keeps.
const (
	DefaultBlocks      = 16      // blocks
	DefaultBlockTokens = 1 << 14 // tokens of a run, where documents are too few
	DefaultTables      = 256     // largest vocabulary whose Tables are kept
)

// Sizes are those of the documents of a corpus.
type Sizes struct {
	Documents    int
	Sum, Squares float64 // of their lengths, in bytes
}

// Add adds a document.
func (s *Sizes) Add(bytes int64) {
	s.Documents++
	s.Sum += float64(bytes)
	s.Squares += float64(bytes) * float64(bytes)
}

// Effective is as many documents of equal length as vary like these, (Σ)²/Σ².
func (s Sizes) Effective() float64 {
	if s.Squares == 0 {
		return 0
	}
	return s.Sum * s.Sum / s.Squares
}

// leastEffective is the number of documents, when all are alike, that whole
// documents are left out of.
const leastEffective = 8

// Divide fits Blocks and BlockTokens to a corpus: whole documents are left out, in
// no more blocks than documents, where there are DefaultBlocks of them or more and
// the text is not mostly of a few; runs of BlockTokens tokens elsewhere.
func (o Options) Divide(s Sizes) Options {
	if o.Blocks == 0 || s.Documents >= DefaultBlocks && s.Effective() >= leastEffective {
		o.Blocks, o.BlockTokens = min(o.Blocks, s.Documents), 0
	}
	return o
}

// BlockAt returns the block of a token by its offset in the document numbered
// doc, 0 where there are no blocks. The block of a pair is that of its right
// token.
func (o Options) BlockAt(doc, offset int) int {
	switch {
	case o.Blocks == 0:
		return 0
	case o.BlockTokens > 0:
		return runBlockOf(offset/o.BlockTokens, doc, o.Blocks, o.Seed)
	}
	return BlockOf(doc, o.Blocks, o.Seed)
}

// Sampled says whether the document numbered doc is among the share of the
// documents that Seed chooses.
func (o Options) Sampled(doc int) bool {
	return o.Sample == 0 || float64(mix(mix(o.Seed)+uint64(doc))>>11)/(1<<53) < o.Sample
}

// BlockOf returns the block, of the given number, to which the document numbered
// doc falls. In every round of that many documents each block gets one, in an
// order drawn anew: in which order the documents come does not matter.
func BlockOf(doc, blocks int, seed uint64) int {
	return seeded(mix(seed), uint64(doc/blocks)).Perm(blocks)[doc%blocks]
}

// runBlockOf returns the block of a run of tokens of a document, likewise.
func runBlockOf(run, doc, blocks int, seed uint64) int {
	return BlockOf(run, blocks, mix(seed)+uint64(doc))
}

// seeded returns the generator of one purpose under a seed.
func seeded(seed, purpose uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, purpose)) }

// mix is the output function of SplitMix64 (Steele, Lea, Flood 2014), a
// bijection of 64 bits whose output bits all depend on all input bits.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
