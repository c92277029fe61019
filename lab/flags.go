package lab

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/internal/option"
)

// Declare declares the options of l2m lab train, except those for its output.
func Declare(s option.Set, o *Options) {
	s.Text(&o.Data, "data", "", "", "a process, a task (recall:pairs=4, copy, selective), or bytes", option.Numbers)
	s.Text(&o.Tokenizer, "tokenizer", "", "", "vocabulary of the text's tokens: tokenizer.json, its folder, a .tiktoken file, or a GGUF model (default: bytes)", option.Numbers)
	s.List(&o.Types, "layer-types", nil, "mechanisms of the layers, repeated as needed: "+strings.Join(Mechanisms(), ", "), option.Numbers)
	s.Value(option.Floats(&o.Memory), "memory", "", "A,B: power_law_memory and memory_caching keep A·n^B slots for a block of n tokens", option.Numbers)
	s.Int(&o.Layers, "layers", "", 0, "number of layers", option.Numbers)
	s.Int(&o.Hidden, "hidden", "", 0, "width of the model", option.Numbers)
	s.Ints(&o.Lengths, "lengths", nil, "length of training sequences, tokens; several make a curriculum", option.Numbers)
	s.Ints(&o.Evaluate, "evaluate", nil, "lengths at which to evaluate the trained model", option.Numbers)
	s.Int(&o.Steps, "steps", "", 0, "training steps", option.Numbers)
	s.Int(&o.Batch, "batch", "", 0, "sequences per step", option.Numbers)
	s.Float(&o.Rate, "rate", 0, "peak learning rate", option.Numbers)
	s.Value(option.Floats(&o.Rates), "rates", "", "learning rates to try for a tenth of the steps each; the best one is used", option.Numbers)
	s.Repeated(&o.Set, "set", nil, "any other setting of a recipe file, KEY=VALUE, such as model.positions=rope (may be repeated)", option.Numbers)
	s.Value(option.Func("uint64", func() string {
		if o.Seed == nil {
			return ""
		}
		return strconv.FormatUint(*o.Seed, 10)
	}, func(text string) error {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a whole number of 0 or more", text)
		}
		o.Seed = &seed
		return nil
	}), "seed", "", "seed of weights, data and split (default: that of the recipe)", option.Numbers)
	s.Text(&o.Format, "format", "", "", "format of the text (default: recognised by content, then by name)", option.Numbers)
	s.Text(&o.Field, "field", "", "", "field of JSON or column of a table that holds the text", option.Numbers)
	s.Int(&o.Workers, "workers", "j", 0, "cores to use (default: all); does not change the result", option.Running)
}

// Command is the command line that repeats the run; "" for one with Settings, which a
// study makes.
func (o Options) Command() string {
	if o.Settings != nil {
		return ""
	}
	return option.Command("lab train", Declare, o, append([]string{o.Recipe}, o.Paths...))
}
