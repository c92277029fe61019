// Package llama scores token sequences with llama.cpp: any GGUF file, on a
// processor or a GPU, through a library that is loaded at run time.
//
//	GGUF file, token ids with branches -> ln q(token | BOS, preceding tokens), in nats
//
// It is a module of its own, and runs as a process of its own (l2m-llama), for
// two reasons: the binding needs libffi as soon as a program starts, which not
// every machine has, and llama.cpp ends its process when something is wrong with
// a model. Neither should happen to a run that lasts days.
//
// A prefix is computed once, whatever branches off it: at a branch the state of
// the sequence is copied, keys and values of attention by reference, the state
// of recurrent models whole. Many branches are decoded side by side in one batch.
package llama
