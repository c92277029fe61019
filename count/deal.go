package count

import "math/rand/v2"

// Defaults of l2m twopoint.
const (
	DefaultBlocks      = 16      // blocks
	DefaultBlockTokens = 1 << 14 // tokens of a run, if there are few documents
	DefaultTables      = 256     // largest vocabulary for which Tables are kept
)

// Sizes sums up the lengths of the documents of a corpus.
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

// Effective is the effective number of documents, (Σn)²/Σn² (Kish).
func (s Sizes) Effective() float64 {
	if s.Squares == 0 {
		return 0
	}
	return s.Sum * s.Sum / s.Squares
}

// leastEffective is the number of effective documents from which whole documents are
// left out.
const leastEffective = 8

// Divide adapts Blocks and BlockTokens to a corpus. Given enough documents, none of
// which dominates, whole documents are left out, in at most as many blocks as
// documents; otherwise runs of BlockTokens tokens.
func (o Options) Divide(s Sizes) Options {
	if o.Blocks == 0 || s.Documents >= DefaultBlocks && s.Effective() >= leastEffective {
		o.Blocks, o.BlockTokens = min(o.Blocks, s.Documents), 0
	}
	return o
}

// BlockAt returns the block of the token at an offset in document doc, 0 without
// blocks. The block of a pair is that of its right token.
func (o Options) BlockAt(doc, offset int) int {
	switch {
	case o.Blocks == 0:
		return 0
	case o.BlockTokens > 0:
		return runBlockOf(offset/o.BlockTokens, doc, o.Blocks, o.Seed)
	}
	return BlockOf(doc, o.Blocks, o.Seed)
}

// Sampled reports whether document doc is in the sample.
func (o Options) Sampled(doc int) bool {
	return o.Sample == 0 || float64(mix(mix(o.Seed)+uint64(doc))>>11)/(1<<53) < o.Sample
}

// BlockOf returns the block of document doc, of the given number of blocks. Of every
// consecutive blocks documents each block gets one, in a random order: the order of
// documents does not matter.
func BlockOf(doc, blocks int, seed uint64) int {
	return seeded(mix(seed), uint64(doc/blocks)).Perm(blocks)[doc%blocks]
}

// runBlockOf does the same for a run of tokens of a document.
func runBlockOf(run, doc, blocks int, seed uint64) int {
	return BlockOf(run, blocks, mix(seed)+uint64(doc))
}

// seeded returns the generator for a purpose.
func seeded(seed, purpose uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, purpose)) }

// mix is the output function of SplitMix64 (Steele, Lea, Flood 2014), a
// bijection of 64 bits whose output bits all depend on all input bits.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
