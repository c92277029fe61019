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
	segment       int64   // compressive memory
	beta          float64 // L^beta/beta slots
	logLinear     bool
}

// ParsePolicy reads a cache policy:
//
//	full              keep everything
//	sinks:4+2044      the first 4 and the last 2,044 tokens (StreamingLLM, arXiv 2309.17453)
//	budget:2048       2,048 tokens, whichever (H2O, SnapKV and others)
//	compressive:2048  a segment of 2,048 tokens and one matrix memory per key–value head
//	                  (Infini-attention, arXiv 2404.07143)
//	power:0.76        L^0.76/0.76 tokens: one of d^(1−0.76) at distance d ★
//	log-linear        one state per power of two of the past (log-linear attention, arXiv 2506.04761);
//	                  applies to recurrent layers, the others to attention layers
func ParsePolicy(s string) (Policy, error) {
	p := Policy{Name: s}
	verb, rest, _ := strings.Cut(s, ":")
	positive := func(s string) (int64, error) {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 1 || n > maxSize {
			return 0, fmt.Errorf("cache policy %q: %q is not a number of tokens", p.Name, s)
		}
		return n, nil
	}
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
		if p.sinks, err = positive(sinks); err == nil {
			p.window, err = positive(window)
		}
	case "budget":
		p.budget, err = positive(rest)
	case "compressive":
		p.segment, err = positive(rest)
	case "power":
		p.beta, err = strconv.ParseFloat(rest, 64)
		if err != nil || !(p.beta > 0 && p.beta <= 1) {
			err = fmt.Errorf("cache policy %q: want an exponent above 0 and at most 1", s)
		}
	default:
		err = fmt.Errorf("unknown cache policy %q (full, sinks:4+2044, budget:2048, compressive:2048, power:0.76, log-linear)", s)
	}
	if err != nil {
		return Policy{}, err
	}
	return p, nil
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
	if p.logLinear {
		if part.Kind != Recurrent || part.Rule != Fixed {
			return []Part{part}, false, nil
		}
		part.Rule = Log
		part.What += ", one for each power of two"
		return []Part{part}, true, nil
	}
	grows := part.Rule == PerToken
	if !grows && (part.Rule != Bounded || part.Kind != Window) {
		return []Part{part}, false, nil
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
	case p.window > 0:
		bound(p.sinks+p.window, fmt.Sprintf(", the first %d and the last %d kept", p.sinks, p.window))
	case p.budget > 0:
		bound(p.budget, fmt.Sprintf(", %d kept", p.budget))
	case p.beta > 0:
		if !grows {
			return []Part{part}, false, nil
		}
		part.Rule, part.Beta = Slots, p.beta
		part.What += fmt.Sprintf(", L^%g/%g kept", p.beta, p.beta)
	case p.segment > 0:
		if !grows {
			return []Part{part}, false, nil
		}
		if part.heads == 0 {
			return nil, false, fmt.Errorf("compressive memory needs keys and values of separate heads, and %s has none", part.What)
		}
		// At most maxSize³·2, which fits only below 2^63: checked.
		width := float64(part.heads) * (float64(part.key)*float64(part.val) + float64(part.key))
		if width > math.MaxInt64/2 {
			return nil, false, fmt.Errorf("the memory does not fit in 63 bits")
		}
		mem := Part{
			Kind: Recurrent, Rule: Fixed, Width: part.heads * (part.key*part.val + part.key), Float32: false,
			What: fmt.Sprintf("%d memories of %d × %d with normalisers", part.heads, part.key, part.val),
		}
		bound(p.segment, fmt.Sprintf(", segment of %d", p.segment))
		return []Part{part, mem}, true, nil
	}
	return []Part{part}, true, nil
}
