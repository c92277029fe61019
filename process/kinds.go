package process

import (
	"fmt"
	"math"
)

var copiesParam = Param{"copies", "", "independent copies side by side: tokens become vectors"}

// kinds is the list of families; parameters are described with their defaults.
func kinds() []kind {
	return []kind{
		{Kind{"powergauss", "stationary Gaussian with an exact power law at every length", "powergauss:beta=0.76,signs=random", []Param{
			{"beta", "0.76", "exponent of the law, between 0 and 1"},
			{"b", "0.5", "prefactor B in nats: I(L/2;L) = B(2−2^β)(L/2)^β"},
			{"signs", "plus", "of the partial autocorrelations: plus, alternating, random, random@SEED, or a list such as +-+"},
			{"variance", "1", "variance of a token"}, copiesParam,
		}}, func(a *arguments) (Truth, error) {
			signs, err := ParseSigns(a.text("signs", "plus"))
			if err != nil {
				return nil, fmt.Errorf("signs: %w", err)
			}
			return truth(NewPowerGaussian(PowerGaussianOptions{
				Beta: a.number("beta", 0.76), B: a.positive("b", 0.5), Variance: a.positive("variance", 1), Signs: signs}))
		}},
		{Kind{"hierarchical", "hierarchical Gaussian of the L²M paper, β = log_b c", "hierarchical:c=3,copies=64", []Param{
			{"base", "4", "tokens per row, b"},
			{"c", "3", "inherited columns, or a list such as 2/3 from the finest layer upward, repeated"},
			{"corr", "-1/base", "correlation of two tokens of a row"},
			{"mixing", "", "b×b mixing matrix in place of base and corr: rows separated by /"},
			{"addition", "false", "add rows pairwise, true or false"}, copiesParam,
		}}, buildHierarchical},
		{Kind{"fgn", "fractional Gaussian noise", "fgn:hurst=0.8", []Param{
			{"hurst", "0.8", "Hurst exponent, between 0.01 and 0.99"}, {"variance", "1", "variance of a token"}, copiesParam,
		}}, func(a *arguments) (Truth, error) {
			return truth(NewFractionalNoise(a.number("hurst", 0.8), a.positive("variance", 1)))
		}},
		{Kind{"arfima", "fractionally integrated ARMA(1,1) Gaussian", "arfima:d=0.3,phi=0.2", []Param{
			{"d", "0.3", "order of fractional integration, between -0.5 and 0.5"}, {"phi", "0", "autoregressive coefficient"},
			{"theta", "0", "moving-average coefficient"}, {"variance", "1", "variance of the innovations"}, copiesParam,
		}}, func(a *arguments) (Truth, error) {
			return truth(NewARFIMA(ARFIMAOptions{D: a.number("d", 0.3), Phi: a.number("phi", 0), Theta: a.number("theta", 0), Variance: a.positive("variance", 1)}))
		}},
		{Kind{"pacf", "stationary Gaussian of given partial autocorrelations", "pacf:alpha=0.5/-0.2", []Param{
			{"alpha", "", "partial autocorrelations at lags 1, 2, …, separated by /; none for white noise"}, {"variance", "1", "variance of a token"}, copiesParam,
		}}, func(a *arguments) (Truth, error) {
			return truth(NewGaussianPACF(a.list("alpha", ""), a.positive("variance", 1)))
		}},
		{Kind{"acf", "stationary Gaussian of given autocovariances", "acf:gamma=1/0.5/0.1", []Param{
			{"gamma", "", "autocovariances at lags 0, 1, 2, …, separated by /"}, copiesParam,
		}}, func(a *arguments) (Truth, error) { return truth(NewGaussianACF(a.list("gamma", ""))) }},
		{Kind{"santafe", "Santa Fe process: discrete, information like n^β", "santafe:beta=0.75", []Param{
			{"beta", "0.75", "exponent, between 0.05 and 0.95"}, {"facts", "1073741824", "facts that have tokens of their own"},
		}}, func(a *arguments) (Truth, error) {
			return truth(NewSantaFe(SantaFeOptions{Beta: a.number("beta", 0.75), MaxFacts: a.integer("facts", defaultFacts)}))
		}},
		{Kind{"hmm", "hidden Markov chain: bounded information", "hmm:transition=0.9/0.1;0.2/0.8,emission=0.8/0.2;0.3/0.7", []Param{
			{"file", "", "JSON file {\"transition\": [[…]], \"emission\": [[…]]}, in place of the matrices"},
			{"transition", "", "probabilities of moving from each state (row) to each; rows separated by ;"},
			{"emission", "", "probabilities of each state (row) to emit each symbol"},
		}}, func(a *arguments) (Truth, error) {
			if file := a.text("file", ""); file != "" {
				return truth(openHiddenMarkov(file))
			}
			return truth(NewHiddenMarkov(HiddenMarkovOptions{
				Transition: a.matrix("transition", "0.9/0.1;0.2/0.8"), Emission: a.matrix("emission", "0.8/0.2;0.3/0.7")}))
		}},
		{Kind{"sticky", "hidden Markov chain that tends to keep its state", "sticky:states=2,stay=0.95,clear=0.9", []Param{
			{"states", "2", "hidden states, and symbols"}, {"stay", "0.95", "probability of keeping the state"},
			{"clear", "0.9", "probability of emitting the state's own symbol"},
		}}, func(a *arguments) (Truth, error) {
			return truth(NewStickyHiddenMarkov(a.integer("states", 2), a.number("stay", 0.95), a.number("clear", 0.9)))
		}},
		{Kind{"markov", "Markov chain", "markov:transition=0.9/0.1;0.2/0.8", []Param{
			{"transition", "0.9/0.1;0.2/0.8", "probabilities of moving from each symbol (row) to each; rows separated by ;"},
		}}, func(a *arguments) (Truth, error) {
			return truth(NewHiddenMarkov(HiddenMarkovOptions{Transition: a.matrix("transition", "0.9/0.1;0.2/0.8")}))
		}},
		{Kind{"iid", "independent symbols: no information", "iid:symbols=4", []Param{
			{"symbols", "2", "equally likely symbols"}, {"p", "", "probabilities, separated by /, in place of symbols"},
		}}, func(a *arguments) (Truth, error) {
			p := a.list("p", "")
			if n := a.integer("symbols", 2); p == nil {
				if n < 1 || n > maxStates {
					return nil, fmt.Errorf("%d symbols are not between 1 and %d", n, maxStates)
				}
				for range n {
					p = append(p, 1/float64(n))
				}
			}
			return truth(NewIID(p))
		}},
		{Kind{"grammar", "random hierarchy, a context-free grammar", "grammar:symbols=8,rules=2,variant=1", []Param{
			{"symbols", "8", "symbols v"}, {"rules", "2", "rules per symbol m, at most v"}, {"variant", "0", "number of the draw of rules"},
		}}, func(a *arguments) (Truth, error) {
			return truth(NewGrammar(GrammarOptions{Symbols: a.integer("symbols", 8), Rules: a.integer("rules", 2), Seed: a.seed("variant")}))
		}},
	}
}

// truth drops the concrete type of a process, and of nothing.
func truth[P Truth](p P, err error) (Truth, error) {
	if err != nil {
		return nil, err
	}
	return p, nil
}

func buildHierarchical(a *arguments) (Truth, error) {
	o := HierarchicalOptions{Base: a.integer("base", 0), Addition: a.boolean("addition")}
	for _, c := range a.list("c", "3") {
		if c != math.Trunc(c) || math.Abs(c) > 1e6 {
			return nil, fmt.Errorf("c = %g is not a whole number of columns", c)
		}
		o.Inherit = append(o.Inherit, int(c))
	}
	if _, given := a.values["corr"]; given {
		corr := a.number("corr", 0)
		o.Correlation = &corr
	}
	if flat := a.list("mixing", ""); flat != nil {
		n := int(math.Round(math.Sqrt(float64(len(flat)))))
		if n*n != len(flat) {
			return nil, fmt.Errorf("mixing has %d entries, which is no square", len(flat))
		}
		for i := range n {
			o.Mixing = append(o.Mixing, flat[i*n:(i+1)*n])
		}
	}
	return truth(NewHierarchical(o))
}
