package process

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
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
// copies=N for N independent copies side by side. Describe().Spec is the
// canonical name.
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
	a := &arguments{values: map[string]string{}}
	if rest != "" {
		for _, part := range strings.Split(rest, ",") {
			key, value, found := strings.Cut(part, "=")
			if !found {
				return nil, &ParseError{spec, fmt.Errorf("%q is not of the form name=value", part)}
			}
			if _, twice := a.values[key]; twice {
				return nil, &ParseError{spec, fmt.Errorf("parameter %q is given twice", key)}
			}
			a.values[key] = value
		}
	}
	copies, stacked := a.values["copies"]
	p, err := all[i].build(a)
	if a.err != nil {
		err = a.err
	}
	if err != nil {
		return nil, &ParseError{spec, err}
	}
	if stacked {
		n, err := strconv.Atoi(copies)
		if err != nil {
			return nil, &ParseError{spec, fmt.Errorf("copies = %q is not a whole number", copies)}
		}
		one, ok := p.(Process[float64])
		if !ok {
			return nil, &ParseError{spec, fmt.Errorf("%s has symbols for tokens: only processes of numbers can be stacked", name)}
		}
		delete(a.values, "copies")
		if p, err = NewStack(one, n); err != nil {
			return nil, &ParseError{spec, err}
		}
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

// ParseError says what is wrong with the name of a process.
type ParseError struct {
	Spec string
	Err  error
}

func (e *ParseError) Error() string { return fmt.Sprintf("process %q: %v", e.Spec, e.Err) }

// Unwrap returns the cause.
func (e *ParseError) Unwrap() error { return e.Err }

// arguments hands out the parameters of a name and keeps the first error.
type arguments struct {
	values map[string]string
	err    error
}

func (a *arguments) text(name, standard string) string {
	v, given := a.values[name]
	if !given {
		return standard
	}
	delete(a.values, name)
	return v
}

func (a *arguments) fail(name, value, want string) {
	if a.err == nil {
		a.err = fmt.Errorf("%s = %q is not %s", name, value, want)
	}
}

func (a *arguments) number(name string, standard float64) float64 {
	s := a.text(name, "")
	if s == "" {
		return standard
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		a.fail(name, s, "a number")
	}
	return v
}

// positive reads a parameter of which 0 would ask a constructor for its
// default.
func (a *arguments) positive(name string, standard float64) float64 {
	v := a.number(name, standard)
	if !(v > 0) {
		a.fail(name, number(v), "positive")
	}
	return v
}

func (a *arguments) integer(name string, standard int) int {
	s := a.text(name, "")
	if s == "" {
		return standard
	}
	v, err := strconv.ParseFloat(s, 64) // also 1e6
	if err != nil || v != float64(int(v)) {
		a.fail(name, s, "a whole number")
		return standard
	}
	return int(v)
}

func (a *arguments) seed(name string) uint64 {
	s := a.text(name, "0")
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		a.fail(name, s, "a whole number")
	}
	return v
}

func (a *arguments) list(name, standard string) []float64 {
	s := a.text(name, standard)
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

func (a *arguments) matrix(name, standard string) [][]float64 {
	s := a.text(name, standard)
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

func (a *arguments) boolean(name string) bool {
	s := a.text(name, "false")
	v, err := strconv.ParseBool(s)
	if err != nil {
		a.fail(name, s, "true or false")
	}
	return v
}
