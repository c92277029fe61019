package study

import (
	"bytes"
	"math"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/lab/train"
	"github.com/l2m-lab/l2m/result"
)

// derive adds to a cell what follows from its recipe: the operations of a token, and of
// a recall task how much the evaluations show that the state held.
func derive(done *result.StudyCell, c Cell) error {
	data, err := open(c.Recipe.Data)
	if err != nil {
		return err
	}
	r, err := c.Recipe.Settled(data)
	if err != nil {
		return err
	}
	if done.Operations == 0 {
		done.Operations = r.Model.Operations(done.Length)
	}
	model, err := arch.Parse(bytes.NewReader(r.Model.JSON()))
	if err != nil {
		return err
	}
	of := func(length int, loss float64, accuracy *float64) (*result.Recalled, error) {
		pairs, values := train.Recall(data, length)
		if pairs == 0 || accuracy == nil {
			return nil, nil
		}
		s, err := model.State(int64(2 * pairs)) // all pairs are told by then, and nothing else
		if err != nil {
			return nil, err
		}
		return recalled(pairs, values, loss, *accuracy, s.Total), nil
	}
	if done.Recalled, err = of(done.Length, done.Loss, done.Accuracy); err != nil {
		return err
	}
	for i := range done.Others {
		e := &done.Others[i]
		if e.Recalled, err = of(e.Length, e.Loss, e.Accuracy); err != nil {
			return err
		}
	}
	return nil
}

// recalled is what the answers to questions about pairs, whose values are drawn without
// replacement from so many, show about a state ★. Given the keys, the values V have
// the entropy ln(values!/(values−pairs)!), and
//
//	I(state; V) = H(V) − H(V | state) ≥ H(V) − Σ H(V_i | state),
//
// where H(V_i | state) is at most the loss of any predictor that reads the state, and,
// by Fano, at most h(a) + (1−a)·ln(values−1) for one that is right with probability a.
// The smaller of the two is taken.
func recalled(pairs, values int, loss, accuracy float64, elements int64) *result.Recalled {
	n, p := float64(values), float64(pairs)
	all, _ := math.Lgamma(n + 1)
	rest, _ := math.Lgamma(n - p + 1)
	fano := (1 - accuracy) * math.Log(max(n-1, 1))
	for _, x := range []float64{accuracy, 1 - accuracy} {
		if x > 0 {
			fano -= x * math.Log(x)
		}
	}
	out := &result.Recalled{Told: pairs, Elements: elements, Nats: max(0, all-rest-p*min(loss, fano))}
	if values > 1 {
		out.Pairs = max(0, p*(accuracy-1/n)/(1-1/n))
	}
	return out
}
