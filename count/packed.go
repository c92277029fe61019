package count

import (
	"encoding/binary"
	"encoding/json"
	"slices"

	"github.com/l2m-lab/l2m/info"
)

// Packed is a compact form of Counts, of which there is one per block and distance. Its
// JSON is that of Counts.
//
// It is a sequence of varints: the number of pairs, then for each histogram the number
// of bins and, for each bin, the increase of the count over the bin before, and the
// types.
type Packed []byte

// Pack packs the counts.
func (c Counts) Pack() Packed {
	p := binary.AppendVarint(nil, c.Pairs)
	for _, h := range [...]info.Histogram{c.Joint, c.Left, c.Right} {
		p = binary.AppendVarint(p, int64(len(h)))
		last := int64(0)
		for _, b := range h {
			p = binary.AppendVarint(p, b.Count-last)
			p = binary.AppendVarint(p, b.Types)
			last = b.Count
		}
	}
	return slices.Clone(p)
}

// Counts unpacks the counts.
func (p Packed) Counts() Counts {
	next := func() int64 {
		v, n := binary.Varint(p)
		p = p[max(n, 0):]
		return v
	}
	histogram := func() info.Histogram {
		n := next()
		if n <= 0 || n > int64(len(p)) {
			return nil
		}
		h := make(info.Histogram, n)
		last := int64(0)
		for i := range h {
			last += next()
			h[i] = info.Bin{Count: last, Types: next()}
		}
		return h
	}
	return Counts{Pairs: next(), Joint: histogram(), Left: histogram(), Right: histogram()}
}

// MarshalJSON writes the counts.
func (p Packed) MarshalJSON() ([]byte, error) { return json.Marshal(p.Counts()) }

// UnmarshalJSON reads counts.
func (p *Packed) UnmarshalJSON(data []byte) error {
	var c Counts
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	*p = c.Pack()
	return nil
}
