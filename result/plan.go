package result

// Planned is what measure.Plan has written.
type Planned struct {
	Files    []string `json:"files"`
	Runner   string   `json:"runner"` // a program that has a server answer them
	Requests int      `json:"requests"`
	Prompts  int64    `json:"prompt_tokens"` // sent in all, BOS included
	Scored   int64    `json:"scored_tokens"` // log-probabilities that are needed
	Windows  int      `json:"windows"`       // that lack an answer
}
