package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
)

// AuditSchema is the version of the Audit document.
const AuditSchema = "l2m.audit/1"

// Audit is the findings of an audit: what several models keep of the past,
// held against one law.
type Audit struct {
	Schema     string         `json:"schema"`
	Command    string         `json:"command"` // canonical command line that repeats the audit
	Version    string         `json:"version"` // of l2m
	Law        law.PowerLaw   `json:"law"`     // in tokens
	Level      float64        `json:"level"`   // of intervals
	DType      string         `json:"dtype"`   // of state that is not kept in float32 anyway
	Capacities []float64      `json:"capacities"`
	Lengths    []int64        `json:"lengths"`
	Questions  []Question     `json:"questions,omitempty"`
	Models     []*arch.Audit  `json:"models"`
	Failures   []AuditFailure `json:"failures,omitempty"`
	Warnings   []info.Warning `json:"warnings,omitempty"`
}

// AuditFailure is a file that could not be audited.
type AuditFailure struct {
	Path  string `json:"path"`
	Error string `json:"error"`
}

// Question is "what would a length need?", without any model: the information
// that the past holds about the future, and the fixed-size states that could
// hold it, at that length and on the way there.
type Question struct {
	Length     int64      `json:"length"`      // tokens
	PerTenfold float64    `json:"per_tenfold"` // factor of the needed state for ten times the length: 10^β
	Series     []StateFor `json:"series"`
}

// StateFor is the state that one length needs.
type StateFor struct {
	Length      int64         `json:"length"` // tokens
	Information info.Nats     `json:"information"`
	Interval    info.Interval `json:"interval"`
	Elements    []float64     `json:"elements"` // one for each of Audit.Capacities
}

// NewQuestion answers for one length; the way there goes by factors of four
// down to 1,024 tokens.
func NewQuestion(l law.PowerLaw, L int64, capacities []float64, level float64) Question {
	q := Question{Length: L, PerTenfold: math.Pow(10, l.Beta)}
	var lengths []int64
	for n := int64(1024); n < L; n *= 4 {
		lengths = append(lengths, n)
		if n > math.MaxInt64/4 {
			break
		}
	}
	for _, n := range append(lengths, L) {
		s := StateFor{Length: n, Information: l.At(float64(n)), Interval: l.Interval(float64(n), level)}
		for _, c := range capacities {
			s.Elements = append(s.Elements, float64(s.Information)/c)
		}
		q.Series = append(q.Series, s)
	}
	return q
}

// WriteAudit writes the document: JSON of schema AuditSchema, indented, the
// same bytes for the same audit. It fails, naming the field, when a number is
// not finite.
func WriteAudit(w io.Writer, a *Audit) error {
	doc, err := encodeAudit(a)
	if err != nil {
		return fmt.Errorf("writing the audit: %w", err)
	}
	_, err = w.Write(doc)
	return err
}

// ReadAudit reads a document that WriteAudit wrote. Unknown fields of the same
// schema are ignored.
func ReadAudit(rd io.Reader) (*Audit, error) {
	var a Audit
	if err := ReadDocument(rd, AuditSchema, &a); err != nil {
		return nil, fmt.Errorf("reading the audit: %w", err)
	}
	if err := a.validate(); err != nil {
		return nil, fmt.Errorf("reading the audit: %w", err)
	}
	return &a, nil
}

// validate says what keeps an audit from being shown: lists that do not belong
// together.
func (a *Audit) validate() error {
	if len(a.Lengths) == 0 || len(a.Capacities) == 0 {
		return errors.New("no lengths or no capacities: the document is damaged")
	}
	for i, q := range a.Questions {
		if len(q.Series) == 0 {
			return fmt.Errorf("question %d has no series: the document is damaged", i+1)
		}
		for _, s := range q.Series {
			if len(s.Elements) != len(a.Capacities) {
				return fmt.Errorf("question %d does not have every capacity: the document is damaged", i+1)
			}
		}
	}
	for i, m := range a.Models {
		whole := m != nil && len(m.States) == len(a.Lengths) && len(m.Crossovers) == len(a.Capacities)+1 && len(m.Needs) == len(a.Questions)
		if whole {
			for _, n := range m.Needs {
				whole = whole && len(n.At) == len(a.Capacities)+1
			}
		}
		if !whole {
			return fmt.Errorf("model %d does not have every length and capacity: the document is damaged", i+1)
		}
	}
	return nil
}

func encodeAudit(a *Audit) ([]byte, error) {
	if a == nil {
		return nil, errors.New("there is no audit")
	}
	copied := *a
	copied.Schema = AuditSchema
	if copied.Models == nil {
		copied.Models = []*arch.Audit{}
	}
	if err := finiteNumbers(reflect.ValueOf(&copied).Elem(), ""); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(&copied)
	return b.Bytes(), err
}

// AuditCSV writes one row for each model and length: elements by kind, bytes,
// and the verdict with its crossovers, which are empty where the state is never
// too small.
func AuditCSV(w io.Writer, a *Audit) error {
	c := csv.NewWriter(w)
	head := []string{"model", "path", "model_type", "class", "verdict", "max_length", "length"}
	for _, k := range arch.Kinds() {
		head = append(head, string(k)+"_elements")
	}
	head = append(head, "total_elements", "float32_elements", "bytes", "hard_crossover")
	for _, cap := range a.Capacities {
		head = append(head, "crossover_at_"+formatFloat(cap)+"_nats")
	}
	rows := [][]string{head}
	whole := func(n int64) string { return strconv.FormatInt(n, 10) }
	for _, m := range a.Models {
		for _, s := range m.States {
			row := []string{m.Name, m.Path, m.Type, string(m.Growth.Class), string(m.Verdict), whole(m.MaxLength), whole(s.Length)}
			for _, k := range arch.Kinds() {
				row = append(row, whole(s.Elements.Of(k)))
			}
			row = append(row, whole(s.Total), whole(s.Float32), whole(s.Bytes))
			for _, x := range m.Crossovers {
				cell := ""
				if x.At != nil {
					cell = formatFloat(*x.At)
				}
				row = append(row, cell)
			}
			rows = append(rows, row)
		}
	}
	for _, row := range rows {
		for i, cell := range row {
			row[i] = spreadsheetSafe(cell)
		}
	}
	if err := c.WriteAll(rows); err != nil {
		return fmt.Errorf("writing the audit as CSV: %w", err)
	}
	return nil
}

// spreadsheetSafe keeps a name from being taken for a formula.
func spreadsheetSafe(cell string) string {
	if cell != "" && (cell[0] == '=' || cell[0] == '@' || cell[0] == '+') {
		return "'" + cell
	}
	return cell
}

func formatFloat(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
