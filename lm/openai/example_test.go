package openai_test

import (
	"context"
	"fmt"
	"log"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/openai"
	"github.com/l2m-lab/l2m/token"
)

// Without output to compare, because it needs a server:
// vllm serve Qwen/Qwen3-0.6B-Base --port 8000
func Example() {
	ctx := context.Background()
	m, err := openai.Open(ctx, openai.Options{
		Endpoints: []string{"http://localhost:8000/v1"},
		APIKeyEnv: "VLLM_API_KEY",
	})
	if err != nil {
		log.Fatal(err)
	}
	ids, err := m.Tokenize(ctx, "It was the best of times, it was the worst of times")
	if err != nil {
		log.Fatal(err)
	}
	s, err := m.LogProbs(ctx, lm.Request[token.ID]{Tokens: ids})
	if err != nil {
		log.Fatal(err)
	}
	for i, v := range s.Tokens {
		fmt.Printf("%d %.3f nats\n", ids[i], -v)
	}
}
