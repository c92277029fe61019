// Package llama scores token sequences with llama.cpp: any GGUF file, on a processor or
// a GPU, through a library that is loaded at run time.
//
//	GGUF file, token ids with branches -> ln q(token | BOS, preceding tokens), in nats
//
// It is a separate module, and runs as a separate process (l2m-llama), for two reasons:
// the binding needs libffi as soon as a program starts, which not every machine has,
// and llama.cpp ends its process when something is wrong with a model. Neither should
// affect a run that lasts days.
//
// A prefix is computed once, whatever branches off it. Attention models compute the
// sequence, and then its branches in parallel, each on the shared keys and values up to
// where it leaves. Recurrent and hybrid models stop where branches leave and keep a
// copy of the state for each, until as many are waiting as fit. Either way tokens are
// computed in full batches, and tokens that predict nothing are not computed.
//
// Cost: a pass of the model for every token asked for, and half a nanosecond for every
// token of the vocabulary at every position (with AVX2).
package llama
