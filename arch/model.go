package arch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/info"
)

// Model is the history state of an architecture, layer by layer.
type Model struct {
	Name      string  // how reports call it; Parse leaves it to the caller
	Type      string  // model_type ("outer/inner" when nested), or general.architecture
	Family    string  // the described type that was used; differs from Type when assumed
	Reference string  // the implementation that the description was read from
	Layers    []Layer // in order

	MaxLength int64 // declared longest sequence, tokens; 0 when not declared
	Learned   bool  // learned positions: no state exists beyond MaxLength
	DType     string
	Warnings  []info.Warning
}

// Options of ParseWith. The zero value asks for the defaults.
type Options struct {
	// Assume reads the file as this model type, whatever it calls itself.
	Assume string
}

// UnknownTypeError is the error of a model type that is not described.
type UnknownTypeError struct {
	Type    string // as the file has it, "" when it has none
	Nearest string // the described type that resembles it most
	Reads   bool   // Nearest can be read from this file
}

func (e *UnknownTypeError) Error() string {
	name := fmt.Sprintf("model_type %q is not described", e.Type)
	if e.Type == "" {
		name = "there is no model_type"
	}
	if e.Reads {
		return fmt.Sprintf("%s; the nearest that is, and that can be read from this file, is %q (if its layers keep the same state: --assume %s)", name, e.Nearest, e.Nearest)
	}
	return fmt.Sprintf("%s, and no described family can be read from this file; the nearest is %q", name, e.Nearest)
}

// errEncoder refuses models whose past is not only the decoder's.
var errEncoder = errors.New("an encoder–decoder model keeps its encoded input beside the decoder's state: only decoder-only models are described")

// Parse reads a Hugging Face config.json or the metadata of a GGUF file; which
// of the two is told from the first bytes. Of a GGUF only the metadata is read.
// Errors name the key at fault and, for JSON, the line.
func Parse(r io.Reader) (*Model, error) { return ParseWith(r, Options{}) }

// ParseWith is Parse with options.
func ParseWith(r io.Reader, o Options) (*Model, error) {
	head := make([]byte, 4)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("reading a model configuration: %w", err)
	}
	whole := io.MultiReader(bytes.NewReader(head[:n]), r)
	if string(head[:n]) == ggufMagic {
		m, err := parseGGUF(whole, o)
		if err != nil {
			return nil, fmt.Errorf("reading GGUF metadata: %w", err)
		}
		return m, nil
	}
	data, err := io.ReadAll(io.LimitReader(whole, maxConfigBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading a model configuration: %w", err)
	}
	obj, err := parseJSON(data)
	if err != nil {
		return nil, err
	}
	return parseConfig(obj, o)
}

// textConfigs are the names of the nested configuration of the language model
// in multimodal ones.
var textConfigs = []string{"text_config", "language_config", "llm_config"}

// lengthKeys are the spellings of the declared longest sequence.
var lengthKeys = []string{
	"max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "context_length", "max_sequence_length", "max_context_length", "n_ctx", "model_max_length",
}

func parseConfig(obj *value, o Options) (*Model, error) {
	if obj.kind != kindObject {
		return nil, &lineError{obj.line, fmt.Sprintf("the document is %s; want an object, as in config.json", obj.kind)}
	}
	c := &config{obj: obj, faults: &faults{}}
	c.typ = c.text("model_type")
	if c.flag(false, "is_encoder_decoder") {
		return nil, fmt.Errorf("%w (model_type %q)", errEncoder, c.typ)
	}
	m := &Model{Type: c.typ}
	outer := c.typ
	for _, key := range textConfigs {
		inner := c.sub(key)
		if inner == nil {
			continue
		}
		inner.nested = true
		inner.typ = inner.text("model_type")
		if inner.typ == "" && (outer == "llava" || outer == "llava_next" || outer == "vipllava") {
			inner.typ = "llama" // LlavaConfig
		}
		if inner.typ == "" {
			inner.typ = outer
		}
		m.Type = outer + "/" + inner.typ
		c = inner
		break
	}
	if c.err != nil {
		return nil, c.err
	}
	if c.flag(false, "is_encoder_decoder") {
		return nil, fmt.Errorf("%w (model_type %q)", errEncoder, c.typ)
	}
	f := findFamily(c.typ)
	if f == nil && c.nested {
		if f = findFamily(outer); f != nil {
			c.typ = outer
		}
	}
	if o.Assume != "" {
		assumed := findFamily(o.Assume)
		if assumed == nil {
			return nil, fmt.Errorf("cannot assume %q: not a described model type", o.Assume)
		}
		if assumed != f {
			c.note("assumed", "check the layers against the model's own code", "model_type %q is read as %q because it was asked for", m.Type, o.Assume)
		}
		f, c.typ = assumed, o.Assume
	}
	if f == nil {
		e := &UnknownTypeError{Type: m.Type}
		e.Nearest, e.Reads = nearest(c.obj, c.typ)
		return nil, e
	}
	c.defaults = f.defaults
	m.Layers = f.layers(c)
	m.Family, m.Reference, m.Learned = c.typ, f.reference, f.learned
	m.MaxLength = declaredLength(c)
	m.DType = c.text("torch_dtype")
	if m.DType == "" {
		m.DType = c.text("dtype")
	}
	if c.err != nil {
		return nil, c.err
	}
	if used := slices.Compact(c.used); len(used) > 0 {
		c.note("class-default", "compare with the configuration class of your Transformers release",
			"text_config leaves out what it does not change: defaults of the %s class used for %s", c.typ, strings.Join(used, ", "))
	}
	m.Warnings = c.notes
	return m, m.check()
}

// declaredLength reads the longest sequence, 0 when none is declared.
func declaredLength(c *config) int64 {
	for _, k := range lengthKeys {
		if v := c.get(k); v != nil && v.kind == kindNumber {
			return c.sizeOr(0, k)
		}
	}
	return 0
}

// check refuses what would make State panic or lie.
func (m *Model) check() error {
	if len(m.Layers) == 0 {
		return fmt.Errorf("model_type %q: no layers", m.Type)
	}
	for i, l := range m.Layers {
		for _, p := range l.Parts {
			bad := p.Width < 0 || p.N < 0 || (p.N == 0 && (p.Rule == PerBlock || p.Rule == Tail)) || (p.Rule == Slots && !(p.Beta > 0 && p.Beta <= 1))
			if bad {
				return fmt.Errorf("model_type %q: layer %d: impossible part %+v", m.Type, i, p)
			}
		}
	}
	_, err := m.State(1)
	return err
}

// Group is a set of layers that keep the same parts.
type Group struct {
	Layers []int  `json:"layers"` // from 0
	Parts  []Part `json:"parts"`
}

// Groups lists the different kinds of layers, in order of first appearance.
// Layers that keep nothing form a group without parts.
func (m *Model) Groups() []Group {
	var groups []Group
	for i, l := range m.Layers {
		at := slices.IndexFunc(groups, func(g Group) bool { return slices.Equal(g.Parts, l.Parts) })
		if at < 0 {
			groups = append(groups, Group{Parts: append([]Part{}, l.Parts...)})
			at = len(groups) - 1
		}
		groups[at].Layers = append(groups[at].Layers, i)
	}
	return groups
}
