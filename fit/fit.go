package fit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// Options say what to fit. Zero values ask for defaults.
type Options struct {
	Table      string    // file of the table; "-" is Stdin
	Stdin      io.Reader // read for "-"
	Columns    Columns
	Covariance string     // file with the covariance matrix of the estimates, rows as in the table; "" means that errors are independent
	Unit       string     // what lengths count: tokens or bytes; "" means bytes if the column is called so, else tokens
	Ratio      int        // L/ℓ: a window of L is cut after L/Ratio; 0 means 2
	Range      [2]float64 // lengths to fit, inclusive; a zero bound is open
	Level      float64    // of the intervals; 0 means 0.95
}

// withDefaults fills in the zero values that stand for defaults.
func (o Options) withDefaults() Options {
	if o.Ratio == 0 {
		o.Ratio = 2
	}
	if o.Level == 0 {
		o.Level = info.DefaultLevel
	}
	return o
}

// Validate says which option cannot be.
func (o Options) Validate() error {
	o = o.withDefaults()
	switch {
	case o.Table == "":
		return errors.New("name a table of estimates (or - for standard input)")
	case o.Unit != "" && o.Unit != "tokens" && o.Unit != "bytes":
		return fmt.Errorf("--unit: %q is neither tokens nor bytes", o.Unit)
	case o.Ratio < 2:
		return fmt.Errorf("--ratio: %d is below 2: a window is at least twice its first part", o.Ratio)
	case !(o.Level > 0 && o.Level < 1):
		return fmt.Errorf("--level: %g is not between 0 and 1", o.Level)
	case o.Covariance == "-":
		return errors.New("--covariance: name a file; standard input is for the table")
	}
	return nil
}

// Run fits the laws to a table. The result has one series, of the estimator
// [mi.Given], with its analysis; all information is in nats.
func Run(_ context.Context, o Options) (*result.Result, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	t, err := o.table()
	if err != nil {
		return nil, err
	}
	d := law.Data{L: t.Length, I: t.Value, Unit: "token", Source: "fit to " + o.Table}
	tokenizer := ""
	if o.Unit == "bytes" || o.Unit == "" && t.Bytes {
		d.Unit, tokenizer = "byte", "bytes"
	}
	r := &result.Result{
		Schema: result.Schema, Verb: rundir.Fit.Verb, Command: o.Command(), Version: info.BuildVersion().Short(),
		Corpus: result.Corpus{Paths: []string{o.Table}, Tokenizer: tokenizer},
	}
	analyze := law.Unweighted
	switch {
	case o.Covariance != "":
		if d.Cov, err = o.covariance(t); err != nil {
			return nil, err
		}
		analyze = law.Analyze
	case t.SE != nil:
		d.Cov = diagonal(t.SE)
		analyze = law.Analyze
		r.Warnings = append(r.Warnings, info.Warning{
			Code: "independent-errors",
			Text: "the errors are taken to be independent; those of estimates from the same text are not, so the interval of the exponent may be too narrow or too wide",
			Fix:  "give their covariance (--covariance) if you have it",
		})
	}
	a, err := analyze(d, law.Options{Level: o.Level, Range: o.Range})
	if err != nil {
		return nil, fmt.Errorf("fitting %s: %w", o.Table, err)
	}
	r.Series = []result.Series{{Series: series(d, o.Ratio), Law: a}}
	return r, nil
}

// series is the table as an estimator.
func series(d law.Data, ratio int) mi.Series {
	s := mi.Series{Estimator: mi.Given, Ratio: ratio, Cov: d.Cov}
	for i, l := range d.L {
		n := int(math.Round(l))
		p := mi.Point{Ell: max(1, n/ratio), Length: max(2, n), Value: info.Nats(d.I[i])}
		if d.Cov != nil {
			p.SE = info.Nats(math.Sqrt(d.Cov[i][i]))
		}
		s.Points = append(s.Points, p)
	}
	return s
}

func (o Options) table() (*Table, error) {
	if o.Table == "-" {
		return ReadTable(o.Stdin, "from standard input", o.Columns)
	}
	f, err := os.Open(o.Table)
	if err != nil {
		return nil, fmt.Errorf("reading the table: %w", err)
	}
	defer f.Close()
	return ReadTable(f, o.Table, o.Columns)
}

func diagonal(se []float64) [][]float64 {
	c := make([][]float64, len(se))
	for i, s := range se {
		c[i] = make([]float64, len(se))
		c[i][i] = s * s
	}
	return c
}

// Write writes a result to a run directory: results.json, and the files made by faces,
// figures in the given formats (nil: all).
func Write(dir string, r *result.Result, faces func(*result.Result, []string) []rundir.Face, formats []string) error {
	run, err := rundir.Open(dir, rundir.Fit, rundir.Options{Command: r.Command})
	if err == nil {
		defer run.Close()
		err = result.Store(run, r, rundir.Faces(faces, r, formats))
	}
	if err != nil {
		return fmt.Errorf("writing the fit: %w", err)
	}
	return nil
}
