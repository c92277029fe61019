// Package openai asks a server that speaks the OpenAI completions protocol for
// the log-probabilities of prompts: vLLM, SGLang and older servers that echo.
//
//	server URLs, token ids -> ln q(token | preceding tokens), in nats
//
// Open finds out by asking which dialect the server speaks:
//
//	vllm    POST /v1/completions with prompt_logprobs
//	sglang  POST /generate with return_logprob, input_ids and logprob_start_len
//	echo    POST /v1/completions with echo and logprobs
//
// Prompts are token ids, never text, so that what is scored is what was asked.
// Every prompt starts with the model's beginning-of-sequence token (BOS) or the
// one that Options.BOS names, because the first token of a prompt has no
// log-probability; with lm.BOSNone nothing is put before it, and it is given the
// probability 1/vocabulary.
//
// Cost: a request of b branches takes 1 + b prompts; branch i is the prompt
// Tokens[:At] followed by its own tokens. They are sent in order and to one
// server where possible, so that its prefix cache can help.
//
// An answer is used only if it is whole: as many tokens as were sent, the same
// ids where the server tells them, finite log-probabilities that are not
// positive, and the same model as in the first answer. What may pass (429,
// 5xx, a lost connection, a cut answer, no answer in time) is tried again,
// on another server if there is one; everything else ends the run with an
// error that says what the server did.
//
// Batch writes the same requests into files and reads the results of files, with
// the same checks, where no server can be reached.
package openai
