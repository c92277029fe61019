package completions

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/l2m-lab/l2m/llama"
)

// completion is the answer to POST /v1/completions.
type completion struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   usage    `json:"usage"`
}

type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
}

type choice struct {
	Index    int       `json:"index"`
	Text     string    `json:"text"`
	LogProbs *logProbs `json:"logprobs"`
	Finish   string    `json:"finish_reason"`
}

// logProbs are those of every token of a choice. The first token of a prompt has none.
type logProbs struct {
	Tokens  []string             `json:"tokens"`
	Values  []*float32           `json:"token_logprobs"`
	Top     []map[string]float32 `json:"top_logprobs"`
	Offsets []int                `json:"text_offset"` // in characters
}

func (s *server) completions(ctx context.Context, body []byte) (any, error) {
	j, err := s.read(body)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	c := completion{ID: fmt.Sprintf("cmpl-%d", now.UnixNano()), Object: "text_completion", Created: now.Unix(), Model: s.engine.Info().Name}
	for i, prompt := range j.prompts {
		one, err := s.complete(ctx, j, prompt)
		if err != nil {
			return nil, err
		}
		one.Index = i
		c.Choices = append(c.Choices, one.choice)
		c.Usage.Prompt += len(prompt)
		c.Usage.Completion += one.tokens
	}
	c.Usage.Total = c.Usage.Prompt + c.Usage.Completion
	return c, nil
}

type completed struct {
	choice
	tokens int // of the continuation
}

// complete scores a prompt and continues it.
func (s *server) complete(ctx context.Context, j job, prompt []int32) (completed, error) {
	var said strings.Builder
	cut := -1
	o := j.sampling
	o.Until = func(p llama.Position) bool {
		said.WriteString(s.engine.Piece(p.Token))
		for _, stop := range j.stops {
			if at := strings.Index(said.String(), stop); stop != "" && at >= 0 && (cut < 0 || at < cut) {
				cut = at
			}
		}
		return cut >= 0
	}
	read, more, ended, err := s.engine.Complete(ctx, prompt, o)
	if err != nil {
		return completed{}, err
	}
	out := completed{tokens: len(more)}
	out.Finish = "length"
	if ended || cut >= 0 {
		out.Finish = "stop"
	}
	var text strings.Builder
	l := &logProbs{Tokens: []string{}, Values: []*float32{}, Top: []map[string]float32{}, Offsets: []int{}}
	add := func(p llama.Position, piece string) {
		l.Offsets = append(l.Offsets, utf8.RuneCountInString(text.String()))
		l.add(p, s.name(p.Token, j.asIDs), j.top, func(id int32) string { return s.name(id, j.asIDs) })
		text.WriteString(piece)
	}
	if j.echo {
		for _, p := range read {
			add(p, s.engine.Piece(p.Token))
		}
	}
	left := cut
	for i, p := range more {
		piece := s.engine.Piece(p.Token)
		if ended && i == len(more)-1 {
			piece = "" // the end of a text is not part of it
		}
		if cut >= 0 && len(piece) > left {
			piece = piece[:left]
		}
		left -= len(piece)
		if cut >= 0 && piece == "" && i > 0 {
			continue // after the stop
		}
		add(p, piece)
	}
	out.Text = strings.ToValidUTF8(text.String(), "\uFFFD")
	if j.top >= 0 {
		out.LogProbs = l
	}
	return out, nil
}

func (l *logProbs) add(p llama.Position, name string, top int, names func(int32) string) {
	l.Tokens = append(l.Tokens, name)
	if math.IsNaN(float64(p.LogProb)) {
		l.Values, l.Top = append(l.Values, nil), append(l.Top, nil)
		return
	}
	value := finite(p.LogProb)
	l.Values = append(l.Values, &value)
	best := map[string]float32{}
	for _, a := range p.Top[:min(max(top, 0), len(p.Top))] {
		if _, known := best[names(a.Token)]; !known { // the most probable of tokens with the same text
			best[names(a.Token)] = finite(a.LogProb)
		}
	}
	if _, known := best[name]; !known {
		best[name] = value
	}
	l.Top = append(l.Top, best)
}

// finite replaces minus infinity, for which JSON has no number, as vLLM does.
func finite(v float32) float32 {
	if math.IsInf(float64(v), 0) {
		return -9999
	}
	return v
}

// name is the name of a token in an answer. A token that is not valid text by itself is
// named by its bytes, as in OpenAI's API.
func (s *server) name(id int32, asID bool) string {
	if asID {
		return fmt.Sprintf("token_id:%d", id)
	}
	piece := s.engine.Piece(id)
	if utf8.ValidString(piece) {
		return piece
	}
	out := "bytes:"
	for _, b := range []byte(piece) {
		out += fmt.Sprintf("\\x%02x", b)
	}
	return out
}
