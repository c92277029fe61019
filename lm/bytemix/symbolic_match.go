package bytemix

func (s *symbolic) byteAt(i uint32) byte {
	if n := uint32(len(s.text)); i >= n {
		return s.win[i-n]
	}
	return s.text[i]
}

// expectations reads what the followers expect. Followers 0 and 1 go forward from long
// and short matches, 2 and 3 backward on the other strand.
func (s *symbolic) expectations() {
	for i := range s.follow {
		f := &s.follow[i]
		s.expect[i] = 0
		if f.ptr == 0 || f.ptr >= s.pos {
			continue
		}
		v := uint32(s.byteAt(f.ptr))
		if i >= 2 {
			v = 3 - v
		}
		s.expect[i] = 1<<s.width | v
		s.trustI[i] = lengthBucket(f.length)*4 + missBucket(f.miss&0xff)
	}
}

// minLen are the lengths of the long and the short match in symbols.
func (s *symbolic) minLen(i int) int {
	if s.dna {
		return [2]int{24, 13}[i]
	}
	return [2]int{8, 5}[i]
}

func (s *symbolic) advance(sym uint32) {
	for i := range s.follow {
		f := &s.follow[i]
		if f.ptr == 0 {
			continue
		}
		f.miss <<= 1
		if s.expect[i] == 1<<s.width|sym {
			f.length++
		} else {
			f.miss |= 1
			f.length = f.length / 4
		}
		switch {
		case ones16(f.miss) > 8:
			f.ptr = 0
		case i < 2:
			f.ptr++
		default:
			f.ptr--
		}
	}
	s.last = s.last<<s.width | uint64(sym)
	if s.dna {
		s.reverse = s.reverse>>2 | uint64(3-sym)<<62
	}
	s.count = min(s.count+1, 64)
	if s.training {
		s.text = append(s.text, byte(sym))
	} else {
		s.win = append(s.win, byte(sym))
	}
	s.pos++
	s.seek()
}

func ones16(v uint32) int {
	n := 0
	for v &= 0xffff; v != 0; v &= v - 1 {
		n++
	}
	return n
}

// seek searches for matches for followers that have none.
func (s *symbolic) seek() {
	for i := range s.seen {
		n := s.minLen(i)
		if int(s.count) < n {
			continue
		}
		t := s.seen[i]
		shift := 64 - uint(min(22, s.bits))
		v := s.last & (1<<(s.width*uint(n)) - 1)
		key := v * 0x9E3779B97F4A7C15 >> shift
		old := t[key]
		if f := &s.follow[i]; old != 0 && (f.ptr == 0 || f.length < 8 && f.miss&0xff != 0) && old != f.ptr {
			l := uint32(0)
			for l < 32 && l < old-1 && s.byteAt(old-1-l) == s.byteAt(s.pos-1-l) {
				l++
			}
			if l >= uint32(n) && l > f.length {
				*f = follower{ptr: old, length: l}
			}
		}
		if s.dna {
			if f := &s.follow[2+i]; f.ptr == 0 || f.length < 8 && f.miss&0xff != 0 {
				w := s.reverse >> (64 - 2*uint(n))
				q := t[w*0x9E3779B97F4A7C15>>shift]
				// The occurrence of the reversed context ends before q.
				if q > uint32(n)+1 && q-uint32(n)-1 != f.ptr {
					l := uint32(0)
					start := q - uint32(n)
					for l < 32 && start+l < s.pos && l < s.pos-1 && uint32(s.byteAt(start+l)) == 3-uint32(s.byteAt(s.pos-1-l)) {
						l++
					}
					if l >= uint32(n) && l > f.length {
						*f = follower{ptr: start - 1, length: l}
					}
				}
			}
		}
		if s.keeping {
			s.words = append(s.words, wordRecord{uint64(i)<<56 | key, old})
		}
		t[key] = s.pos
	}
}
