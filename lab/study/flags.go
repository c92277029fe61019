package study

import (
	"errors"
	"strconv"

	"github.com/l2m-lab/l2m/internal/option"
)

// Declare declares the options of l2m lab study, except those for its output.
func Declare(s option.Set, o *Options) {
	s.List(&o.Only, "only", nil, "train only models whose names match one of these patterns, such as '*-attention-seed1'", option.Running)
	o.Limit = -1
	s.Value(option.Func("int", func() string {
		if o.Limit < 0 {
			return ""
		}
		return strconv.Itoa(o.Limit)
	}, func(text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return errors.New("want a whole number, 0 to train nothing")
		}
		o.Limit = n
		return nil
	}), "limit", "", "train at most so many models now (default: all that are missing)", option.Running)
	s.Int(&o.Workers, "workers", "j", 0, "cores to use (default: all); does not change the result", option.Running)
}

// Command is the command line that repeats the run.
func (o Options) Command() string {
	return option.Command("lab study", Declare, o, append([]string{o.Study}, o.Paths...))
}
