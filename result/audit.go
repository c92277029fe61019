package result

import (
	"errors"
	"fmt"
	"math"

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
	Evidence   *arch.Evidence `json:"evidence,omitempty"`
	Level      float64        `json:"level"` // of intervals
	DType      string         `json:"dtype"` // of state that is not kept in float32 anyway
	Capacities []float64      `json:"capacities"`
	// CapacityNames names the models that Capacities were measured on, "" for one
	// that was stated; nil when none was measured.
	CapacityNames []string       `json:"capacity_names,omitempty"`
	Lengths       []int64        `json:"lengths"`
	Questions     []Question     `json:"questions,omitempty"`
	Memory        *MemoryPlan    `json:"memory,omitempty"`
	Models        []*arch.Audit  `json:"models"`
	Failures      []AuditFailure `json:"failures,omitempty"`
	Warnings      []info.Warning `json:"warnings,omitempty"`
}

func (*Audit) about() about      { return about{AuditSchema, "the audit", "  "} }
func (a *Audit) header() *string { return &a.Schema }

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

// Validate says what keeps an audit from being shown: lists that do not belong
// together.
func (a *Audit) Validate() error {
	if len(a.Lengths) == 0 || len(a.Capacities) == 0 {
		return errors.New("no lengths or no capacities: the document is damaged")
	}
	if n := len(a.CapacityNames); n > 0 && n != len(a.Capacities) {
		return errors.New("not every capacity has a name: the document is damaged")
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
