package fit

import (
	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/rundir"
)

// Declare declares the options of l2m fit, except those for its output.
func Declare(s option.Set, o *Options) {
	s.List(&o.Columns.Names, "columns", nil, "LENGTH,ESTIMATE[,ERROR]: columns to read, by name or by number from 1 (default: usual names, such as length, nats, se)", option.Numbers)
	s.Text(&o.Columns.Series, "series", "", "", "ESTIMATOR/RATIO: which series of an estimates.csv to fit", option.Numbers)
	s.Bool(&o.Columns.Bits, "bits", "", false, "estimates and errors are in bits (default: nats, unless the column says bits)", option.Numbers)
	s.Text(&o.Covariance, "covariance", "", "", "file with the covariance matrix of the estimates, in the order of the table", option.Numbers)
	s.Text(&o.Unit, "unit", "", "", "unit of the lengths: tokens or bytes (default: bytes if the column has that name, else tokens)", option.Numbers)
	s.Int(&o.Ratio, "ratio", "", 2, "L/ℓ: a window of L is cut after L/ratio", option.Numbers)
	s.Value(option.Range(&o.Range), "range", "", "lengths to fit, LO:HI (default: all)", option.Numbers)
	s.Float(&o.Level, "level", 0.95, "confidence level of the intervals", option.Numbers)
}

// Command is the canonical command line that repeats the fit.
func (o Options) Command() string {
	return option.Command(rundir.Fit.Verb, Declare, o.withDefaults(), []string{o.Table})
}
