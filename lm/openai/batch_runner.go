package openai

import _ "embed"

// BatchRunner is a program in Python, of its standard library only, that answers
// files of batch requests with a server on the same machine, in the same format
// as batch services do. It is for clusters where l2m is not installed, and
// because vllm run-batch (0.33 and before) refuses /v1/completions.
//
//go:embed batch_runner.py
var BatchRunner []byte
