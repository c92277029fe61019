package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"

	"github.com/l2m-lab/l2m/compare"
	"github.com/l2m-lab/l2m/info"
)

// CompareSchema is the version of the Comparison document, written to
// compare.json.
const CompareSchema = "l2m.compare/2"

// Comparison holds scored runs of several models against the first of them.
type Comparison struct {
	Schema    string         `json:"schema"`
	Command   string         `json:"command"`
	Version   string         `json:"version"`
	Unit      string         `json:"unit"`      // of lengths and of losses: "byte", "token", … ; "byte" where tokenizers differ
	Paired    bool           `json:"paired"`    // same windows: differences are taken document by document
	Length    int            `json:"length"`    // of the windows of the first run, tokens
	Documents int            `json:"documents"` // of the first run
	Level     float64        `json:"level"`     // of intervals
	Runs      []ComparedRun  `json:"runs"`
	Warnings  []info.Warning `json:"warnings,omitempty"`
}

// ComparedRun is one run. Differences are this run minus the first; the first
// has none.
type ComparedRun struct {
	Run           string            `json:"run"` // directory
	Model         string            `json:"model"`
	Fingerprint   string            `json:"fingerprint"`
	Tokenizer     string            `json:"tokenizer"`
	BytesPerToken float64           `json:"bytes_per_token,omitempty"`
	Loss          info.Estimate     `json:"loss"` // nats per unit, whole windows
	Difference    *info.Estimate    `json:"difference,omitempty"`
	Positions     []ComparedBin     `json:"positions"`
	Estimator     string            `json:"estimator"` // of Information
	Information   []ComparedPoint   `json:"information"`
	Stop          compare.Stop      `json:"stop"` // in tokens of this run
	Capacity      *ComparedCapacity `json:"capacity,omitempty"`
}

// ComparedBin is the loss at positions From to To of a window (from 1, in
// units), nats per unit.
type ComparedBin struct {
	From       float64        `json:"from"`
	To         float64        `json:"to"`
	Loss       info.Estimate  `json:"loss"`
	Difference *info.Estimate `json:"difference,omitempty"`
}

// ComparedPoint is the information about the next Ell units of text that the
// model takes from the last Ell.
type ComparedPoint struct {
	Ell        float64        `json:"ell"`
	Nats       info.Estimate  `json:"nats"`
	Difference *info.Estimate `json:"difference,omitempty"` // nats
	Lost       *info.Estimate `json:"lost,omitempty"`       // percent of what the first run takes; negative: gained
}

// ComparedCapacity is what an element of the model's history state carries at
// least: the information taken from Ell tokens, divided by the elements kept of
// them, where that is largest.
type ComparedCapacity struct {
	Config         string        `json:"config"`
	Ell            int           `json:"ell"`      // tokens
	Elements       float64       `json:"elements"` // kept after Ell tokens
	NatsPerElement info.Estimate `json:"nats_per_element"`
}

// WriteComparison writes the document of a comparison.
func WriteComparison(w io.Writer, c *Comparison) error {
	doc, err := encodeComparison(c)
	if err != nil {
		return fmt.Errorf("writing the comparison: %w", err)
	}
	_, err = w.Write(doc)
	return err
}

// ReadComparison reads a document that WriteComparison wrote. Unknown fields of the
// same schema are ignored.
func ReadComparison(rd io.Reader) (*Comparison, error) {
	var c Comparison
	if err := ReadDocument(rd, CompareSchema, &c); err != nil {
		return nil, fmt.Errorf("reading the comparison: %w", err)
	}
	if len(c.Runs) < 2 {
		return nil, errors.New("reading the comparison: it has fewer than two runs: the document is damaged")
	}
	return &c, nil
}

func encodeComparison(c *Comparison) ([]byte, error) {
	if c == nil || len(c.Runs) < 2 {
		return nil, errors.New("there is no comparison")
	}
	copied := *c
	copied.Schema = CompareSchema
	if err := finiteNumbers(reflect.ValueOf(&copied).Elem(), ""); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(&copied); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// ComparisonCSV writes every estimate of a comparison, a row each: the loss at a
// position or the information at a length, with its interval, and the difference
// to the first run.
func ComparisonCSV(w io.Writer, c *Comparison) error {
	out := csv.NewWriter(w)
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	row := func(run ComparedRun, what string, from, to float64, e info.Estimate, d *info.Estimate) {
		cells := func(e info.Estimate) []string {
			lo, hi := e.Bounds()
			return []string{number(e.Value), number(e.SE), number(lo), number(hi)}
		}
		fields := append([]string{run.Run, run.Model, what, number(from), number(to)}, cells(e)...)
		if d != nil {
			fields = append(fields, cells(*d)...)
		} else {
			fields = append(fields, "", "", "", "")
		}
		out.Write(fields) // errors wait for out.Error
	}
	out.Write([]string{"run", "model", "quantity", "from", "to", "nats", "se", "lo", "hi", "difference", "difference_se", "difference_lo", "difference_hi"})
	for _, r := range c.Runs {
		for _, b := range r.Positions {
			row(r, "loss", b.From, b.To, b.Loss, b.Difference)
		}
		for _, p := range r.Information {
			row(r, "information", p.Ell, 2*p.Ell, p.Nats, p.Difference)
		}
	}
	out.Flush()
	return out.Error()
}
