// Package llamacpp scores token sequences with a GGUF model through llama.cpp.
//
//	GGUF file, token ids with branches -> ln q(token | BOS, preceding tokens), in nats
//
// The model runs in a process of its own, l2m-llama (module llama/ of this
// repository), which Open starts: a model that llama.cpp cannot digest ends that
// process, not the run, and programs that never open a GGUF file need neither
// llama.cpp nor libffi. Requests and answers travel over its standard input and
// output.
//
// A shared prefix is computed once; see package llama for how.
package llamacpp
