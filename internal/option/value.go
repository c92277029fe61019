package option

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/l2m-lab/l2m/internal/shell"
)

// Size is an option value for a number of bytes above 0, in the syntax of ParseSize, or 0
// if not set.
func Size(p *int64) pflag.Value { return size{p, false} }

// SizeOrNone is a Size that may also be 0 or negative, for none; *p is then −1.
func SizeOrNone(p *int64) pflag.Value { return size{p, true} }

type size struct {
	bytes *int64
	none  bool
}

func (s size) Set(text string) error {
	n, err := ParseSize(text)
	if err == nil && n < 1 {
		if n = -1; !s.none || text == "" {
			return fmt.Errorf("%q is not a size above 0", text)
		}
	}
	*s.bytes = n
	return err
}

func (s size) String() string {
	if s.bytes == nil || *s.bytes == 0 {
		return ""
	}
	for i, unit := range []string{"T", "G", "M", "K"} {
		if n := *s.bytes; n%(1<<(40-10*i)) == 0 {
			return strconv.FormatInt(n>>(40-10*i), 10) + unit
		}
	}
	return strconv.FormatInt(*s.bytes, 10)
}

func (size) Type() string { return "size" }

// ParseSize parses a number of bytes such as 500k, 12M, 1.5G or 1GiB (powers of 1024),
// or 1GB (powers of 1000). The empty string is 0; negative numbers mean "none".
func ParseSize(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	digits := strings.TrimRight(s, "kKmMgGtTiIbB")
	suffix := s[len(digits):]
	base := int64(1024)
	if len(suffix) == 2 && (suffix[1] == 'B' || suffix[1] == 'b') {
		base = 1000
	}
	unit, known := int64(1), suffix == ""
	for _, u := range []string{"k", "m", "g", "t"} {
		unit *= base
		if l := strings.ToLower(suffix); l == u || l == u+"b" || l == u+"ib" {
			known = true
			break
		}
	}
	if suffix == "" {
		unit = 1
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err == nil && known && n <= math.MaxInt64/unit && n >= math.MinInt64/unit {
		return n * unit, nil
	}
	part, err := strconv.ParseFloat(digits, 64)
	if known && suffix != "" && err == nil && math.Abs(part)*float64(unit) < math.MaxInt64 && strings.Contains(digits, ".") {
		return int64(part * float64(unit)), nil
	}
	return 0, fmt.Errorf("%q is not a size such as 500k, 12M or 1.5G (1GiB is 1G, 1GB is 1000 MB)", s)
}

// Count is an option value for a whole number above 0, or 0 if not set.
func Count[T int | int64](p *T) pflag.Value { return count[T]{p, false} }

// CountOrNone is a Count that may also be 0, for none; *p is then −1.
func CountOrNone[T int | int64](p *T) pflag.Value { return count[T]{p, true} }

type count[T int | int64] struct {
	n    *T
	none bool
}

func (c count[T]) Set(text string) error {
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return errors.New("want a whole number")
	case c.none && (n == 0 || n == -1):
		n = -1
	case n < 1 && c.none:
		return errors.New("want a whole number above 0, or 0 for none")
	case n < 1:
		return errors.New("want a whole number above 0")
	}
	*c.n = T(n)
	return nil
}

func (c count[T]) String() string {
	switch {
	case c.n == nil || *c.n == 0:
		return ""
	case c.none && *c.n == -1:
		return "0"
	}
	return strconv.Itoa(int(*c.n))
}

func (count[T]) Type() string { return "int" }

// amount is an option value for a number above 0, or 0 if not set.
type amount struct{ x *float64 }

func (a amount) Set(text string) error {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x > 0) || math.IsInf(x, 0) {
		return errors.New("want a number above 0")
	}
	*a.x = x
	return nil
}

func (a amount) String() string {
	if a.x == nil || *a.x == 0 {
		return ""
	}
	return strconv.FormatFloat(*a.x, 'g', -1, 64)
}

func (amount) Type() string { return "float64" }

// period is an option value for a duration above 0, or 0 if not set.
type period struct{ d *time.Duration }

func (p period) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return errors.New("want a time above 0, such as 90s or 5m")
	}
	*p.d = d
	return nil
}

func (p period) String() string {
	if p.d == nil || *p.d == 0 {
		return ""
	}
	return p.d.String()
}

func (period) Type() string { return "duration" }

// Floats is a list of numbers separated by commas. (That of pflag keeps six decimals
// when it is written.)
func Floats(p *[]float64) pflag.Value { return (*floats)(p) }

type floats []float64

func (l *floats) Set(text string) error {
	*l = (*l)[:0:0]
	for _, word := range strings.Split(text, ",") {
		x, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("%q is not a number", word)
		}
		*l = append(*l, x)
	}
	return nil
}

func (l *floats) String() string {
	if l == nil {
		return ""
	}
	words := make([]string, len(*l))
	for i, x := range *l {
		words[i] = strconv.FormatFloat(x, 'g', -1, 64)
	}
	return strings.Join(words, ",")
}

func (*floats) Type() string { return "numbers" }

// Range is a range of lengths, LO:HI; an empty side is 0.
func Range(p *[2]float64) pflag.Value { return (*interval)(p) }

type interval [2]float64

func (r *interval) Set(s string) error {
	*r = interval{}
	if s == "" {
		return nil
	}
	lo, hi, found := strings.Cut(s, ":")
	for i, side := range []string{lo, hi} {
		if side == "" {
			continue
		}
		v, err := strconv.ParseFloat(side, 64)
		if err != nil || !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("%q is not a length", side)
		}
		r[i] = v
	}
	if !found || r[1] != 0 && r[0] >= r[1] {
		return fmt.Errorf("%q is not a range LO:HI of lengths", s)
	}
	return nil
}

func (r *interval) String() string {
	if r == nil || *r == (interval{}) {
		return ""
	}
	bound := func(x float64) string {
		if x == 0 {
			return ""
		}
		return shell.Number(x)
	}
	return bound(r[0]) + ":" + bound(r[1])
}

func (*interval) Type() string { return "range" }

// Func is a value with functions to get and set it; kind is its type in help.
func Func(kind string, get func() string, set func(string) error) pflag.Value {
	return function{kind, get, set}
}

type function struct {
	kind string
	get  func() string
	set  func(string) error
}

func (f function) Set(s string) error { return f.set(s) }
func (f function) Type() string       { return f.kind }
func (f function) String() string {
	if f.get == nil { // as pflag's help has it, which asks for a zero value
		return ""
	}
	return f.get()
}

// Each is a value of an option that may be repeated: add is called for each one, and
// get returns all.
func Each(kind string, get func() []string, add func(string) error) pflag.Value {
	return each{kind, get, add}
}

type each struct {
	kind string
	get  func() []string
	add  func(string) error
}

func (e each) Set(s string) error    { return e.add(s) }
func (e each) Append(s string) error { return e.add(s) }
func (e each) Type() string          { return e.kind }

// Replace implements pflag.SliceValue; these values only grow.
func (each) Replace([]string) error { return errors.ErrUnsupported }

func (e each) GetSlice() []string {
	if e.get == nil {
		return nil
	}
	return e.get()
}

func (e each) String() string {
	words := e.GetSlice()
	if len(words) == 0 {
		return ""
	}
	return fmt.Sprint(words)
}
