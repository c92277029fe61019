package openai

import _ "embed"

// BatchRunner is a Python program, using only the standard library, that answers files
// of batch requests with a server on the same machine, in the format of batch services.
// It is for clusters without l2m, and because vllm run-batch (0.33 and before) does not
// support /v1/completions.
//
//go:embed batch_runner.py
var BatchRunner []byte
