// Package llamacpp scores token sequences with a GGUF model through llama.cpp: ln
// q(token | BOS, preceding tokens), in nats.
//
// The model runs in a separate process, l2m-llama (module llama/ of this repository),
// which [Open] starts: if llama.cpp crashes on a model, only that process ends, and
// programs that never open a GGUF file need neither llama.cpp nor libffi. See package
// pipe for the protocol.
//
// A shared prefix is computed once; see package llama.
package llamacpp
