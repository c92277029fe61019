package twopoint

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/mi"
)

// Declare declares the options of l2m twopoint, except those for its output.
func Declare(s option.Set, o *Options) {
	s.Text(&o.Tokens, "tokens", "t", "bytes", "bytes, words, dna (or dna:K, words of K letters), protein, or a vocabulary: tokenizer.json, a .tiktoken file or a GGUF model", option.Numbers)
	s.Value(option.Func("list", func() string { return formatDistances(o.Distances) }, func(text string) (err error) {
		o.Distances, err = parseDistances(text)
		return err
	}), "distances", "d", "distances in tokens, at most 255 of them: a list such as 1,2,5, or :4096 for the powers of two up to 4096 (default: powers of two up to the longest document)", option.Numbers)
	s.Text(&o.Counts, "counts", "", "", "estimate from a file of counts instead of documents", option.Numbers)
	o.Memory = 1 << 30
	s.Value(option.Size(&o.Memory), "memory", "", "total memory to use; counts that do not fit are kept on disk, in the run directory", option.Running)
	s.Text(&o.Estimator, "estimator", "", string(mi.Grassberger), "estimator of entropies: grassberger, chao-shen, miller-madow or plug-in", option.Numbers)
	subtract := option.Func("bool", func() string { return strconv.FormatBool(!o.KeepFloor) }, func(text string) error {
		yes, err := strconv.ParseBool(text)
		o.KeepFloor = !yes
		return err
	})
	s.Value(subtract, "subtract-floor", "", "subtract the noise floor, the estimate on shuffled pairs", option.Numbers)
	s.Lookup("subtract-floor").NoOptDefVal = "true"
	o.Blocks = count.DefaultBlocks
	s.Value(option.Func("int", func() string { return strconv.Itoa(max(o.Blocks, 0)) }, func(text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return fmt.Errorf("%q is not a number of blocks", text)
		}
		if o.Blocks = n; n == 0 {
			o.Blocks = -1
		}
		return nil
	}), "blocks", "", "blocks of documents for jackknife standard errors, at most 255; 0 for none", option.Numbers)
	s.Float(&o.Sample, "sample", 1, "share of the documents to count", option.Numbers)
	s.Reading(option.Reading{Format: &o.Format, Field: &o.Field, MaxRecord: &o.MaxRecord, Strict: &o.Strict, KeepDuplicates: &o.KeepDuplicates})
	s.Seed(&o.Seed, "seed of the shuffled pairs, the blocks and the sample")
}

// Command is the canonical command line that repeats the measurement: every
// option that changes the numbers and is not at its default.
func (o Options) Command() string {
	return option.Command("twopoint", Declare, o.withDefaults(), o.Paths)
}

// parseDistances reads a comma-separated list of distances, or :N for powers
// of two up to N.
func parseDistances(s string) ([]int, error) {
	if s == "" {
		return nil, nil
	}
	if most, ok := strings.CutPrefix(s, ":"); ok {
		n, err := strconv.Atoi(most)
		if err != nil || n < 1 || n > math.MaxInt32 {
			return nil, fmt.Errorf("%q is not a distance", most)
		}
		return dyadicDistances(1, int64(n)+1), nil
	}
	var ds []int
	for word := range strings.SplitSeq(s, ",") {
		d, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || d < 1 || d > math.MaxInt32 {
			return nil, fmt.Errorf("%q is not a distance", word)
		}
		ds = append(ds, d)
	}
	return ds, nil
}

func formatDistances(ds []int) string {
	if n := len(ds); n > 2 && slices.Equal(ds, dyadicDistances(1, int64(ds[n-1])+1)) {
		return ":" + strconv.Itoa(ds[n-1])
	}
	var words []string
	for _, d := range ds {
		words = append(words, strconv.Itoa(d))
	}
	return strings.Join(words, ",")
}
