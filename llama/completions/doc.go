// Package completions serves a GGUF model over HTTP with OpenAI's completions API,
// including what other servers of GGUF files lack: log-probabilities of the prompt
// (echo with logprobs), which every log-likelihood task needs.
//
//		GET  /health, /v1/models, /tokenizer_info
//		POST /v1/completions    prompts as text or token ids, one or many
//		POST /tokenize, /detokenize
//
//	  1. A request is read and checked; unsupported fields are refused with a message,
//	     never ignored.
//	  2. It waits in a queue of bounded length; the model computes one prompt at a
//	     time, on all threads, and shares common prefixes of prompts.
//	  3. The answer has the tokens, their log-probabilities in nats, and those of the
//	     most probable tokens at their positions.
package completions
