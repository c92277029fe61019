package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// clampedLogProb is what vLLM writes for minus infinity, which JSON cannot
// hold (vLLM, clamp_prompt_logprobs). It is not a log-probability.
const clampedLogProb = -9999

// answer is what a server said about a prompt, in any dialect.
type answer struct {
	model   string  // as the answer names it; "" if it does not
	start   int     // position in the prompt of the first entry
	entries []entry // one per token of the prompt from start
	absent  bool    // the server knows the request but returned no log-probabilities of the prompt
}

// entry is the log-probability of one token of the prompt. logProb is nil for
// null: unknown, never 0.
type entry struct {
	id      int64 // -1 if the server does not tell
	logProb *float64
}

// wrongData is an answer that is complete but cannot be right.
type wrongData string

func (w wrongData) Error() string { return string(w) }

// decode reads one JSON value and tells an answer that was cut (which may pass)
// from one that holds no number where a number must be (which will not).
func decode(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		at := body[max(0, min(int(syntax.Offset)-1, len(body))):]
		for _, word := range []string{"NaN", "Infinity", "nan", "inf"} {
			if bytes.HasPrefix(at, []byte(word)) || bytes.HasPrefix(at, []byte(word[1:])) && syntax.Offset > 1 {
				return wrongData(fmt.Sprintf("its answer holds %s in place of a number", word))
			}
		}
		if int(syntax.Offset) >= len(body) {
			return fmt.Errorf("its answer was cut after %d bytes: %w", len(body), io.ErrUnexpectedEOF)
		}
		return fmt.Errorf("its answer is not JSON: %w", err)
	case errors.As(err, &kind):
		return wrongData(fmt.Sprintf("its answer holds a %s at field %q, byte %d, where the dialect has something else", kind.Value, kind.Field, kind.Offset))
	}
	return err
}

type completion struct {
	Model   string `json:"model"`
	Choices []struct {
		PromptLogProbs positions `json:"prompt_logprobs"`
		LogProbs       *struct {
			Tokens        []string   `json:"tokens"`
			TokenLogProbs []*float64 `json:"token_logprobs"`
		} `json:"logprobs"`
	} `json:"choices"`
	Usage *struct {
		PromptTokens     *int `json:"prompt_tokens"`
		CompletionTokens *int `json:"completion_tokens"`
	} `json:"usage"`
}

func decodeCompletion(body []byte) (completion, error) {
	var c completion
	if err := decode(body, &c); err != nil {
		return c, err
	}
	if len(c.Choices) != 1 {
		return c, wrongData(fmt.Sprintf("its answer has %d choices, 1 was asked for", len(c.Choices)))
	}
	return c, nil
}

// parseVLLM reads an answer with prompt_logprobs: per position null or an
// object from token ids to log-probabilities, in which the id sent must be.
func parseVLLM(body []byte, sent []token.ID) (answer, error) {
	c, err := decodeCompletion(body)
	if err != nil {
		return answer{}, err
	}
	list := c.Choices[0].PromptLogProbs
	a := answer{model: c.Model, absent: list == nil}
	shift := len(list) - len(sent) // 1 if the server put BOS before the prompt
	if shift != 0 && shift != 1 {
		a.entries = make([]entry, len(list)) // check says what is wrong
		return a, nil
	}
	for i, position := range list {
		e := entry{id: -1}
		if j := i - shift; len(position) > 0 {
			var found bool
			if j >= 0 && j < len(sent) {
				if e.logProb, found = position.of(int64(sent[j])); found {
					e.id = int64(sent[j])
				}
			}
			if !found && (j >= 0 || len(position) != 1) {
				return a, wrongData(fmt.Sprintf("its log-probabilities at position %d of %d are not for the token that was sent", i, len(list)))
			}
		}
		a.entries = append(a.entries, e)
	}
	return a, nil
}

// parseEcho reads an answer with echo and logprobs: the tokens of the prompt
// followed by those generated, as text or (vLLM's return_tokens_as_token_ids)
// as "token_id:5".
func parseEcho(body []byte, sent []token.ID) (answer, error) {
	c, err := decodeCompletion(body)
	if err != nil {
		return answer{}, err
	}
	l := c.Choices[0].LogProbs
	a := answer{model: c.Model}
	if l == nil || len(l.TokenLogProbs) == 0 {
		a.absent = true
		return a, nil
	}
	if len(l.Tokens) != len(l.TokenLogProbs) {
		return a, wrongData(fmt.Sprintf("its answer has %d tokens and %d log-probabilities", len(l.Tokens), len(l.TokenLogProbs)))
	}
	n := len(sent)
	if u := c.Usage; u != nil && u.PromptTokens != nil {
		n = *u.PromptTokens
		if u.CompletionTokens != nil && *u.CompletionTokens >= 0 && len(l.Tokens) == *u.CompletionTokens && len(l.Tokens) <= 1 {
			a.absent = true // only what was generated: echo was ignored
			return a, nil
		}
	} else if len(l.Tokens) == 1 && n > 1 {
		a.absent = true
		return a, nil
	}
	if n < 0 || n > len(l.Tokens) {
		return a, wrongData(fmt.Sprintf("its answer has %d log-probabilities for a prompt of %d tokens", len(l.Tokens), n))
	}
	if more := len(l.Tokens) - n; more > 1 {
		return a, wrongData(fmt.Sprintf("its answer has %d log-probabilities for a prompt of %d tokens and 1 to generate", len(l.Tokens), n))
	}
	for i, t := range l.Tokens[:n] {
		e := entry{id: -1, logProb: l.TokenLogProbs[i]}
		if digits, ok := strings.CutPrefix(t, "token_id:"); ok {
			if id, err := strconv.ParseInt(digits, 10, 64); err == nil && id >= 0 {
				e.id = id
			}
		}
		a.entries = append(a.entries, e)
	}
	return a, nil
}

type generation struct {
	Meta *struct {
		PromptTokens  *int                `json:"prompt_tokens"`
		Input         [][]json.RawMessage `json:"input_token_logprobs"`
		WeightVersion string              `json:"weight_version"`
	} `json:"meta_info"`
}

// parseSGLang reads an answer of /generate: [log-probability or null, id, text]
// per token from position start on. SGLang calls the last id of the vocabulary
// (and any above) 0 in its answers, so 0 stands for every id.
func parseSGLang(body []byte, sent []token.ID, start int) (answer, error) {
	var g generation
	if err := decode(body, &g); err != nil {
		return answer{}, err
	}
	a := answer{start: start}
	if g.Meta == nil || g.Meta.Input == nil {
		a.absent = true
		return a, nil
	}
	a.model = g.Meta.WeightVersion
	if n := g.Meta.PromptTokens; n != nil && *n != len(sent) && *n != len(sent)+1 {
		return a, wrongData(fmt.Sprintf("it counted %d tokens in a prompt of %d", *n, len(sent)))
	}
	for i, position := range g.Meta.Input {
		var id *int64
		e := entry{id: -1}
		if len(position) < 2 || decode(position[0], &e.logProb) != nil || decode(position[1], &id) != nil || id == nil {
			return a, wrongData(fmt.Sprintf("entry %d of its input_token_logprobs is not [log-probability, id, text]", i))
		}
		if *id != 0 {
			e.id = *id
		}
		a.entries = append(a.entries, e)
	}
	return a, nil
}

// check returns the log-probabilities of sent[from:] if the answer can be
// right, else what is wrong with it. before is the number of tokens (0 or 1)
// that the server puts before the prompt.
func (a answer) check(sent []token.ID, from, before int) ([]float32, error) {
	if a.absent {
		return nil, wrongData("it returned no log-probabilities of the prompt")
	}
	if want := len(sent) + before - a.start; len(a.entries) != want {
		return nil, wrongData(fmt.Sprintf("it returned log-probabilities of %d tokens, %d were sent", len(a.entries)-before, want-before))
	}
	out := make([]float32, 0, len(sent)-from)
	for i, e := range a.entries {
		at := a.start + i - before // position in sent
		if at >= 0 && e.id >= 0 && e.id != int64(sent[at]) {
			return nil, wrongData(fmt.Sprintf("it returned the log-probability of token %d at position %d, where token %d was sent", e.id, at, sent[at]))
		}
		if at < from {
			continue
		}
		if e.logProb == nil {
			return nil, wrongData(fmt.Sprintf("it returned null for the log-probability at position %d of %d", at, len(sent)))
		}
		switch v := *e.logProb; {
		case math.IsNaN(v) || math.IsInf(v, 0) || math.IsInf(float64(float32(v)), 0):
			return nil, wrongData(fmt.Sprintf("it returned %v for the log-probability at position %d", v, at))
		case v > lm.RoundingTolerance:
			return nil, wrongData(fmt.Sprintf("it returned %v for the log-probability at position %d: above 0", v, at))
		case v == clampedLogProb:
			return nil, wrongData(fmt.Sprintf("it returned %v for the log-probability at position %d, which vLLM writes for minus infinity (the model gives this token no probability; does the tokenizer match?)", v, at))
		default:
			out = append(out, float32(v))
		}
	}
	return out, nil
}
