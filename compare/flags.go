package compare

import "github.com/l2m-lab/l2m/internal/option"

// defaultDraws is the number of bootstrap replicates.
const defaultDraws = 1000

// Declare declares the options of l2m compare, except those for its output.
func Declare(s option.Set, o *Options) {
	s.Repeated(&o.Configs, "config", nil, "configuration of a run's model, once per run in order (\"\" for none), to measure what an element of its state carries", option.Numbers)
	s.Float(&o.IdealLoss, "ideal-loss", 0, "loss of a perfect model on these windows, nats per token, to extrapolate the law of three or more models to", option.Numbers)
	s.Int(&o.Draws, "draws", "", defaultDraws, "bootstrap replicates", option.Numbers)
	s.Seed(&o.Seed, "seed of the bootstrap")
}

// Command is the canonical command line that repeats the comparison.
func (o Options) Command() string {
	if o.Draws == 0 {
		o.Draws = defaultDraws
	}
	return option.Command("compare", Declare, o, o.Runs)
}
