// Package openai gets log-probabilities of prompts from servers that speak the OpenAI
// completions protocol: vLLM, SGLang and older servers with echo.
//
//	server URLs, token ids -> ln q(token | preceding tokens), in nats
//
// [Open] finds the dialect that the server speaks by trying:
//
//	vllm    POST /v1/completions with prompt_logprobs
//	sglang  POST /generate with return_logprob, input_ids and logprob_start_len
//	echo    POST /v1/completions with echo and logprobs
//
// Prompts are token ids, never text, so that what was asked is what is scored. Every
// prompt starts with the model's beginning-of-sequence token (BOS) or the one in
// Options.BOS, because the first token of a prompt has no log-probability. With
// lm.BOSNone there is none, and the first token has the probability 1/vocabulary.
//
// Cost: a request with b branches takes 1 + b prompts; branch i is the prompt
// Tokens[:At] followed by its own tokens. They are sent in order and to one server if
// possible, to use its prefix cache.
//
// An answer must be complete: as many tokens as were sent, the same ids if the server
// returns them, finite log-probabilities that are not positive, and the same model as
// in the first answer. Temporary errors (429, 5xx, a lost connection, a truncated
// answer, a timeout) are retried, on another server if there is one; all others end the
// run.
//
// [Batch] writes the same requests to files and reads files of results, with the same
// checks, for use when no server can be reached.
package openai
