package process

import (
	"fmt"
	"math"
	"slices"
)

// Parameters that several kinds share.
var (
	copiesParam   = Param{"copies", "", "independent copies side by side: tokens become vectors"}
	lettersParam  = Param{"letters", "", "a letter for each symbol: tokens become the bytes of a text"}
	varianceParam = Param{"variance", "1", "variance of a token"}
)

// kinds is the table of families, in the order of l2m process list: name,
// title, example, and the parameters with their defaults.
func kinds() []kind { return slices.Concat(gaussianKinds(), chainKinds(), symbolKinds()) }

func gaussianKinds() []kind {
	return []kind{
		{Kind{"powergauss", "stationary Gaussian with an exact power law at every length", "powergauss:beta=0.76,signs=random", []Param{
			{"beta", "0.76", "exponent of the law, between 0 and 1"},
			{"b", "0.5", "prefactor B in nats: I(L/2;L) = B(2−2^β)(L/2)^β"},
			{"signs", "plus", "of the partial autocorrelations: plus, alternating, random, random@SEED, or a list such as +-+"},
			varianceParam, copiesParam,
		}}, func(a *arguments) (Truth, error) {
			signs, err := ParseSigns(a.text("signs"))
			if err != nil {
				return nil, fmt.Errorf("signs: %w", err)
			}
			return truth(NewPowerGaussian(PowerGaussianOptions{
				Beta: a.number("beta"), B: a.positive("b"), Variance: a.positive("variance"), Signs: signs}))
		}},
		{Kind{"hierarchical", "hierarchical Gaussian of the L²M paper, β = log_b c", "hierarchical:c=3,copies=64", []Param{
			{"base", "4", "tokens per row, b"},
			{"c", "3", "inherited columns, or a list such as 2/3 from the finest layer upward, repeated"},
			{"corr", "-1/base", "correlation of two tokens of a row"},
			{"mixing", "", "b×b mixing matrix in place of base and corr: rows separated by /"},
			{"addition", "0", "tokens of a sequence in which neighbouring rows are joined (the paper's Eq. C.23), a power of the base; 0: none"}, copiesParam,
		}}, buildHierarchical},
		{Kind{"fgn", "fractional Gaussian noise", "fgn:hurst=0.8", []Param{
			{"hurst", "0.8", "Hurst exponent, between 0.01 and 0.99"}, varianceParam, copiesParam,
		}}, func(a *arguments) (Truth, error) {
			return truth(NewFractionalNoise(a.number("hurst"), a.positive("variance")))
		}},
		{Kind{"arfima", "fractionally integrated ARMA(1,1) Gaussian", "arfima:d=0.3,phi=0.2", []Param{
			{"d", "0.3", "order of fractional integration, between -0.5 and 0.5"}, {"phi", "0", "autoregressive coefficient"},
			{"theta", "0", "moving-average coefficient"}, {"variance", "1", "variance of the innovations"}, copiesParam,
		}}, func(a *arguments) (Truth, error) {
			return truth(NewARFIMA(ARFIMAOptions{D: a.number("d"), Phi: a.number("phi"), Theta: a.number("theta"), Variance: a.positive("variance")}))
		}},
		{Kind{"pacf", "stationary Gaussian of given partial autocorrelations", "pacf:alpha=0.5/-0.2", []Param{
			{"alpha", "", "partial autocorrelations at lags 1, 2, …, separated by /; none for white noise"}, varianceParam, copiesParam,
		}}, func(a *arguments) (Truth, error) {
			return truth(NewGaussianPACF(a.list("alpha"), a.positive("variance")))
		}},
		{Kind{"acf", "stationary Gaussian of given autocovariances", "acf:gamma=1/0.5/0.1", []Param{
			{"gamma", "", "autocovariances at lags 0, 1, 2, …, separated by /"}, copiesParam,
		}}, func(a *arguments) (Truth, error) { return truth(NewGaussianACF(a.list("gamma"))) }},
	}
}

func chainKinds() []kind {
	return []kind{
		{Kind{"hmm", "hidden Markov chain: bounded information", "hmm:transition=0.9/0.1;0.2/0.8,emission=0.8/0.2;0.3/0.7", []Param{
			{"file", "", "JSON file {\"transition\": [[…]], \"emission\": [[…]]}, in place of the matrices"},
			{"transition", "0.9/0.1;0.2/0.8", "probabilities of moving from each state (row) to each; rows separated by ;"},
			{"emission", "0.8/0.2;0.3/0.7", "probabilities of each state (row) to emit each symbol"}, lettersParam,
		}}, func(a *arguments) (Truth, error) {
			if file := a.text("file"); file != "" {
				return truth(openHiddenMarkov(file))
			}
			return truth(NewHiddenMarkov(HiddenMarkovOptions{Transition: a.matrix("transition"), Emission: a.matrix("emission")}))
		}},
		{Kind{"sticky", "hidden Markov chain that tends to keep its state", "sticky:states=2,stay=0.95,clear=0.9", []Param{
			{"states", "2", "hidden states, and symbols"}, {"stay", "0.95", "probability of keeping the state"},
			{"clear", "0.9", "probability of emitting the state's own symbol"}, lettersParam,
		}}, func(a *arguments) (Truth, error) {
			return truth(NewStickyHiddenMarkov(a.integer("states"), a.number("stay"), a.number("clear")))
		}},
		{Kind{"markov", "Markov chain", "markov:transition=0.9/0.1;0.2/0.8", []Param{
			{"transition", "0.9/0.1;0.2/0.8", "probabilities of moving from each symbol (row) to each; rows separated by ;"}, lettersParam,
		}}, func(a *arguments) (Truth, error) {
			return truth(NewHiddenMarkov(HiddenMarkovOptions{Transition: a.matrix("transition")}))
		}},
		{Kind{"iid", "independent symbols: no information", "iid:symbols=4", []Param{
			{"symbols", "2", "equally likely symbols"}, {"p", "", "probabilities, separated by /, in place of symbols"}, lettersParam,
		}}, func(a *arguments) (Truth, error) {
			p := a.list("p")
			if n := a.integer("symbols"); p == nil {
				if n < 1 || n > maxStates {
					return nil, fmt.Errorf("%d symbols are not between 1 and %d", n, maxStates)
				}
				p = slices.Repeat([]float64{1 / float64(n)}, n)
			}
			return truth(NewIID(p))
		}},
	}
}

func symbolKinds() []kind {
	return []kind{
		{Kind{"santafe", "Santa Fe process: discrete, information like n^β", "santafe:beta=0.75", []Param{
			{"beta", "0.75", "exponent, between 0.05 and 0.95"}, {"facts", "1073741824", "facts that have tokens of their own"}, lettersParam,
		}}, func(a *arguments) (Truth, error) {
			return truth(NewSantaFe(SantaFeOptions{Beta: a.number("beta"), MaxFacts: a.integer("facts")}))
		}},
		{Kind{"grammar", "random hierarchy, a context-free grammar", "grammar:symbols=8,rules=2,variant=1", []Param{
			{"symbols", "8", "symbols v"}, {"rules", "2", "rules per symbol m, at most v"}, {"variant", "0", "number of the draw of rules"}, lettersParam,
		}}, func(a *arguments) (Truth, error) {
			return truth(NewGrammar(GrammarOptions{Symbols: a.integer("symbols"), Rules: a.integer("rules"), Seed: a.seed("variant")}))
		}},
		{Kind{"urn", "Dirichlet urn: symbols of unknown frequencies, information like ln L", "urn:symbols=4,concentration=1", []Param{
			{"symbols", "4", "symbols k"}, {"concentration", "1", "Dirichlet parameter of each symbol; 1 makes all frequencies alike likely"}, lettersParam,
		}}, func(a *arguments) (Truth, error) {
			return truth(NewUrn(a.integer("symbols"), a.number("concentration")))
		}},
		{Kind{"renewal", "renewal process: events after independent gaps with a heavy tail, bounded information", "renewal:tail=1.5", []Param{
			{"tail", "1.5", "exponent γ > 1 of P(gap > k) = (1 + k/scale)^−γ"}, {"scale", "1", "length from which on the tail is a power law, tokens"}, lettersParam,
		}}, func(a *arguments) (Truth, error) {
			return truth(NewRenewal(a.number("tail"), a.number("scale")))
		}},
		{Kind{"repeat", "a random word of random length, repeated forever: bounded information", "repeat:symbols=4,longest=16", []Param{
			{"symbols", "4", "equally likely symbols of the word"}, {"shortest", "1", "shortest word, tokens"}, {"longest", "16", "longest word, tokens; lengths between are equally likely"}, lettersParam,
		}}, func(a *arguments) (Truth, error) {
			return truth(NewRepeat(a.integer("symbols"), a.integer("shortest"), a.integer("longest")))
		}},
		{Kind{"echo", "repetitions at every scale: discrete, information like L^growth at powers of two", "echo:symbols=16,growth=0.75", []Param{
			{"symbols", "16", "equally likely symbols"}, {"growth", "0.75", "exponent of the number of repetitions, between 0 and 0.95"}, lettersParam,
		}}, func(a *arguments) (Truth, error) {
			return truth(NewEcho(a.integer("symbols"), a.number("growth")))
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
	o := HierarchicalOptions{Addition: a.integer("addition")}
	if a.given("base") || !a.given("mixing") {
		o.Base = a.integer("base")
	}
	for _, c := range a.list("c") {
		if c != math.Trunc(c) || math.Abs(c) > 1e6 {
			return nil, fmt.Errorf("c = %g is not a whole number of columns", c)
		}
		o.Inherit = append(o.Inherit, int(c))
	}
	if a.given("corr") {
		corr := a.number("corr")
		o.Correlation = &corr
	}
	if flat := a.list("mixing"); flat != nil {
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
