package arch

import "io"

const ggufMagic = "GGUF"

func parseGGUF(r io.Reader, o Options) (*Model, error) { return nil, nil }
