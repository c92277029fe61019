package arch

import (
	"cmp"
	"slices"
)

// family describes one or several model types: which keys of config.json say
// what each layer keeps. To add one, write a family_NAME.go like the others,
// name it in families, and add a checkpoint to the table of its test.
type family struct {
	types     []string // values of model_type that it describes
	reference string   // the implementation that the formula was read from
	// defaults are class defaults of sizes that Transformers leaves out of a
	// nested text_config when they are not changed.
	defaults map[string]int64
	// learned position embeddings cannot go beyond the declared length.
	learned bool
	layers  func(c *config) []Layer
}

// families lists all descriptions; nothing changes it.
func families() []*family {
	return []*family{
		&familyLlama, &familyWindowed, &familyMistral3, &familyQwen, &familyQwen1, &familyGemma, &familyGemma2, &familyGemma3, &familyGemma3n, &familyGemma4,
		&familyEveryNth, &familyOlmo3, &familyLlama4, &familyMllama, &familyGPTOSS, &familyExaone4,
		&familyGPT2, &familyGPTNeo, &familyGPTBigCode, &familyOPT, &familyBloom, &familyMPT, &familyFalcon, &familyChatGLM,
		&familyOpenELM, &familyDeci, &familyNemotronNAS, &familyMiMo,
		&familyMLA, &familyDeepSeek2, &familyDSA, &familyDeepSeek4, &familyKimiLinear,
		&familyMamba, &familyMamba2, &familyJamba, &familyBamba, &familyGraniteHybrid, &familyNemotronH, &familyZamba, &familyZamba2,
		&familyFalconH1, &familyHymba, &familyRecurrentGemma, &familyLFM2, &familyMiniMax, &familyQwen3Next,
		&familyRWKV4, &familyRWKV5, &familyRWKV7, &familyXLSTM,
		&familyGLA, &familyRetNet, &familyDeltaNet, &familyGatedDeltaNet, &familyHGRN2,
	}
}

// Families lists the values of model_type that are described, sorted.
func Families() []string {
	var names []string
	for _, f := range families() {
		names = append(names, f.types...)
	}
	slices.Sort(names)
	return names
}

func findFamily(modelType string) *family {
	for _, f := range families() {
		if slices.Contains(f.types, modelType) {
			return f
		}
	}
	return nil
}

// nearest names the described model type that fits an unknown configuration
// best: one that can read the file, uses the same keys, and has a similar
// name. The second result tells whether it reads the file without error.
func nearest(obj *value, modelType string) (string, bool) {
	type candidate struct {
		name  string
		reads bool
		score float64
	}
	used := make([]map[string]bool, len(families()))
	all := map[string]bool{}
	reads := make([]bool, len(used))
	for i, f := range families() {
		c := &config{obj: obj, typ: modelType, read: map[string]bool{}, faults: &faults{}}
		f.layers(c)
		used[i], reads[i] = c.read, c.err == nil
		for k := range c.read {
			if obj.get(k) != nil {
				all[k] = true
			}
		}
	}
	var candidates []candidate
	for i, f := range families() {
		shared := 0
		for k := range used[i] {
			if all[k] {
				shared++
			}
		}
		keys := float64(shared) / float64(max(1, len(all)))
		for _, name := range f.types {
			alike := 1 - float64(editDistance(name, modelType))/float64(max(len(name), len(modelType), 1))
			candidates = append(candidates, candidate{name, reads[i], keys + alike})
		}
	}
	best := slices.MaxFunc(candidates, func(a, b candidate) int { // the first of equals
		if a.reads != b.reads {
			if a.reads {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.score, b.score)
	})
	return best.name, best.reads
}

// editDistance is the Levenshtein distance in bytes. Only the first 64 bytes
// are compared: model types are short.
func editDistance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
