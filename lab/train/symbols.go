package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/l2m-lab/l2m/lab/graph"
	"github.com/l2m-lab/l2m/lab/mixer"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/token"
)

// symbolLoss is the cross-entropy of symbols, nats.
func symbolLoss(g *graph.Graph, c *mixer.Config, batch, length int) built {
	return lossOf(g, c.Forward(g, g.Input(inputX, batch, length)), batch, length)
}

// lossOf is symbolLoss of logits.
func lossOf(g *graph.Graph, logits *graph.Node, batch, length int) built {
	targets := g.Input(inputTargets, batch*length)
	return built{loss: g.Reshape(g.CrossEntropy(logits, targets), batch, length), weights: g.Input(inputWeights, batch, length), logits: logits}
}

// predict fills the inputs with a sequence to predict: each token from those before it,
// the first from the symbol start.
func predict(tokens []token.ID, start, i int, input func(name string) []float32) {
	n := len(tokens)
	x, targets, weights := input(inputX)[i*n:], input(inputTargets)[i*n:], input(inputWeights)[i*n:]
	x[0] = float32(start)
	for t, id := range tokens {
		targets[t], weights[t] = float32(id), 1/float32(n)
		if t+1 < n {
			x[t+1] = float32(id)
		}
	}
}

// symbols is a process of symbols. The model has one more symbol, which starts a
// sequence.
type symbols struct {
	p        process.Process[token.ID]
	name     string
	alphabet int

	mu    sync.Mutex
	gains map[int][]float64 // by length
}

func (d *symbols) Vocabulary() int { return d.alphabet + 1 }

func (*symbols) Vector() int { return 0 }

func (d *symbols) CheckLength(length int) error {
	if most := d.p.Describe().MaxLength; length < 1 || length > most {
		return fmt.Errorf("%s has sequences of 1 to %d tokens", d.name, most)
	}
	return nil
}

func (d *symbols) loss(g *graph.Graph, c *mixer.Config, batch, length int) built {
	return symbolLoss(g, c, batch, length)
}

func (d *symbols) draw(rng *rand.Rand, i, length int, input func(name string) []float32) {
	predict(d.p.Sample(rng, length), d.alphabet, i, input)
}

// exact implements truth.
func (d *symbols) exact(ctx context.Context, rng *rand.Rand, length int) ([]float64, error) {
	s, err := d.p.Model().LogProbs(ctx, lm.Request[token.ID]{Tokens: d.p.Sample(rng, length)})
	if err != nil {
		return nil, err
	}
	out := make([]float64, length)
	for t, lp := range s.Tokens {
		out[t] = -float64(lp)
	}
	return out, nil
}

// gain is I(token; everything before it) by position, or nil where it is not known
// exactly.
func (d *symbols) gain(ctx context.Context, length int) ([]float64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if gain, ok := d.gains[length]; ok {
		return gain, nil
	}
	gain := make([]float64, length)
	for t := length - 1; t > 0; t-- { // the longest past is the first to be out of reach
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		mi, err := d.p.BipartiteMI(t, t+1)
		if err != nil {
			gain = nil
			break
		}
		gain[t] = float64(mi)
	}
	if d.gains == nil {
		d.gains = map[int][]float64{}
	}
	d.gains[length] = gain
	return gain, nil
}

// laws returns ln p of every symbol at each position of a sequence, given the tokens
// before it.
func (d *symbols) laws(ctx context.Context, tokens []token.ID) ([][]float64, error) {
	r := lm.Request[token.ID]{Tokens: tokens}
	for t := range tokens {
		for s := range d.alphabet {
			r.Branches = append(r.Branches, lm.Branch[token.ID]{At: t, Tokens: []token.ID{token.ID(s)}})
		}
	}
	scores, err := d.p.Model().LogProbs(ctx, r)
	if err != nil {
		return nil, err
	}
	out := make([][]float64, len(tokens))
	for i, b := range scores.Branches {
		t := i / d.alphabet
		out[t] = append(out[t], float64(b[0]))
	}
	return out, nil
}

// tasks are data that test memory.
var tasks = map[string]func(spec string) (Data, error){"recall": newRecall, "copy": newCopy, "selective": newCopy}

// settings parses "kind:name=number,…" with defaults. Numbers are whole and above 0, but
// for the exponent growth.
func settings(spec string, defaults map[string]float64) (map[string]float64, error) {
	kind, rest, _ := strings.Cut(spec, ":")
	for part := range strings.SplitSeq(rest, ",") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err := strconv.ParseFloat(value, 64)
		fits, want := n == math.Trunc(n) && n >= 1 && n <= 1<<24, "a whole number above 0"
		if name == "growth" {
			fits, want = n > 0 && n < 1, "a number between 0 and 1"
		}
		if _, known := defaults[name]; !known {
			return nil, fmt.Errorf("data %q: %q is not a setting of %s", spec, part, kind)
		}
		if err != nil || !fits {
			return nil, fmt.Errorf("data %q: %s is %q; want %s", spec, name, value, want)
		}
		defaults[name] = n
	}
	return defaults, nil
}

// task is data with answers at some positions.
type task struct {
	vocabulary int
	shortest   int
	longest    int // 0 means 1<<20
	// recall is the number of pairs and of values of the task recall; nil for others.
	recall func(length int) (pairs, values int)
	// answers is the number of tokens that count.
	answers func(length int) int
	// fill draws a sequence: its tokens, and where it asks for an answer, that and its
	// weight.
	fill func(rng *rand.Rand, x, targets, weights []float32)
}

func (d *task) Vocabulary() int { return d.vocabulary }

func (*task) Vector() int { return 0 }

func (d *task) CheckLength(length int) error {
	longest := cmp.Or(d.longest, 1<<20)
	if length < d.shortest || length > longest {
		return fmt.Errorf("the task has sequences of %d to %d tokens", d.shortest, longest)
	}
	return nil
}

// loss computes no logits but of answers, which are few.
func (d *task) loss(g *graph.Graph, c *mixer.Config, batch, length int) built {
	n := d.answers(length)
	return lossOf(g, c.ForwardAt(g, g.Input(inputX, batch, length), g.Input(inputAnswers, batch*n)), batch, n)
}

func (d *task) draw(rng *rand.Rand, i, length int, input func(name string) []float32) {
	targets, weights := make([]float32, length), make([]float32, length)
	d.fill(rng, input(inputX)[i*length:(i+1)*length], targets, weights)
	n := d.answers(length)
	next := i * n
	for t, w := range weights {
		if w > 0 {
			input(inputAnswers)[next], input(inputTargets)[next], input(inputWeights)[next] = float32(i*length+t), targets[t], w
			next++
		}
	}
}

// newRecall is multi-query associative recall as zoology draws it
// (zoology/data/multiquery_ar.py): pairs of key and value, then each key once
// more, after a gap with a power law of exponent a − 1, where its value is the
// answer; random symbols elsewhere. Keys come from the lower half of the
// vocabulary, values from the upper one. With every=N in place of pairs there is one
// pair for every N tokens of a sequence, so that longer ones ask for more, and with
// growth=G there are ⌊(length/4)^G⌋.
func newRecall(spec string) (Data, error) {
	s, err := settings(spec, map[string]float64{"pairs": 0, "every": 0, "growth": 0, "vocabulary": 8192})
	if err != nil {
		return nil, err
	}
	pairs, every, growth, vocabulary := int(s["pairs"]), int(s["every"]), s["growth"], int(s["vocabulary"])
	half := vocabulary / 2
	switch {
	case pairs > 0 && every > 0:
		return nil, fmt.Errorf("data %q: every=N takes the place of pairs=N", spec)
	case growth > 0 && (pairs > 0 || every > 0):
		return nil, fmt.Errorf("data %q: growth=G takes the place of pairs=N and every=N", spec)
	case every > 0 && every < 4:
		return nil, fmt.Errorf("data %q: a pair takes four tokens, so that every is at least 4", spec)
	case pairs == 0 && every == 0 && growth == 0:
		pairs = 4
	}
	if pairs >= half || half < 2 {
		return nil, fmt.Errorf("data %q: %d keys do not fit in half of the vocabulary", spec, max(pairs, 1))
	}
	d := &task{vocabulary: vocabulary, shortest: 4 * pairs}
	power := func(length int) int { // the tiny number is for powers that are whole
		return int(math.Pow(float64(length/4), growth) + 1e-9)
	}
	switch {
	case every > 0:
		d.shortest, d.longest = every, every*half-1
	case growth > 0:
		d.shortest, d.longest = 4, sort.Search(1<<20, func(n int) bool { return power(n+1) >= half })
	}
	d.recall = func(length int) (int, int) {
		switch {
		case every > 0:
			return length / every, vocabulary - half
		case growth > 0:
			return power(length), vocabulary - half
		}
		return pairs, vocabulary - half
	}
	d.answers = func(length int) int { pairs, _ := d.recall(length); return pairs }
	const a = 0.01
	d.fill = func(rng *rand.Rand, x, targets, weights []float32) {
		pairs, _ := d.recall(len(x))
		for i := range x {
			x[i] = float32(rng.IntN(vocabulary))
		}
		keys, values := distinct(rng, half-1, pairs), distinct(rng, vocabulary-half, pairs)
		gaps := gaps(rng, (len(x)-2*pairs)/2, pairs, a)
		for i := range pairs {
			key, value := float32(1+keys[i]), float32(half+values[i])
			x[2*i], x[2*i+1] = key, value
			at := 2*pairs + 2*gaps[i]
			x[at], targets[at], weights[at] = key, value, 1/float32(pairs)
		}
	}
	return d, nil
}

// Recall is the number of pairs in a sequence of the task recall, and of the values of
// which theirs are drawn without replacement; 0 for other data.
func Recall(d Data, length int) (pairs, values int) {
	if t, ok := d.(*task); ok && t.recall != nil {
		return t.recall(length)
	}
	return 0, 0
}

// distinct draws k different numbers below n.
func distinct(rng *rand.Rand, n, k int) []int {
	seen := map[int]bool{}
	out := make([]int, 0, k)
	for len(out) < k {
		if x := rng.IntN(n); !seen[x] {
			seen[x] = true
			out = append(out, x)
		}
	}
	return out
}

// gaps draws k different numbers below n with odds (i+1)^(a−1), without replacement:
// those with the largest −ln u/odds come last (Efraimidis and Spirakis).
func gaps(rng *rand.Rand, n, k int, a float64) []int {
	type candidate struct {
		at    int
		delay float64
	}
	best := make([]candidate, 0, k+1)
	for i := range n {
		c := candidate{i, rng.ExpFloat64() / math.Pow(float64(i+1), a-1)}
		at := len(best)
		for at > 0 && best[at-1].delay > c.delay {
			at--
		}
		if at < k {
			best = append(best, candidate{})
			copy(best[at+1:], best[at:])
			best[at] = c
			best = best[:min(k, len(best))]
		}
	}
	out := make([]int, len(best))
	for i, c := range best {
		out[i] = c.at
	}
	return out
}

// newCopy is copying ("copy": n random symbols, a mark, the symbols again) or
// selective copying ("selective": items symbols at random places among blanks,
// a mark, then the items; arXiv 2312.00752, section 4.1.1).
func newCopy(spec string) (Data, error) {
	kind, _, _ := strings.Cut(spec, ":")
	s, err := settings(spec, map[string]float64{"symbols": 16, "items": 8})
	if err != nil {
		return nil, err
	}
	count, items := int(s["symbols"]), int(s["items"])
	mark, blank := float32(count), float32(count+1)
	d := &task{vocabulary: count + 2, shortest: 2, answers: func(length int) int { return length / 2 }}
	if kind == "selective" {
		d.shortest, d.answers = 2*items, func(int) int { return items }
	}
	d.fill = func(rng *rand.Rand, x, targets, weights []float32) {
		n := d.answers(len(x)) // x[len(x)−n] is the mark
		for i := range x {
			x[i] = blank
		}
		start := len(x) - n
		x[start] = mark
		places := distinct(rng, start, min(n, start))
		item := make([]bool, start)
		for _, p := range places {
			item[p] = true
		}
		at := start
		for p := range start {
			if !item[p] {
				continue
			}
			symbol := float32(rng.IntN(count))
			x[p], targets[at], weights[at] = symbol, symbol, 1/float32(len(places))
			if at+1 < len(x) {
				x[at+1] = symbol
			}
			at++
		}
	}
	return d, nil
}

// text is text in memory.
type text struct {
	tokens     string // fingerprint of the vocabulary; "" for bytes
	vocabulary int
	train      [][]token.ID // documents or excerpts
	testing    [][]token.ID
	cumulated  []int // total tokens up to and including each
}

// Text is data of tokens in memory: training sequences begin at random positions of
// train, evaluation uses the windows test from their first token. Symbols are below
// alphabet; tokens is the fingerprint of their vocabulary, "" for bytes.
func Text(tokens string, alphabet int, train, test [][]token.ID) (Data, error) {
	d := &text{tokens: tokens, vocabulary: alphabet + 1, train: train, testing: test}
	total := 0
	for _, t := range train {
		total += len(t)
		d.cumulated = append(d.cumulated, total)
	}
	if total == 0 || len(test) == 0 {
		return nil, errors.New("there is no text to train or to evaluate on")
	}
	return d, nil
}

func (d *text) Vocabulary() int { return d.vocabulary }

func (*text) Vector() int { return 0 }

func (d *text) CheckLength(length int) error {
	longest := 0
	for _, t := range d.train {
		longest = max(longest, len(t))
	}
	if length < 1 || length > longest {
		return fmt.Errorf("the longest training text has %d tokens", longest)
	}
	return nil
}

func (d *text) loss(g *graph.Graph, c *mixer.Config, batch, length int) built {
	return symbolLoss(g, c, batch, length)
}

func (d *text) draw(rng *rand.Rand, i, length int, input func(name string) []float32) {
	predict(d.excerpt(rng, length), d.vocabulary-1, i, input)
}

// excerpt begins at a random position of the text from which on there are so many tokens.
func (d *text) excerpt(rng *rand.Rand, length int) []token.ID {
	for {
		at := rng.IntN(d.cumulated[len(d.cumulated)-1])
		doc := 0
		for lo, hi := 0, len(d.cumulated); lo < hi; {
			mid := (lo + hi) / 2
			if d.cumulated[mid] > at {
				hi, doc = mid, mid
			} else {
				lo = mid + 1
			}
		}
		at -= d.cumulated[doc] - len(d.train[doc])
		if at+length <= len(d.train[doc]) {
			return d.train[doc][at : at+length]
		}
	}
}

// drawPart fills the inputs of sequence number i of a batch with one of so many windows
// that follow each other.
func (d *text) drawPart(rng *rand.Rand, i, length, part, parts int, input func(name string) []float32) {
	all, start := d.excerpt(rng, parts*length), d.vocabulary-1
	if part > 0 {
		start = int(all[part*length-1])
	}
	predict(all[part*length:(part+1)*length], start, i, input)
}

func (d *text) tests() int { return len(d.testing) }

func (d *text) test(k, i, length int, input func(name string) []float32) {
	predict(d.testing[k][:length], d.vocabulary-1, i, input)
}

func (d *text) checkTest(length int) error {
	for _, t := range d.testing {
		if len(t) < length {
			return fmt.Errorf("a window for evaluation has only %d tokens", len(t))
		}
	}
	return nil
}
