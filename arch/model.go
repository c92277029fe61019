package arch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/info"

	"github.com/l2m-lab/l2m/internal/gguf"
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
	Reads   bool   // Nearest can be read from this file, and reads all of it that may matter

	// Unread are keys of the file that may decide what is kept and that the
	// nearest family does not read. They keep it from being suggested.
	Unread []string
}

func (e *UnknownTypeError) Error() string {
	name := fmt.Sprintf("model_type %q is not described", e.Type)
	if e.Type == "" {
		name = "there is no model_type"
	}
	if e.Reads {
		return fmt.Sprintf("%s; the nearest that is, and that can be read from this file, is %q (if its layers keep the same state: --assume %s)", name, e.Nearest, e.Nearest)
	}
	if len(e.Unread) > 0 {
		return fmt.Sprintf("%s; the nearest that is, %q, does not read %s, which may decide what is kept", name, e.Nearest, strings.Join(e.Unread, ", "))
	}
	return fmt.Sprintf("%s, and no described family can be read from this file; the nearest is %q", name, e.Nearest)
}

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
	if string(head[:n]) == gguf.Magic {
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

// check refuses what would make State panic or lie.
func (m *Model) check() error {
	if len(m.Layers) == 0 {
		return fmt.Errorf("model_type %q: no layers", m.Type)
	}
	for i, l := range m.Layers {
		for _, p := range l.Parts {
			bad := p.Width < 0 || p.N < 0 || (p.N == 0 && (p.Rule == PerBlock || p.Rule == Tail || p.Rule == Segments)) ||
				(p.Rule == Slots && !(p.Beta > 0 && p.Beta <= 1 && p.Scale >= 0)) || (p.Rule == Fenwick && !(p.Beta >= 0 && p.Beta <= 1 && p.Scale > 0))
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
