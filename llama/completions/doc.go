// Package completions serves a GGUF model over HTTP as OpenAI's completions API
// has it, with what other servers of GGUF files lack: log-probabilities of the
// prompt (echo with logprobs), which every log-likelihood task needs.
//
//		GET  /health, /v1/models, /tokenizer_info
//		POST /v1/completions    prompts as text or token ids, one or many
//		POST /tokenize, /detokenize
//
//	 1. A request is read whole and checked; what is not supported is refused in
//	    words, never left out silently.
//	 2. It waits in a queue of bounded length; the model computes one prompt at a
//	    time, on all threads, and shares what prompts have in common.
//	 3. The answer has the tokens, their log-probabilities in nats, and those of the
//	    most probable tokens at their positions.
package completions
