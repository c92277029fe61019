package pipe

// Greeting is the line by which a program identifies this version of the protocol.
const Greeting = "l2m-llama 2"

// request is sent by l2m: a model to open, a text to tokenize, tokens to score, or the
// number of a request to cancel.
type request struct {
	ID       uint64   `json:"id"`
	Open     *Options `json:"open,omitempty"`
	Text     *string  `json:"text,omitempty"`
	Tokens   []int32  `json:"tokens,omitempty"`
	Branches []Branch `json:"branches,omitempty"`
	Cancel   bool     `json:"cancel,omitempty"`
}

// reply answers the request with the same number.
type reply struct {
	ID     uint64  `json:"id"`
	Error  string  `json:"error,omitempty"`
	Info   *Info   `json:"info,omitempty"`
	Tokens []int32 `json:"tokens,omitempty"`
	Scores *Scores `json:"scores,omitempty"`
}

// Branch continues from the first At tokens of a request.
type Branch struct {
	At     int     `json:"at"`
	Tokens []int32 `json:"tokens"`
}

// Scores are log-probabilities in nats: along the tokens of a request, and of the
// tokens of each branch.
type Scores struct {
	Along   []float32   `json:"along"`
	Off     [][]float32 `json:"off"`
	Decoded int64       `json:"decoded"` // tokens computed by the model since it was opened
}

// Info describes an open model.
type Info struct {
	Name        string `json:"name"`        // the file's name without its extension
	Description string `json:"description"` // architecture, size and weight type
	File        string `json:"file"`        // the file's name
	FileType    string `json:"file_type"`   // how the weights are stored: F32, Q4_1, …
	FileHash    string `json:"file_hash"`   // see lm.Info.FileHash
	Vocabulary  int    `json:"vocabulary"`  // tokens
	Context     int    `json:"context"`     // longest sequence, tokens without BOS
	Trained     int    `json:"trained"`     // longest sequence in training, according to the file; 0: unknown
	BOS         int32  `json:"bos"`         // token before every sequence, negative for none
	BOSText     string `json:"bos_text"`    // its text
	BOSReason   string `json:"bos_reason"`  // why it was chosen
	Recurrent   bool   `json:"recurrent"`   // some layers keep a state of fixed size
	Fingerprint string `json:"fingerprint"` // of everything that determines log-probabilities
	Tokenizer   string `json:"tokenizer"`   // fingerprint of how text becomes tokens
}
