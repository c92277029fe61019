package bytemix

// lanes are the adaptive probabilities in use for one bit: 22 bits of
// probability above a count of 10 bits. They are gathered from their tables,
// adapted together and put back.
type lanes struct {
	v    [nLanes]uint32
	flip [nLanes]uint32 // 22 ones where the probability is that of a 0
}

// adaptGeneric is the reference for the assembly. Every probability moves towards the
// bit by 1/(n+1.5) of the distance, where n is its count, at most limit, or at most
// direct for the direct probabilities (from laneDirect to laneExpect).
func (l *lanes) adaptGeneric(y uint32, k *constants, limit, direct uint32) {
	target := y<<22 - y
	for i, e := range l.v {
		n := e & 1023
		top := limit
		if i >= laneDirect && i < laneExpect {
			top = direct
		}
		d := (int32(target^l.flip[i]) - int32(e>>10)) >> 3 * k.recip[min(n, top)]
		e += uint32(d) &^ 1023
		if n < top {
			e++
		}
		l.v[i] = e
	}
}
