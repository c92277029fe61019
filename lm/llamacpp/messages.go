package llamacpp

// The messages of l2m-llama (llama/l2m-llama/main.go), which are written in gob
// after a line that says hello: there the same fields stand in types of its own.
const hello = "l2m-llama 1"

type request struct {
	ID       uint64
	Open     *openRequest
	Text     *string
	Tokens   []int32
	Branches []branch
	Cancel   bool
}

type openRequest struct {
	Path, LibraryDir              string
	Context, Batch, Sequences     int
	Threads, GPULayers            int
	FlashAttn, KeyType, ValueType string
	BOS                           *int32
}

type branch struct {
	At     int
	Tokens []int32
}

type reply struct {
	ID      uint64
	Error   string
	Info    modelInfo
	Tokens  []int32
	Along   []float32
	Off     [][]float32
	Decoded int64
}

type modelInfo struct {
	Name, Description   string
	Vocabulary, Context int
	Trained             int
	BOS                 int32
	Recurrent           bool
	Fingerprint         string
	Tokenizer           string
}
