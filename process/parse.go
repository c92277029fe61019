package process

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/token"
)

// Kind is a family of processes that Parse knows.
type Kind struct {
	Name    string
	Title   string
	Example string // a complete name
	Params  []Param
}

// kind adds how a family is built.
type kind struct {
	Kind
	build func(a *arguments) (Truth, error)
}

// Kinds lists the families that Parse knows, with the defaults of their
// parameters.
func Kinds() []Kind {
	var out []Kind
	for _, k := range kinds() {
		out = append(out, k.Kind)
	}
	return out
}

// Parse makes a process from its one-line name, KIND:NAME=VALUE,NAME=VALUE…,
// such as "powergauss:beta=0.76,signs=random". Within a value, lists are
// separated by "/" and matrix rows by ";". A kind alone, "santafe", takes every
// default. The result is a Process[token.ID], a Process[float64] or a
// Process[[]float64], as Describe().Token says; processes of numbers accept
// copies=N for N independent copies side by side, those of symbols letters=TEXT
// (see NewLetters). Describe().Spec is the canonical name.
//
// An error is a *ParseError if the name itself is at fault.
func Parse(spec string) (Truth, error) {
	name, rest, _ := strings.Cut(spec, ":")
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.Name == name })
	if i < 0 {
		var names []string
		for _, k := range all {
			names = append(names, k.Name)
		}
		return nil, &ParseError{spec, fmt.Errorf("unknown process %q (choose from %s)", name, strings.Join(names, ", "))}
	}
	a := &arguments{values: map[string]string{}, params: all[i].Params}
	if rest != "" {
		for _, part := range strings.Split(rest, ",") {
			key, value, found := strings.Cut(part, "=")
			if !found {
				return nil, &ParseError{spec, fmt.Errorf("%q is not of the form name=value", part)}
			}
			if a.given(key) {
				return nil, &ParseError{spec, fmt.Errorf("parameter %q is given twice", key)}
			}
			a.values[key] = value
		}
	}
	p, err := all[i].build(a)
	if a.err != nil {
		err = a.err
	}
	if err == nil {
		p, err = a.dress(p)
	}
	if err != nil {
		return nil, &ParseError{spec, err}
	}
	for key := range a.values {
		var known []string
		for _, q := range all[i].Params {
			known = append(known, q.Name)
		}
		return nil, &ParseError{spec, fmt.Errorf("%s has no parameter %q (it has %s)", name, key, strings.Join(known, ", "))}
	}
	return p, nil
}

// dress applies what every process of numbers, or of symbols, accepts: copies
// and letters.
func (a *arguments) dress(p Truth) (Truth, error) {
	if a.given("copies") {
		one, ok := p.(Process[float64])
		if !ok {
			return nil, errors.New("the tokens are symbols: only processes of numbers take copies")
		}
		n := a.integer("copies")
		if a.err != nil {
			return nil, a.err
		}
		return truth(NewStack(one, n))
	}
	if a.given("letters") {
		one, ok := p.(Process[token.ID])
		if !ok {
			return nil, errors.New("the tokens are numbers: only processes of symbols are written in letters")
		}
		return truth(NewLetters(one, a.text("letters")))
	}
	return p, nil
}

// ParseError says what is wrong with the name of a process.
type ParseError struct {
	Spec string
	Err  error
}

func (e *ParseError) Error() string { return fmt.Sprintf("process %q: %v", e.Spec, e.Err) }

// Unwrap returns the cause.
func (e *ParseError) Unwrap() error { return e.Err }

// arguments returns the parameters of a name, or their defaults from the table of
// kinds, and keeps the first error.
type arguments struct {
	values map[string]string // given and not yet read
	params []Param           // of the kind, with defaults
	err    error
}

func (a *arguments) given(name string) bool { _, ok := a.values[name]; return ok }

// text is the value given, or the default.
func (a *arguments) text(name string) string {
	if v, given := a.values[name]; given {
		delete(a.values, name)
		return v
	}
	i := slices.IndexFunc(a.params, func(p Param) bool { return p.Name == name })
	return a.params[i].Value
}

func (a *arguments) fail(name, value, want string) {
	if a.err == nil {
		a.err = fmt.Errorf("%s = %q is not %s", name, value, want)
	}
}

func (a *arguments) number(name string) float64 {
	s := a.text(name)
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		a.fail(name, s, "a number")
	}
	return v
}

// positive reads a parameter of which 0 would ask a constructor for its
// default.
func (a *arguments) positive(name string) float64 {
	v := a.number(name)
	if !(v > 0) {
		a.fail(name, number(v), "positive")
	}
	return v
}

func (a *arguments) integer(name string) int {
	s := a.text(name)
	v, err := strconv.ParseFloat(s, 64) // also 1e6
	if err != nil || v != float64(int(v)) {
		a.fail(name, s, "a whole number")
		return 0
	}
	return int(v)
}

func (a *arguments) seed(name string) uint64 {
	s := a.text(name)
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		a.fail(name, s, "a whole number")
	}
	return v
}

func (a *arguments) list(name string) []float64 {
	s := a.text(name)
	out, err := parseList(s)
	if err != nil {
		a.fail(name, s, "a list of numbers separated by /")
	}
	return out
}

func parseList(s string) ([]float64, error) {
	if s == "" {
		return nil, nil
	}
	var out []float64
	for _, w := range strings.Split(s, "/") {
		v, err := strconv.ParseFloat(w, 64)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (a *arguments) matrix(name string) [][]float64 {
	s := a.text(name)
	if s == "" {
		return nil
	}
	var out [][]float64
	for _, row := range strings.Split(s, ";") {
		r, err := parseList(row)
		if err != nil {
			a.fail(name, s, "a matrix: numbers separated by /, rows by ;")
			return nil
		}
		out = append(out, r)
	}
	return out
}
