// Package option declares the options of verbs, each once: its name, default and help,
// the variable it sets, and whether it changes the numbers.
//
//  1. A verb has a function that declares its options for the fields of a struct; options
//     shared by several verbs are groups with their own functions.
//  2. The command line takes its flags from the declaration.
//  3. [Command] derives the recorded command line from it: the options that change the
//     numbers and are not at their defaults. That command repeats the run.
package option

import (
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/l2m-lab/l2m/internal/shell"
)

// Role says whether an option changes the numbers.
type Role int

const (
	// Numbers marks an option that changes what is computed: it is part of the recorded
	// command.
	Numbers Role = iota
	// Running marks an option that changes only how and how fast it is computed, and
	// where it is written.
	Running
)

// role is the key of the annotation that marks a flag as Running.
const role = "l2m-running"

// Set is a set of options.
type Set struct{ *pflag.FlagSet }

// New is an empty set for the options of a verb.
func New(verb string) Set {
	s := Set{pflag.NewFlagSet(verb, pflag.ContinueOnError)}
	s.SortFlags = false
	return s
}

func (s Set) mark(name string, r Role) {
	if r == Running {
		if err := s.SetAnnotation(name, role, nil); err != nil {
			panic(err) // the flag was declared on the line before
		}
	}
}

// Int declares an option with a whole number above 0, and its default; a default of 0
// means that the program chooses, which cannot be asked for by a 0. short is a letter,
// or "".
func (s Set) Int(p *int, name, short string, standard int, help string, r Role) {
	*p = standard
	s.Value(Count(p), name, short, help, r)
}

// Int64 declares an option with a whole number above 0, as Int does.
func (s Set) Int64(p *int64, name, short string, standard int64, help string, r Role) {
	*p = standard
	s.Value(Count(p), name, short, help, r)
}

// Seed declares the option --seed, 1 by default.
func (s Set) Seed(p *uint64, help string) { s.Uint64Var(p, "seed", 1, help) }

// Float declares an option with a number above 0, and its default; a default of 0 means
// that the program chooses, which cannot be asked for by a 0.
func (s Set) Float(p *float64, name string, standard float64, help string, r Role) {
	*p = standard
	s.Value(amount{p}, name, "", help, r)
}

// Bool declares a switch.
func (s Set) Bool(p *bool, name, short string, standard bool, help string, r Role) {
	s.BoolVarP(p, name, short, standard, help)
	s.mark(name, r)
}

// Text declares an option with a string.
func (s Set) Text(p *string, name, short, standard, help string, r Role) {
	s.StringVarP(p, name, short, standard, help)
	s.mark(name, r)
}

// Repeated declares an option that may be repeated, with a string each time.
func (s Set) Repeated(p *[]string, name string, standard []string, help string, r Role) {
	s.StringArrayVar(p, name, standard, help)
	s.mark(name, r)
}

// List declares an option with strings separated by commas.
func (s Set) List(p *[]string, name string, standard []string, help string, r Role) {
	s.StringSliceVar(p, name, standard, help)
	s.mark(name, r)
}

// Ints declares an option with whole numbers separated by commas.
func (s Set) Ints(p *[]int, name string, standard []int, help string, r Role) {
	s.IntSliceVar(p, name, standard, help)
	s.mark(name, r)
}

// Duration declares an option with a duration above 0, as Float does.
func (s Set) Duration(p *time.Duration, name string, standard time.Duration, help string, r Role) {
	*p = standard
	s.Value(period{p}, name, "", help, r)
}

// Value declares an option with its own syntax, whose default is the value of v.
func (s Set) Value(v pflag.Value, name, short, help string, r Role) {
	s.VarP(v, name, short, help)
	s.mark(name, r)
}

// Command returns the command line that repeats a verb with options o and arguments
// args: every option that changes the numbers and is not at its default. declare
// declares the options for the fields of the struct that it is given.
func Command[O any](verb string, declare func(Set, *O), o O, args []string) string {
	var d O
	s := New(verb)
	declare(s, &d) // flags remember the defaults, and point into d
	d = o
	words := []string{"l2m", verb}
	s.VisitAll(func(f *pflag.Flag) {
		if _, running := f.Annotations[role]; running || f.Value.String() == f.DefValue {
			return
		}
		name := "--" + f.Name
		switch v := f.Value.(type) {
		case pflag.SliceValue:
			if _, repeated := v.(each); !repeated && f.Value.Type() != "stringArray" {
				words = append(words, name, shell.Quote(strings.Join(v.GetSlice(), ",")))
				return
			}
			for _, word := range v.GetSlice() {
				words = append(words, name, shell.Quote(word))
			}
		default:
			switch {
			case f.Value.Type() != "bool":
				words = append(words, name, shell.Quote(f.Value.String()))
			case f.Value.String() == "true":
				words = append(words, name)
			default:
				words = append(words, name+"=false")
			}
		}
	})
	for _, a := range args {
		words = append(words, shell.Operand(a))
	}
	return strings.Join(words, " ")
}
