package arch

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/info"
)

// Policy changes what a model keeps of its attention or its recurrence without
// changing its weights' shapes. The zero value keeps everything.
type Policy struct {
	Name string // canonical form, as ParsePolicy reads it

	sinks, window int64   // attention sinks and the last tokens
	budget        int64   // entries in all
	compressive   int64   // tokens of the current segment
	slots         float64 // exponent: scale·L^slots entries
	fenwick       bool    // a block of 2^j tokens keeps scale·2^(slots·j) entries
	scale         float64
	segment       int64 // tokens to a state of recurrent layers
	logLinear     bool
	quant         string // storage format of keys and values
	recent        int64  // of the last tokens, which are not quantised
}

// ParsePolicy reads a cache policy:
//
//	full              keep everything
//	window:4096       the last 4,096 tokens
//	sinks:4+2044      the first 4 and the last 2,044 tokens (StreamingLLM, arXiv 2309.17453)
//	budget:2048       2,048 tokens, whichever (H2O, SnapKV and others)
//	compressive:2048  a segment of 2,048 tokens and one matrix memory per key–value head
//	                  (Infini-attention, arXiv 2404.07143)
//	power:0.76        L^0.76/0.76 tokens: one of d^(1−0.76) at distance d ★
//	pattern:k^1/0.76  one token at each of the distances k^(1/0.76): L^0.76 tokens
//	                  (nested sparse attention, arXiv 2605.31367, with k^2)
//	fenwick:1.5,0.76  of each block of 2^j tokens ⌈1.5·2^(0.76·j)⌉ slots ★
//	quant:q4_0+128    keys and values in q4_0, but those of the last 128 tokens (KIVI, arXiv 2402.02750)
//	segments:2048     recurrent layers: a state for each 2,048 tokens (memory caching, arXiv 2602.24281)
//	log-linear        recurrent layers: a state for each power of two of the past
//	                  (log-linear attention, arXiv 2506.04761)
//
// The last two apply to recurrent layers, the others to attention layers.
func ParsePolicy(s string) (Policy, error) {
	p := Policy{Name: s}
	verb, rest, _ := strings.Cut(s, ":")
	var err error
	switch verb {
	case "full":
		return Policy{}, nil
	case "log-linear":
		p.logLinear = true
		if rest != "" {
			err = fmt.Errorf("cache policy %q: log-linear takes no number", s)
		}
	case "sinks":
		sinks, window, ok := strings.Cut(rest, "+")
		if !ok {
			return Policy{}, fmt.Errorf("cache policy %q: want sinks:FIRST+LAST, such as sinks:4+2044", s)
		}
		if p.sinks, err = p.tokens(sinks); err == nil {
			p.window, err = p.tokens(window)
		}
	case "window":
		p.window, err = p.tokens(rest)
	case "budget":
		p.budget, err = p.tokens(rest)
	case "compressive":
		p.compressive, err = p.tokens(rest)
	case "segments":
		p.segment, err = p.tokens(rest)
	case "power":
		if p.slots, err = p.exponent(rest, 0); err == nil {
			p.scale = 1 / p.slots
		}
	case "pattern":
		p.slots, err = p.pattern(rest)
		p.scale = 1
	case "fenwick":
		a, b, _ := strings.Cut(rest, ",")
		p.fenwick = true
		if p.scale, err = strconv.ParseFloat(a, 64); err != nil || !(p.scale > 0 && p.scale < maxSize) {
			return Policy{}, fmt.Errorf("cache policy %q: want fenwick:A,B, such as fenwick:1.5,0.76", s)
		}
		p.slots, err = p.exponent(b, -1)
	case "quant":
		name, recent, some := strings.Cut(rest, "+")
		var d DType
		if d, err = ParseDType(name); err != nil {
			return Policy{}, fmt.Errorf("cache policy %q: %w", s, err)
		}
		if p.quant = d.Name; some {
			p.recent, err = p.tokens(recent)
		}
	default:
		err = fmt.Errorf("unknown cache policy %q (full, window:4096, sinks:4+2044, budget:2048, compressive:2048, power:0.76, pattern:k^1/0.76, fenwick:1.5,0.76, quant:q4_0+128, segments:2048, log-linear)", s)
	}
	if err != nil {
		return Policy{}, err
	}
	return p, nil
}

func (p Policy) tokens(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || n > maxSize {
		return 0, fmt.Errorf("cache policy %q: %q is not a number of tokens", p.Name, s)
	}
	return n, nil
}

// exponent reads an exponent above least and at most 1.
func (p Policy) exponent(s string, least float64) (float64, error) {
	b, err := strconv.ParseFloat(s, 64)
	if err != nil || !(b > least && b >= 0 && b <= 1) {
		return 0, fmt.Errorf("cache policy %q: want an exponent %s 0 and at most 1", p.Name, map[bool]string{true: "of at least", false: "above"}[least < 0])
	}
	return b, nil
}

// pattern reads the distances that are kept, k^2 or k^1/0.76, as the exponent of
// their number.
func (p Policy) pattern(s string) (float64, error) {
	power, ok := strings.CutPrefix(s, "k^")
	if b, inverse := strings.CutPrefix(power, "1/"); ok && inverse {
		return p.exponent(b, 0)
	}
	x, err := strconv.ParseFloat(power, 64)
	if !ok || err != nil || !(x >= 1 && x < 100) {
		return 0, fmt.Errorf("cache policy %q: want the distances that are kept, such as pattern:k^2 or pattern:k^1/0.76", p.Name)
	}
	return 1 / x, nil
}

// With is the model under a policy; the model itself is not changed. Bounds
// that a layer has already stay in force. It fails when the policy applies to
// no layer, or needs what the description of the family does not say.
func (m *Model) With(p Policy) (*Model, error) {
	if p == (Policy{}) {
		return m, nil
	}
	out := *m
	out.Name = m.Name + " + " + p.Name
	out.Layers = make([]Layer, len(m.Layers))
	changed := 0
	for i, l := range m.Layers {
		for _, part := range l.Parts {
			parts, touched, err := p.apply(part)
			if err != nil {
				return nil, fmt.Errorf("policy %s on %s: layer %d: %w", p.Name, m.Name, i, err)
			}
			if touched {
				changed++
			}
			out.Layers[i].Parts = append(out.Layers[i].Parts, parts...)
		}
	}
	if changed == 0 {
		return nil, fmt.Errorf("policy %s does not apply to %s: no layer keeps what it changes", p.Name, m.Name)
	}
	out.Warnings = append(append([]info.Warning{}, m.Warnings...), info.Warning{
		Code: "policy", Text: fmt.Sprintf("state under the cache policy %s, which the checkpoint was not necessarily trained with", p.Name),
	})
	return &out, out.check()
}

// apply says what becomes of one part.
func (p Policy) apply(part Part) ([]Part, bool, error) {
	if p.logLinear || p.segment > 0 {
		return p.recurrent(part)
	}
	grows := part.Rule == PerToken
	bounded := part.Rule == Bounded && part.Kind == Window
	if !grows && !bounded {
		return []Part{part}, false, nil
	}
	if p.quant != "" {
		return p.quantised(part)
	}
	bound := func(n int64, what string) {
		if part.Rule == Bounded {
			n = min(n, part.N)
		}
		part.Rule, part.N = Bounded, n
		part.What += what
		if part.Kind == KV || part.Kind == Latent {
			part.Kind = Window
		}
	}
	switch {
	case p.window > 0 && p.sinks == 0:
		bound(p.window, fmt.Sprintf(", the last %d kept", p.window))
	case p.window > 0:
		bound(p.sinks+p.window, fmt.Sprintf(", the first %d and the last %d kept", p.sinks, p.window))
	case p.budget > 0:
		bound(p.budget, fmt.Sprintf(", %d kept", p.budget))
	case !grows:
		return []Part{part}, false, nil
	case p.fenwick:
		part.Rule, part.Beta, part.Scale = Fenwick, p.slots, p.scale
		part.What += fmt.Sprintf(", ⌈%g·2^(%g·j)⌉ slots of each block of 2^j tokens", p.scale, p.slots)
	case p.slots > 0:
		part.Rule, part.Beta, part.Scale = Slots, p.slots, p.scale
		part.What += fmt.Sprintf(", %.4g·L^%.4g kept", p.scale, p.slots)
	case p.compressive > 0:
		mem, err := part.matrices()
		if err != nil {
			return nil, false, err
		}
		bound(p.compressive, fmt.Sprintf(", segment of %d", p.compressive))
		return []Part{part, mem}, true, nil
	}
	return []Part{part}, true, nil
}

// recurrent keeps several states of a recurrent part.
func (p Policy) recurrent(part Part) ([]Part, bool, error) {
	if part.Kind != Recurrent || part.Rule != Fixed {
		return []Part{part}, false, nil
	}
	if p.logLinear {
		part.Rule = Log
		part.What += ", one for each power of two"
	} else {
		part.Rule, part.N = Segments, p.segment
		part.What += fmt.Sprintf(", one for each %d tokens", p.segment)
	}
	return []Part{part}, true, nil
}

// quantised stores keys and values in a format of its own, but those of the most
// recent tokens.
func (p Policy) quantised(part Part) ([]Part, bool, error) {
	recent := part
	part.DType = p.quant
	part.What += " in " + p.quant
	if p.recent == 0 || part.Rule == Bounded && part.N <= p.recent {
		if p.recent > 0 {
			return []Part{recent}, false, nil // a window that is all recent
		}
		return []Part{part}, true, nil
	}
	recent.What += fmt.Sprintf(", the last %d tokens", p.recent)
	if part.Rule == Bounded {
		part.Rule, part.N, part.Cap = Beyond, p.recent, part.N-p.recent
		recent.N = p.recent
		return []Part{part, recent}, true, nil
	}
	part.Rule, part.N = Beyond, p.recent
	recent.Rule, recent.N = Bounded, p.recent
	return []Part{part, recent}, true, nil
}

// matrices are the compressive memories of an attention part, one key × value
// matrix with a normaliser for each head.
func (p Part) matrices() (Part, error) {
	if p.heads == 0 {
		return Part{}, fmt.Errorf("compressive memory needs keys and values of separate heads, and %s has none", p.What)
	}
	// At most maxSize³·2, which fits only below 2^63: checked.
	width := float64(p.heads) * (float64(p.key)*float64(p.val) + float64(p.key))
	if width > math.MaxInt64/2 {
		return Part{}, fmt.Errorf("the memory does not fit in 63 bits")
	}
	return Part{
		Kind: Recurrent, Rule: Fixed, Width: p.heads * (p.key*p.val + p.key),
		What: fmt.Sprintf("%d memories of %d × %d with normalisers", p.heads, p.key, p.val),
	}, nil
}
