package count

import "maps"

// sums gathers what the workers counted at one distance.
type sums struct {
	joint, left levelSums
	right       tally
	blocks      []blockSums
}

type blockSums struct {
	joint, left levelSums // taken away
	right       tally     // change
}

// levelSums is levels with wide counts.
type levelSums struct {
	reached [heavy + 1]int64
	large   map[int64]int64
}

const sumsBytes = 3 * tallyBytes

func newSums(blocks int) *sums { return &sums{blocks: make([]blockSums, blocks)} }

// addPairs adds what counter.pairs found.
func (s *sums) addPairs(c *counter) {
	s.joint.add(&c.levels)
	s.right.merge(&c.right)
	for i := range s.blocks {
		s.blocks[i].joint.add(&c.blocks[i].levels)
		s.blocks[i].right.merge(&c.blocks[i].right)
	}
}

// addLeft adds what counter.leftTokens found.
func (s *sums) addLeft(c *counter) {
	s.left.add(&c.levels)
	for i := range s.blocks {
		s.blocks[i].left.add(&c.blocks[i].levels)
	}
}

// distance returns the finished histograms.
func (s *sums) distance(d int, used []bool) Distance {
	counts := func(joint, left levelSums, right *tally) Counts {
		out := Counts{Joint: joint.histogram(), Left: left.histogram(), Right: right.histogram()}
		out.Pairs = out.Joint.Total()
		return out
	}
	out := Distance{Distance: d, Counts: counts(s.joint, s.left, &s.right)}
	for i := range s.blocks {
		if !used[i] {
			continue
		}
		b := &s.blocks[i]
		right := s.right
		right.large = maps.Clone(s.right.large)
		right.merge(&b.right)
		out.Without = append(out.Without, counts(s.joint.without(&b.joint), s.left.without(&b.left), &right))
	}
	return out
}

func (s *levelSums) add(l *levels) {
	for c, n := range l.reached {
		s.reached[c] += int64(n)
	}
	for c, n := range l.large {
		if s.large == nil {
			s.large = map[int64]int64{}
		}
		s.large[c] += n
	}
}

// without returns s less what leaving out a block takes away.
func (s *levelSums) without(b *levelSums) levelSums {
	out := levelSums{large: maps.Clone(s.large)}
	for c := range out.reached {
		out.reached[c] = s.reached[c] - b.reached[c]
	}
	for c, n := range b.large {
		if out.large == nil {
			out.large = map[int64]int64{}
		}
		out.large[c] += n
	}
	return out
}

func (s levelSums) histogram() Histogram {
	t := tally{large: s.large}
	for c := 1; c < heavy; c++ {
		t.small[c] = s.reached[c] - s.reached[c+1]
	}
	return t.histogram()
}
