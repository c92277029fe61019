package completions

import (
	"encoding/json"
	"math"

	"github.com/l2m-lab/l2m/llama"
)

// request is the body of POST /v1/completions: OpenAI's fields, and two of vLLM's.
type request struct {
	Model       string          `json:"model"`
	Prompt      json.RawMessage `json:"prompt"`
	MaxTokens   *int            `json:"max_tokens"`
	Temperature *float64        `json:"temperature"`
	TopP        *float64        `json:"top_p"`
	Seed        *int64          `json:"seed"`
	Stop        json.RawMessage `json:"stop"`
	LogProbs    *int            `json:"logprobs"`
	Echo        bool            `json:"echo"`
	AsIDs       bool            `json:"return_tokens_as_token_ids"`
	Special     *bool           `json:"add_special_tokens"`

	// Refused unless they ask for the default behaviour.
	N                *int               `json:"n"`
	BestOf           *int               `json:"best_of"`
	Stream           bool               `json:"stream"`
	Suffix           *string            `json:"suffix"`
	PresencePenalty  float64            `json:"presence_penalty"`
	FrequencyPenalty float64            `json:"frequency_penalty"`
	LogitBias        map[string]float64 `json:"logit_bias"`
	PromptLogProbs   *int               `json:"prompt_logprobs"`
}

// job is a checked request.
type job struct {
	prompts  [][]int32
	sampling llama.Sampling
	stops    []string
	top      int // number of most probable tokens with log-probabilities; negative for none
	echo     bool
	asIDs    bool
}

// defaultTokens is the default number of tokens to generate in OpenAI's API.
const defaultTokens = 16

func (s *server) read(body []byte) (job, error) {
	var q request
	if err := decode(body, &q); err != nil {
		return job{}, err
	}
	if err := s.checkModel(q.Model); err != nil {
		return job{}, err
	}
	if err := q.unsupported(); err != nil {
		return job{}, err
	}
	j := job{top: -1, echo: q.Echo, asIDs: q.AsIDs, sampling: llama.Sampling{Most: defaultTokens, Temperature: 1}}
	if q.LogProbs != nil {
		if j.top = *q.LogProbs; j.top < 0 || j.top > llama.TopTokens {
			return job{}, wrong("logprobs", "%d is not from 0 to %d", j.top, llama.TopTokens)
		}
	}
	if q.MaxTokens != nil {
		if j.sampling.Most = *q.MaxTokens; j.sampling.Most < 0 {
			return job{}, wrong("max_tokens", "%d is negative", j.sampling.Most)
		}
	}
	if q.Temperature != nil {
		if t := *q.Temperature; t < 0 || math.IsNaN(t) || t > 100 {
			return job{}, wrong("temperature", "%g is not from 0 to 100", t)
		}
		j.sampling.Temperature = *q.Temperature
	}
	if q.TopP != nil {
		if p := *q.TopP; !(p > 0 && p <= 1) {
			return job{}, wrong("top_p", "%g is not above 0 and at most 1", p)
		}
		j.sampling.TopP = *q.TopP
	}
	if q.Seed != nil {
		j.sampling.Seed = uint64(*q.Seed)
	}
	var err error
	if j.stops, err = texts("stop", q.Stop); err != nil {
		return job{}, err
	}
	if j.prompts, err = s.prompts(q); err != nil {
		return job{}, err
	}
	return j, nil
}

// unsupported refuses fields that would change the answer.
func (q request) unsupported() error {
	switch {
	case q.Stream:
		return wrong("stream", "streaming is not supported")
	case q.N != nil && *q.N != 1:
		return wrong("n", "only one continuation per prompt is supported; repeat the prompt with other seeds")
	case q.BestOf != nil && *q.BestOf != 1:
		return wrong("best_of", "only one continuation per prompt is supported")
	case q.Suffix != nil && *q.Suffix != "":
		return wrong("suffix", "inserting text is not supported")
	case q.PresencePenalty != 0 || q.FrequencyPenalty != 0:
		return wrong("presence_penalty", "and frequency_penalty are not supported")
	case len(q.LogitBias) > 0:
		return wrong("logit_bias", "it is not supported")
	case q.PromptLogProbs != nil:
		return wrong("prompt_logprobs", "not supported: use echo and logprobs for log-probabilities of a prompt")
	}
	return nil
}

// texts reads a string or a list of them.
func texts(param string, raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var many []string
	if json.Unmarshal(raw, &many) != nil {
		return nil, wrong(param, "neither a text nor a list of texts")
	}
	return many, nil
}

// prompts reads a text, a list of texts, a list of token ids, or a list of those.
func (s *server) prompts(q request) ([][]int32, error) {
	if len(q.Prompt) == 0 || string(q.Prompt) == "null" {
		return nil, wrong("prompt", "it is missing")
	}
	var out [][]int32
	var ids []int32
	if words, err := texts("prompt", q.Prompt); err == nil {
		for _, text := range words {
			var prompt []int32
			if q.Special == nil || *q.Special {
				prompt = append(prompt, s.start...)
			}
			out = append(out, append(prompt, s.engine.Tokenize(text, true)...))
		}
	} else if json.Unmarshal(q.Prompt, &ids) == nil {
		out = [][]int32{ids}
	} else if json.Unmarshal(q.Prompt, &out) != nil {
		return nil, wrong("prompt", "neither text, nor token ids, nor a list of either")
	}
	if len(out) == 0 {
		return nil, wrong("prompt", "the list is empty")
	}
	longest := s.engine.Info().Context
	for i, prompt := range out {
		if err := s.checkTokens("prompt", prompt); err != nil {
			return nil, err
		}
		switch n := len(prompt); {
		case n == 0:
			return nil, wrong("prompt", "prompt %d has no tokens (begin it with the token that begins a text)", i)
		case n > longest:
			return nil, wrong("prompt", "prompt %d has %d tokens; this model's maximum context length is %d tokens (l2m-llama serve --max-context)", i, n, longest)
		}
	}
	return out, nil
}
