package calibrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/process"
)

// Defaults of the options.
const (
	defaultLength      = 1024
	defaultWindows     = 200
	defaultRepetitions = 500
	defaultDraws       = 999
	defaultCross       = 1
)

// defaultEstimators are those run by default.
func defaultEstimators() []mi.Estimator { return []mi.Estimator{mi.Paired, mi.Block, mi.Direct} }

// Declare declares the options of l2m calibrate, except those for its output.
func Declare(s option.Set, o *Options) {
	o.Estimators, o.Windows, o.Damages = defaultEstimators(), []int{defaultWindows}, []string{"none"}
	s.Value(option.Func("list", func() string {
		var names []string
		for _, e := range o.Estimators {
			names = append(names, string(e))
		}
		return strings.Join(names, ",")
	}, func(text string) error {
		o.Estimators = nil
		for name := range strings.SplitSeq(text, ",") {
			e := mi.Estimator(strings.TrimSpace(name))
			if !slices.Contains(mi.Estimators(), e) {
				return fmt.Errorf("unknown estimator %q (choose from %v)", name, mi.Estimators())
			}
			o.Estimators = append(o.Estimators, e)
		}
		return nil
	}), "estimators", "", "estimators to run", option.Numbers)
	s.Repeated(&o.Damages, "damage", []string{"none"}, "make the model worse, NAME=VALUE,…; repeat for several", option.Numbers)
	s.Ints(&o.Windows, "windows", []int{defaultWindows}, "windows per repetition; several give several sample sizes", option.Numbers)
	s.Int(&o.Length, "length", "L", defaultLength, "tokens per window, a power of two", option.Numbers)
	s.Int(&o.Repetitions, "repetitions", "n", defaultRepetitions, "simulated corpora for each combination", option.Numbers)
	s.Int(&o.Cross, "cross", "", defaultCross, "contexts from other documents per window, for estimators that need them", option.Numbers)
	s.Int(&o.Draws, "draws", "", defaultDraws, "bootstrap replicates per interval", option.Numbers)
	s.Value(option.Range(&o.Range), "range", "", "lengths to fit, LO:HI in tokens (default: all)", option.Numbers)
	s.Seed(&o.Seed, "seed of the simulations")
	s.Int(&o.Workers, "workers", "", 0, "cores to use (default: all)", option.Running)
}

// Check returns an error that names the first wrong option.
func (o Options) Check() error {
	for _, p := range o.Processes {
		if _, err := process.Parse(p); err != nil {
			return err
		}
	}
	for _, d := range o.Damages {
		if _, err := process.ParseDamage(d); err != nil {
			return fmt.Errorf("--damage: %w", err)
		}
	}
	return nil
}

// Command is the canonical command line that repeats the calibration: every option
// that changes the numbers and is not at its default.
func (o Options) Command() string {
	o = o.withDefaults()
	var processes []string
	if !slices.Equal(o.Processes, Default()) {
		processes = o.Processes
	}
	return option.Command("calibrate", Declare, o, processes)
}
