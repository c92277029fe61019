package llama

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/hybridgroup/yzma/pkg/llama"

	"github.com/l2m-lab/l2m/lm"
)

// TopTokens is the largest number of alternatives at a position.
const TopTokens = 20

// Alternative is a possible token, with its log-probability in nats.
type Alternative struct {
	Token   int32
	LogProb float32
}

// Position is a token of a sequence with its probability given those before it.
type Position struct {
	Token   int32
	LogProb float32       // nats; NaN for the first token
	Top     []Alternative // most probable tokens, best first; nil for the first token
}

// Sampling says how to continue a prompt.
type Sampling struct {
	Most        int     // maximum number of tokens
	Temperature float64 // 0: always the most probable token
	TopP        float64 // draw from the most probable tokens with this total probability; 0 or 1: from all
	Seed        uint64
	Until       func(Position) bool // called with every new token; true ends the continuation; may be nil
}

// Reader scores whole prompts and continues them. Prefixes shared with recent prompts
// are not computed again. A Reader must be the only user of its model.
type Reader struct {
	m      *Model
	onward bool   // sequences can be continued, but not shortened: see NewReader
	slots  []slot // by sequence number in llama.cpp
	clock  int64
}

// slot is a sequence in llama.cpp's cache.
type slot struct {
	seen []Position
	last []float32 // logits after the last token, or nil
	redo Position  // if there are no such logits: the next token, to be computed again for its logits
	used int64
}

// NewReader requires a model that was opened without BOS (lm.BOSNone): prompts are used
// as they are. Models with a state of fixed size cannot go back to an earlier one; nor
// can those with sliding windows, since llama.cpp gives cells outside the window to
// other sequences. They reuse an earlier prompt only as a whole.
func NewReader(m *Model) (*Reader, error) {
	if m.lead != 0 {
		return nil, errors.New("a reader needs a model opened with BOS none")
	}
	onward := m.info.Recurrent || llama.ModelNSWA(m.model) > 0
	return &Reader{m: m, onward: onward, slots: make([]slot, m.options.Sequences+1)}, nil
}

// Complete scores a prompt of at least one token and continues it. The results must not
// be changed. ended reports that the model ended the text itself.
func (r *Reader) Complete(ctx context.Context, prompt []int32, o Sampling) (read, more []Position, ended bool, err error) {
	m := r.m
	if len(prompt) == 0 {
		return nil, nil, false, errors.New("a prompt needs at least one token")
	}
	if err := m.check(prompt, nil); err != nil {
		return nil, nil, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ctx == 0 {
		return nil, nil, false, errors.New("the model is closed")
	}
	m.running.Store(&ctx)
	defer m.running.Store(nil)
	room := min(o.Most, m.info.Context-len(prompt))
	n, err := r.prepare(prompt, room)
	if err != nil {
		return nil, nil, false, err
	}
	if err := r.extend(ctx, n, prompt[len(r.slots[n].seen):]); err != nil {
		return nil, nil, false, err
	}
	rng := rand.New(rand.NewPCG(o.Seed, 0))
	for range room {
		id := choose(r.slots[n].last, o, rng)
		next := r.position(r.slots[n].last, id)
		more = append(more, next)
		ended = llama.VocabIsEOG(m.vocab, llama.Token(id))
		if ended || o.Until != nil && o.Until(next) || len(more) == room {
			break
		}
		if err := r.extend(ctx, n, []int32{id}); err != nil {
			return nil, nil, false, err
		}
	}
	return r.slots[n].seen[:len(prompt):len(prompt)], more, ended, nil
}

// prepare chooses the slot for a prompt and keeps in it the common prefix, except for
// at least one token, whose logits are needed.
func (r *Reader) prepare(prompt []int32, more int) (int, error) {
	best, shared, oldest := 0, 0, 0
	for i, s := range r.slots {
		if c := common(s.seen, prompt); c > shared {
			best, shared = i, c
		}
		if s.used < r.slots[oldest].used {
			oldest = i
		}
	}
	r.clock++
	whole := shared == len(r.slots[best].seen)
	switch {
	case shared > 0 && whole: // the prompt continues the slot
		r.slots[best].used = r.clock
		return best, r.makeRoom(best, len(prompt)+more)
	case r.onward || shared < 2: // going back is impossible, or not worth it
		r.slots[oldest].used = r.clock
		return oldest, errors.Join(r.forget(oldest), r.makeRoom(oldest, len(prompt)+more))
	}
	keep := shared - 1
	r.slots[best].used = r.clock
	if oldest != best {
		if err := r.forget(oldest); err != nil {
			return 0, err
		}
		if err := llama.MemorySeqCp(r.m.mem, llama.SeqId(best), llama.SeqId(oldest), 0, llama.Pos(keep)); err != nil {
			return 0, err
		}
	} else if _, err := llama.MemorySeqRm(r.m.mem, llama.SeqId(best), llama.Pos(keep), -1); err != nil {
		return 0, err
	}
	seen := r.slots[best].seen
	r.slots[oldest] = slot{seen: slices.Clone(seen[:keep]), redo: seen[keep], used: r.clock}
	return oldest, r.makeRoom(oldest, len(prompt)+more)
}

// common is the length of the common prefix of two sequences.
func common(seen []Position, prompt []int32) int {
	for i := range min(len(seen), len(prompt)) {
		if seen[i].Token != prompt[i] {
			return i
		}
	}
	return min(len(seen), len(prompt))
}

// makeRoom drops the least recently used slots until slot n can hold so many tokens.
// Tokens that slots share are counted several times.
func (r *Reader) makeRoom(n, tokens int) error {
	for {
		total, oldest := tokens, -1
		for i, s := range r.slots {
			if i == n || len(s.seen) == 0 {
				continue
			}
			total += len(s.seen)
			if oldest < 0 || s.used < r.slots[oldest].used {
				oldest = i
			}
		}
		if total <= r.m.cells || oldest < 0 {
			return nil
		}
		if err := r.forget(oldest); err != nil {
			return err
		}
	}
}

func (r *Reader) forget(n int) error {
	used := r.slots[n].used
	r.slots[n] = slot{used: used}
	_, err := llama.MemorySeqRm(r.m.mem, llama.SeqId(n), -1, -1)
	return err
}

// extend computes tokens after those in slot n. After an error the slot is empty.
func (r *Reader) extend(ctx context.Context, n int, tokens []int32) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, r.forget(n))
		}
	}()
	m, s := r.m, &r.slots[n]
	for len(tokens) > 0 {
		part := tokens[:min(len(tokens), m.options.Batch)]
		m.batch.Clear()
		for i, id := range part {
			if err := m.batch.Add(llama.Token(id), llama.Pos(len(s.seen)+i), []llama.SeqId{llama.SeqId(n)}, true); err != nil {
				return err
			}
		}
		if err := m.decode(ctx, len(part)); err != nil {
			return err
		}
		for i, id := range part {
			known := s.redo
			if len(s.seen) == 0 || len(s.last) > 0 {
				known = r.position(s.last, id)
			}
			s.seen = append(s.seen, known)
			logits, err := llama.GetLogitsIth(m.ctx, int32(i), m.info.Vocabulary)
			if err != nil || logits == nil {
				return fmt.Errorf("llama.cpp returned no logits for token %d of a batch%s", i, complaints())
			}
			s.last = append(s.last[:0], logits...)
			if math.IsNaN(logSumExp(s.last)) {
				return errors.New("the model gives no probabilities: its weights or its computation are broken")
			}
		}
		tokens = tokens[len(part):]
	}
	m.batch.Clear()
	return nil
}

// position describes a token by the logits before it; nil for the first.
func (r *Reader) position(logits []float32, id int32) Position {
	if len(logits) == 0 {
		return Position{Token: id, LogProb: float32(math.NaN())}
	}
	norm := logSumExp(logits)
	logProb := func(id int32) float32 { return float32(min(float64(logits[id])-norm, 0)) }
	p := Position{Token: id, LogProb: logProb(id)}
	for _, t := range best(logits, TopTokens) {
		p.Top = append(p.Top, Alternative{t, logProb(t)})
	}
	return p
}

// best are the n tokens with the largest logits, in descending order; of equal ones the
// smaller id comes first.
func best(logits []float32, n int) []int32 {
	top := make([]int32, 0, n+1)
	for id, v := range logits {
		if len(top) == n && v <= logits[top[n-1]] {
			continue
		}
		at := len(top)
		for at > 0 && v > logits[top[at-1]] {
			at--
		}
		top = slices.Insert(top, at, int32(id))
		top = top[:min(len(top), n)]
	}
	return top
}

// choose draws the next token.
func choose(logits []float32, o Sampling, rng *rand.Rand) int32 {
	if o.Temperature == 0 {
		return best(logits, 1)[0]
	}
	order := make([]int32, len(logits))
	weights := make([]float64, len(logits))
	top, total := float64(largest(logits)), 0.0
	for i, v := range logits {
		order[i] = int32(i)
		weights[i] = math.Exp((float64(v) - top) / o.Temperature)
		total += weights[i]
	}
	if o.TopP > 0 && o.TopP < 1 {
		slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(weights[b], weights[a]) })
		sum, n := 0.0, 0
		for n < len(order) && sum < o.TopP*total {
			sum += weights[order[n]]
			n++
		}
		order, total = order[:n], sum
	}
	at := rng.Float64() * total
	for _, id := range order {
		if at -= weights[id]; at < 0 {
			return id
		}
	}
	return order[len(order)-1] // rounding
}

// Info describes the model.
func (r *Reader) Info() Info { return r.m.info }

// Tokenize converts text to tokens. With names, names of special tokens in it become
// those tokens; otherwise they are ordinary text.
func (r *Reader) Tokenize(text string, names bool) []int32 { return r.m.tokenize(text, names) }

// Piece is the text of a token, or the name of a special one.
func (r *Reader) Piece(id int32) string {
	piece := make([]byte, 256)
	n := llama.TokenToPiece(r.m.vocab, llama.Token(id), piece, 0, true)
	if n < 0 { // longer than that
		piece = make([]byte, -n)
		n = llama.TokenToPiece(r.m.vocab, llama.Token(id), piece, 0, true)
	}
	return string(piece[:max(0, n)])
}

// Marks are the tokens that begin and end a text, according to the file; negative if
// there is none. Added reports whether the first precedes every text.
type Marks struct {
	Begin, End int32
	Added      bool
	Chat       string // chat template; may be empty
}

// Marks returns the tokens that begin and end texts.
func (r *Reader) Marks() Marks {
	m := r.m
	k := Marks{
		Begin: int32(m.named("bos", llama.VocabBOS, m.info.Vocabulary)), End: int32(m.named("eos", llama.VocabEOS, m.info.Vocabulary)),
	}
	k.Added = k.Begin >= 0 && llama.VocabGetAddBOS(m.vocab)
	k.Chat, _ = llama.ModelMetaValStr(m.model, "tokenizer.chat_template")
	return k
}

// Start is the tokens that a choice of BOS puts before a text: nil for no choice, none
// for lm.BOSNone, else one.
func (r *Reader) Start(choice lm.BOSChoice) ([]int32, error) {
	size := r.m.info.Vocabulary
	id, isID := choice.ID()
	switch {
	case choice == "":
		return nil, nil
	case choice == lm.BOSNone:
		return []int32{}, nil
	case isID && int(id) >= size:
		return nil, fmt.Errorf("token %d, which is to start every text (--bos), is not in the vocabulary of %d", id, size)
	case isID:
		return []int32{int32(id)}, nil
	}
	named, err := r.m.special(string(choice), size)
	return []int32{int32(named)}, err
}
