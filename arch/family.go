package arch

import "slices"

// family describes one or several model types: what each layer keeps, as a function of
// the keys of config.json. To add one, write a family_NAME.go like the others, add it
// to families, and add a checkpoint to the table of its test.
type family struct {
	types     []string // values of model_type that it describes
	reference string   // the implementation that is the source of the formula
	// learned position embeddings cannot go beyond the declared length.
	learned bool
	layers  func(c *config) []Layer
}

// families lists all descriptions.
func families() []*family {
	return []*family{
		&familyLlama, &familyWindowed, &familyMistral3, &familyQwen, &familyQwen1, &familyGemma, &familyGemma2, &familyGemma3, &familyGemma3n, &familyGemma4,
		&familyEveryNth, &familyOlmo3, &familyLlama4, &familyMllama, &familyGPTOSS, &familyExaone4,
		&familyGPT2, &familyGPTNeo, &familyGPTBigCode, &familyOPT, &familyBloom, &familyMPT, &familyFalcon, &familyChatGLM,
		&familyOpenELM, &familyDeci, &familyNemotronNAS, &familyMiMo,
		&familyMLA, &familyDeepSeek2, &familyDSA, &familyDeepSeek4, &familyKimiLinear,
		&familyMamba, &familyMamba2, &familyJamba, &familyBamba, &familyGraniteHybrid, &familyNemotronH, &familyNemotronFlash, &familyZamba, &familyZamba2,
		&familyFalconH1, &familyHymba, &familyRecurrentGemma, &familyLFM2, &familyMiniMax, &familyDeltaHybrid,
		&familyRWKV4, &familyRWKV5, &familyRWKV7, &familyXLSTM,
		&familyGLA, &familyRetNet, &familyDeltaNet, &familyGatedDeltaNet, &familyHGRN2,
		&familySlots, &familyDeltaProduct, &familyMesa, &familyMoM, &familyHGRN, &familyLightNet, &familyFLAAttention, &familyRodimus,
		&familyMamba3, &familyLogLinearMamba2, &familySamba, &familySambaY, &familyHunyuan, &familyStep, &familyParams, &familyMiniMaxM3,
		&familyLab, &familyLabLearned,
		&familyTyped, &familyInkling, &familyBailing, &familyIndexed, &familyJetMoE, &familyPlamo2,
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

// editDistance is the Levenshtein distance in bytes of the first 64 bytes: model types
// are short.
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
