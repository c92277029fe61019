package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/l2m-lab/l2m/token"
)

// client makes single HTTP requests; it does not retry.
type client struct {
	http    *http.Client
	key     string
	timeout time.Duration
}

// send makes one request and returns the body of an answer with status 200.
// body nil means GET. most is the largest answer that is believed.
func (c *client) send(ctx context.Context, e *endpoint, path string, body any, most int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	method, content := http.MethodGet, io.Reader(nil)
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("writing a request: %w", err)
		}
		method, content = http.MethodPost, bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, e.root+path, content)
	if err != nil {
		return nil, permanent(e, "making a request: %v", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "l2m")
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.lost(ctx, e, path, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case resp.StatusCode != http.StatusOK:
		return nil, statusError(e, resp.StatusCode, resp.Header, answer, c.key, time.Now())
	case err != nil:
		return nil, c.lost(ctx, e, path, err)
	case int64(len(answer)) > most:
		return nil, permanent(e, "the answer to %s is longer than %d bytes, more than any right one", path, most)
	}
	return answer, nil
}

// lost is the error for an answer that did not come or not wholly.
func (c *client) lost(ctx context.Context, e *endpoint, path string, err error) error {
	if ctx.Err() != nil {
		return passing(e, "no whole answer to %s within %s", path, c.timeout)
	}
	return passing(e, "no whole answer to %s: %s", path, redact(err.Error(), c.key))
}

// broken makes the error for a body that could not be used.
func (c *client) broken(e *endpoint, path string, body []byte, err error) error {
	if w := wrongData(""); errors.As(err, &w) {
		return permanent(e, "%s: %s", path, redact(err.Error(), c.key))
	}
	return passing(e, "%s: %s; it begins: %s", path, redact(err.Error(), c.key), excerpt(string(body), c.key))
}

type completionRequest struct {
	Model       string     `json:"model"`
	Prompt      []token.ID `json:"prompt"`
	MaxTokens   int        `json:"max_tokens"`
	Temperature float64    `json:"temperature"`

	PromptLogProbs *int `json:"prompt_logprobs,omitempty"`
	Echo           bool `json:"echo,omitempty"`
	LogProbs       *int `json:"logprobs,omitempty"`
	TokensAsIDs    bool `json:"return_tokens_as_token_ids,omitempty"`
}

type generateRequest struct {
	InputIDs        []token.ID     `json:"input_ids"`
	Sampling        map[string]any `json:"sampling_params"`
	ReturnLogProb   bool           `json:"return_logprob"`
	LogProbStartLen int            `json:"logprob_start_len"`
}

// request is what is sent for one prompt, and where to. from is the first
// position whose log-probability is needed, at least 1 unless the server puts a
// token before the prompt.
func (d Dialect) request(model string, sent []token.ID, from int) (path string, body any) {
	zero, one := 0, 1
	switch d {
	case SGLang:
		return "/generate", generateRequest{InputIDs: sent, Sampling: map[string]any{"max_new_tokens": 1, "temperature": 0}, ReturnLogProb: true, LogProbStartLen: max(0, from-1)}
	case Echo:
		return "/v1/completions", completionRequest{Model: model, Prompt: sent, MaxTokens: 1, Echo: true, LogProbs: &one, TokensAsIDs: true}
	default:
		return "/v1/completions", completionRequest{Model: model, Prompt: sent, MaxTokens: 1, PromptLogProbs: &zero}
	}
}

// parse reads the answer to request.
func (d Dialect) parse(body []byte, sent []token.ID, start int) (answer, error) {
	switch d {
	case SGLang:
		return parseSGLang(body, sent, start)
	case Echo:
		return parseEcho(body, sent)
	default:
		return parseVLLM(body, sent)
	}
}

// ask sends one prompt in a dialect and reads the answer; from as in request.
func (c *client) ask(ctx context.Context, e *endpoint, d Dialect, model string, sent []token.ID, from int) (answer, error) {
	path, request := d.request(model, sent, from)
	body, err := c.send(ctx, e, path, request, int64(1<<20+4096*len(sent)))
	if err != nil {
		return answer{}, err
	}
	a, err := d.parse(body, sent, max(0, from-1))
	if err != nil {
		return a, c.broken(e, path, body, err)
	}
	return a, nil
}
