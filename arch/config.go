package arch

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/info"
)

// maxSize limits every size in a configuration, maxLayers the number of layers (no
// published model has 200), maxList the entries of a list: beyond them a file is
// damaged or malicious, not large.
const (
	maxSize   = 1 << 30
	maxLayers = 1000
	maxList   = 10 * maxLayers
)

// config reads the keys of one configuration object. It keeps the first error, so that
// the description of a family reads like its formula; after an error every size is 1,
// and the result is not used.
type config struct {
	obj    *value
	typ    string          // model_type, for messages
	nested bool            // inside text_config: Transformers writes only what differs from the class defaults
	read   map[string]bool // keys that were asked for
	*faults
}

// faults are shared by a config and its nested objects.
type faults struct {
	err   error
	notes []info.Warning
	used  []string // class defaults that stand in for absent keys
}

// fail records the first error.
func (c *config) fail(v *value, format string, args ...any) {
	if c.err != nil {
		return
	}
	msg := fmt.Sprintf(format, args...)
	if c.typ != "" {
		msg += fmt.Sprintf(" (model_type %q)", c.typ)
	}
	if v != nil && v.line > 0 {
		c.err = &lineError{v.line, msg}
		return
	}
	c.err = fmt.Errorf("%s", msg)
}

// note records a warning.
func (c *config) note(code, fix, format string, args ...any) {
	c.notes = append(c.notes, info.Warning{Code: code, Text: fmt.Sprintf(format, args...), Fix: fix})
}

// get returns the value of a key, nil when it is absent or null.
func (c *config) get(key string) *value {
	c.read[key] = true
	v := c.obj.get(key)
	if v != nil && v.class {
		if word := key + " " + v.text; !slices.Contains(c.used, word) {
			c.used = append(c.used, word)
		}
	}
	return v
}

// present reports whether a key is in the file, be it null.
func (c *config) present(key string) bool {
	c.read[key] = true
	_, there := c.obj.index[key]
	return there
}

// has reports whether a key is present and not null.
func (c *config) has(key string) bool { return c.get(key) != nil }

// find returns the value of the first of several spellings of a key. Two spellings with
// different values are an error; the file takes precedence over class defaults under
// any spelling.
func (c *config) find(keys []string) (string, *value) {
	var name string
	var found *value
	inFile := slices.ContainsFunc(keys, func(k string) bool { v := c.obj.get(k); return v != nil && !v.class })
	for _, k := range keys {
		if v := c.obj.get(k); v != nil && v.class && inFile {
			continue
		}
		v := c.get(k)
		switch {
		case v == nil:
		case found == nil:
			name, found = k, v
		case v.kind != found.kind || v.text != found.text || v.flag != found.flag:
			c.fail(v, "%s is %s, but %s is %s: two spellings of one size disagree", name, found.show(), k, v.show())
		}
	}
	return name, found
}

// show prints a value for a message, shortened.
func (v *value) show() string {
	switch v.kind {
	case kindNumber:
		return v.text
	case kindBool:
		return strconv.FormatBool(v.flag)
	case kindString:
		if len(v.text) > 40 {
			return strconv.Quote(v.text[:40] + "…")
		}
		return strconv.Quote(v.text)
	}
	return v.kind.String()
}

// size reads a required positive integer under the first spelling present.
func (c *config) size(keys ...string) int64 {
	if n, ok := c.whole(1, keys); ok {
		return n
	}
	c.fail(nil, "%s is missing", strings.Join(keys, " or "))
	return 1
}

// sizeOr reads an optional positive integer.
func (c *config) sizeOr(def int64, keys ...string) int64 {
	if n, ok := c.whole(1, keys); ok {
		return n
	}
	return def
}

// countOr reads an optional integer that may be 0.
func (c *config) countOr(def int64, keys ...string) int64 {
	if n, ok := c.whole(0, keys); ok {
		return n
	}
	return def
}

// whole reads an integer of at least least; false when no spelling is present.
func (c *config) whole(least int64, keys []string) (int64, bool) {
	name, v := c.find(keys)
	if v == nil {
		return 0, false
	}
	return c.integer(name, v, least), true
}

func (c *config) integer(name string, v *value, least int64) int64 {
	if v.kind != kindNumber {
		c.fail(v, "%s is %s; want a whole number", name, v.show())
		return 1
	}
	f, err := strconv.ParseFloat(v.text, 64)
	switch {
	case err != nil || f != math.Trunc(f) || math.IsInf(f, 0) || math.IsNaN(f):
		c.fail(v, "%s is %s; want a whole number", name, v.text)
	case f < float64(least):
		c.fail(v, "%s is %s; want at least %d", name, v.text, least)
	case f > maxSize:
		c.fail(v, "%s is %s; sizes above %d are refused", name, v.text, int64(maxSize))
	default:
		return int64(f)
	}
	return max(1, least)
}

// real reads an optional positive factor.
func (c *config) real(def float64, key string) float64 {
	v := c.get(key)
	if v == nil {
		return def
	}
	f, err := strconv.ParseFloat(v.text, 64)
	if v.kind != kindNumber || err != nil || !(f > 0) || f > maxSize {
		c.fail(v, "%s is %s; want a positive number", key, v.show())
		return def
	}
	return f
}

// flag reads an optional truth value.
func (c *config) flag(def bool, key string) bool {
	v := c.get(key)
	if v == nil {
		return def
	}
	if v.kind != kindBool {
		c.fail(v, "%s is %s; want true or false", key, v.show())
	}
	return v.flag
}

// text reads an optional string.
func (c *config) text(key string) string {
	v := c.get(key)
	if v == nil {
		return ""
	}
	if v.kind != kindString {
		c.fail(v, "%s is %s; want a string", key, v.show())
	}
	return v.text
}

// list returns the elements of an optional list, nil when it is absent.
func (c *config) list(key string, kind valueKind) []value {
	v := c.get(key)
	if v == nil {
		return nil
	}
	if v.kind != kindArray {
		c.fail(v, "%s is %s; want a list", key, v.show())
		return nil
	}
	if len(v.items) > maxList {
		c.fail(v, "%s has %d entries; more than %d are refused", key, len(v.items), maxList)
		return nil
	}
	for i := range v.items {
		if v.items[i].kind != kind {
			c.fail(&v.items[i], "%s[%d] is %s; want %s", key, i, v.items[i].show(), kind)
			return nil
		}
	}
	return v.items
}

// words reads an optional list of strings.
func (c *config) words(key string) []string {
	var out []string
	for _, v := range c.list(key, kindString) {
		out = append(out, v.text)
	}
	return out
}

// numbers reads an optional list of whole numbers of at least 0.
func (c *config) numbers(key string) []int64 {
	items := c.list(key, kindNumber)
	out := make([]int64, len(items))
	for i := range items {
		out[i] = c.integer(fmt.Sprintf("%s[%d]", key, i), &items[i], 0)
	}
	return out
}

// perLayer requires a list to have an entry for each of n layers. Further entries, for
// layers that predict further tokens, are ignored.
func (c *config) perLayer(key string, length, n int) bool {
	if length < n {
		c.fail(c.get(key), "%s has %d entries for %d layers", key, length, n)
	}
	return c.err == nil
}

// layers reads the number of layers.
func (c *config) layers(keys ...string) int {
	if len(keys) == 0 {
		keys = []string{"num_hidden_layers", "n_layer", "n_layers", "num_layers"}
	}
	n := c.size(keys...)
	if n > maxLayers {
		_, v := c.find(keys)
		c.fail(v, "%d layers; more than %d are refused", n, maxLayers)
		return 1
	}
	return int(n)
}

// mul multiplies sizes, each at least 0.
func (c *config) mul(factors ...int64) int64 {
	product := uint64(1)
	for _, f := range factors {
		hi, lo := bits.Mul64(product, uint64(f))
		if hi != 0 || lo > math.MaxInt64 {
			c.fail(nil, "the product of sizes %v does not fit in 63 bits", factors)
			return 1
		}
		product = lo
	}
	return int64(product)
}

// scaled is a size times a factor such as expand_k, which must be a whole number.
func (c *config) scaled(size int64, factor float64, key string) int64 {
	x := float64(size) * factor
	if x < 1 || x > maxSize || math.Abs(x-math.Round(x)) > 1e-6 {
		c.fail(c.get(key), "%s = %g times %d is not a whole size", key, factor, size)
		return 1
	}
	return int64(math.Round(x))
}

// divide divides sizes, which must be divisible.
func (c *config) divide(what string, a, b int64) int64 {
	if b == 0 || a%b != 0 {
		c.fail(nil, "%s: %d is not a multiple of %d", what, a, b)
		return 1
	}
	return a / b
}

// sub returns a nested object as a config, nil if absent.
func (c *config) sub(key string) *config {
	v := c.get(key)
	if v == nil {
		return nil
	}
	if v.kind != kindObject {
		c.fail(v, "%s is %s; want an object", key, v.show())
		return nil
	}
	return c.at(v)
}

// at is the config of a nested object.
func (c *config) at(v *value) *config {
	return &config{obj: v, typ: c.typ, nested: c.nested, read: map[string]bool{}, faults: c.faults}
}
