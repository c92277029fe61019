package predictor

import (
	"errors"

	"github.com/l2m-lab/l2m/internal/option"
)

// Defaults of the options.
const (
	defaultTraining = 64 << 20
	defaultWindows  = 200
)

// DeclareTraining declares the options of l2m model train.
func DeclareTraining(s option.Set, o *Options) {
	s.Text(&o.File, "out", "o", "", "file to write; an existing file is replaced only if it is a model", option.Running)
	s.Value(option.Size(&o.TrainingBytes), "training-bytes", "", "train on at most this much text, sampled evenly (default 64M)", option.Numbers)
	declareReading(s, o)
	s.Text(&o.Tokenizer, "tokenizer", "", "", "what to predict: bytes, dna or protein (default: dna or protein for FASTA files, else bytes)", option.Numbers)
	s.Seed(&o.Seed, "seed of the sample and its order")
}

// DeclareEvaluation declares the options of l2m model eval.
func DeclareEvaluation(s option.Set, o *Options) {
	s.Int(&o.Length, "length", "L", 0, "bytes per window (default: from the documents, at most 16384)", option.Numbers)
	s.Int(&o.MaxWindows, "windows", "", 0, "total number of windows (default 200)", option.Numbers)
	declareReading(s, o)
	s.Text(&o.Tokenizer, "tokenizer", "", "", "what to read the text as: bytes, dna or protein (default: what the model predicts)", option.Numbers)
	s.Seed(&o.Seed, "seed of the windows")
}

func declareReading(s option.Set, o *Options) {
	s.Reading(option.Reading{Format: &o.Format, Field: &o.Field, MaxRecord: &o.MaxRecord, Strict: &o.Strict, KeepDuplicates: &o.KeepDuplicates})
}

// check returns an error that names the first wrong option.
func (o Options) check() error {
	switch {
	case len(o.Paths) == 0:
		return errors.New("no text: name files or folders")
	case o.File == "":
		return errors.New("no model file named")
	case o.TrainingBytes < 0:
		return errors.New("--training-bytes must not be negative")
	case o.Length < 0:
		return errors.New("--length must not be negative")
	case o.MaxWindows < 0:
		return errors.New("--windows must not be negative")
	}
	return nil
}
