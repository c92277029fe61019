package process

import (
	"context"
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// OfSymbols says whether models of stationary symbols can be damaged so: by no more
// than Order and Smoothing. The others need a density.
func (d Damage) OfSymbols() bool {
	return d.Model == "" && d == Damage{Order: d.Order, Smoothing: d.Smoothing, Horizon: d.Horizon}
}

// DamagedSymbols returns the model of a stationary process of symbols with the damage
// done.
func DamagedSymbols(p Process[token.ID], d Damage) (lm.Model[token.ID], error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	m := p.Model()
	switch stationary := p.Describe().Shift == Stationary; {
	case d == Damage{}:
		return m, nil
	case !stationary || !d.OfSymbols():
		return nil, fmt.Errorf("damage %q: of symbols, only models of stationary processes can be damaged, by order and smoothing", d)
	}
	first := m // predicts a token from nothing
	if d.Order > 0 {
		// Stationary: the law of a token given the k before it is that of token k+1
		// given all before it.
		var err error
		if m, err = lm.Restrict(m, d.Order, 1); err != nil {
			return nil, err
		}
	}
	if d.Smoothing > 0 {
		m = &smoothed{m, first, d.Smoothing}
	}
	return m, nil
}

// smoothed predicts (1−ε)·p + ε·(the law of a single token).
type smoothed struct {
	model, first lm.Model[token.ID]
	epsilon      float64
}

func (m *smoothed) Info() lm.Info {
	info := m.model.Info()
	info.Name = fmt.Sprintf("%s smoothed by %g", info.Name, m.epsilon)
	info.Fingerprint = fingerprint(fmt.Sprintf("%s smoothed by %g", info.Fingerprint, m.epsilon))
	return info
}

func (m *smoothed) LogProbs(ctx context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	out, err := m.model.LogProbs(ctx, r)
	if err != nil {
		return out, err
	}
	single, err := m.singles(ctx, r)
	if err != nil {
		return lm.Scores{}, err
	}
	mix := func(tokens []token.ID, scores []float32) {
		for i, s := range scores {
			scores[i] = float32(math.Log((1-m.epsilon)*math.Exp(float64(s)) + m.epsilon*single[tokens[i]]))
		}
	}
	mix(r.Tokens, out.Tokens)
	for i, b := range r.Branches {
		mix(b.Tokens, out.Branches[i])
	}
	return out, nil
}

// singles are the probabilities of the tokens of a request without a past.
func (m *smoothed) singles(ctx context.Context, r lm.Request[token.ID]) (map[token.ID]float64, error) {
	out := map[token.ID]float64{}
	var alone lm.Request[token.ID]
	add := func(tokens []token.ID) {
		for _, t := range tokens {
			if _, known := out[t]; !known {
				out[t] = 0
				alone.Branches = append(alone.Branches, lm.Branch[token.ID]{Tokens: []token.ID{t}})
			}
		}
	}
	add(r.Tokens)
	for _, b := range r.Branches {
		add(b.Tokens)
	}
	scores, err := m.first.LogProbs(ctx, alone)
	if err != nil {
		return nil, err
	}
	for i, b := range alone.Branches {
		out[b.Tokens[0]] = math.Exp(float64(scores.Branches[i][0]))
	}
	return out, nil
}
