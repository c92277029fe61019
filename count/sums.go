package count

// sums collects the counts of all workers at one distance.
type sums struct {
	joint, left, right tally
	blocks             []blockSums
}

// blockSums is the change of the histograms when a block is left out.
type blockSums struct{ joint, left, right tally }

const sumsBytes = 3 * tallyBytes

func newSums(blocks int) *sums { return &sums{blocks: make([]blockSums, blocks)} }

func (s *sums) reset() {
	s.joint.reset()
	s.left.reset()
	s.right.reset()
	for i := range s.blocks {
		b := &s.blocks[i]
		b.joint.reset()
		b.left.reset()
		b.right.reset()
	}
}

// addPairs adds the result of counter.pairs.
func (s *sums) addPairs(c *counter) {
	c.addTo(&s.joint, 1)
	s.right.merge(&c.tokens)
	for i := range s.blocks {
		c.blocks[i].addTo(&s.blocks[i].joint, -1)
		s.blocks[i].right.merge(&c.blocks[i].tokens)
	}
}

// addLeft adds the result of counter.leftTokens.
func (s *sums) addLeft(c *counter) {
	c.addTo(&s.left, 1)
	for i := range s.blocks {
		s.blocks[i].left.merge(&c.blocks[i].tokens)
	}
}

// mergePairs adds the result of merging pairs.
func (s *sums) mergePairs(o *sums) {
	s.joint.merge(&o.joint)
	s.right.merge(&o.right)
	for i := range s.blocks {
		s.blocks[i].joint.merge(&o.blocks[i].joint)
		s.blocks[i].right.merge(&o.blocks[i].right)
	}
}

// distance returns the finished histograms.
func (s *sums) distance(d int, used []bool) Distance {
	counts := func(joint, left, right *tally) Counts {
		out := Counts{Joint: joint.histogram(), Left: left.histogram(), Right: right.histogram()}
		out.Pairs = out.Joint.Total()
		return out
	}
	out := Distance{Distance: d, Counts: counts(&s.joint, &s.left, &s.right)}
	for i := range s.blocks {
		if used[i] {
			b := &s.blocks[i]
			out.Without = append(out.Without, counts(s.joint.changed(&b.joint), s.left.changed(&b.left), s.right.changed(&b.right)).Pack())
		}
	}
	return out
}

// changed returns t with the change added.
func (t *tally) changed(by *tally) *tally {
	out := *t
	out.large = t.large.clone()
	out.merge(by)
	return &out
}

// addTo adds the histogram to t, or subtracts it if sign is −1; large holds the change
// itself for a block.
func (l *levels) addTo(t *tally, sign int64) {
	for c := 1; c < heavy; c++ {
		t.small[c] += sign * (int64(l.reached[c]) - int64(l.reached[c+1]))
	}
	for _, b := range l.large.histogram() {
		t.add(b.Count, b.Types)
	}
}
