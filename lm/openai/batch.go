package openai

import (
	"encoding/json"
	"fmt"

	"github.com/l2m-lab/l2m/token"
)

// BatchLine is a line of a batch file, which vllm run-batch and others read: one
// prompt, whose log-probabilities the answer holds.
func BatchLine(id, model string, prompt []token.ID) ([]byte, error) {
	zero := 0
	return json.Marshal(struct {
		ID     string            `json:"custom_id"`
		Method string            `json:"method"`
		URL    string            `json:"url"`
		Body   completionRequest `json:"body"`
	}{id, "POST", "/v1/completions", completionRequest{Model: model, Prompt: prompt, MaxTokens: 1, PromptLogProbs: &zero}})
}

// BatchResult is a line of a file of results.
type BatchResult struct {
	ID       string `json:"custom_id"`
	Response *struct {
		StatusCode int             `json:"status_code"`
		Body       json.RawMessage `json:"body"`
	} `json:"response"`
	Error json.RawMessage `json:"error"`
}

// ParseBatchResult reads a line of results.
func ParseBatchResult(line []byte) (BatchResult, error) {
	var r BatchResult
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("not a line of results: %w", err)
	}
	if r.ID == "" {
		return r, fmt.Errorf("not a line of results: it has no custom_id")
	}
	return r, nil
}

// LogProbs returns the log-probabilities of prompt[from:], checked as those of a
// server are, or why there are none. from must be at least 1.
func (r BatchResult) LogProbs(prompt []token.ID, from int) ([]float32, error) {
	if r.Response == nil {
		if e := string(r.Error); e != "" && e != "null" {
			return nil, fmt.Errorf("it failed: %s", excerpt(e, ""))
		}
		return nil, fmt.Errorf("it has neither an answer nor an error")
	}
	if s := r.Response.StatusCode; s != 0 && s != 200 {
		return nil, fmt.Errorf("it failed with status %d: %s", s, serverWords(r.Response.Body, ""))
	}
	a, err := parseVLLM(r.Response.Body, prompt)
	if err != nil {
		return nil, err
	}
	return a.check(prompt, from, 0)
}
