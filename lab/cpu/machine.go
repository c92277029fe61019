package cpu

import (
	"fmt"
	"slices"
	"time"
)

// Tensor is a named tensor in a vector.
type Tensor struct {
	Name   string
	Shape  []int
	Offset int // of its first number
}

// Size is the number of numbers.
func (t Tensor) Size() int {
	s := 1
	for _, d := range t.Shape {
		s *= d
	}
	return s
}

// Layout assigns tensors places in one vector.
type Layout struct {
	Tensors []Tensor
	Size    int
}

// Add appends a tensor.
func (l *Layout) Add(name string, shape ...int) {
	t := Tensor{Name: name, Shape: slices.Clone(shape), Offset: l.Size}
	l.Tensors = append(l.Tensors, t)
	l.Size += t.Size()
}

// Find returns a tensor by name.
func (l *Layout) Find(name string) (Tensor, bool) {
	i := slices.IndexFunc(l.Tensors, func(t Tensor) bool { return t.Name == name })
	if i < 0 {
		return Tensor{}, false
	}
	return l.Tensors[i], true
}

// place is the position of numbers when a program runs.
type place struct {
	vector vector
	offset int
	size   int
}

type vector int

const (
	inArena vector = iota
	inParams
	inInputs
	inConstants
)

// step is one computation of a program.
type step struct {
	name string
	run  func(m *Machine)
}

// Program is a compiled program, immutable, for use by any number of Machines.
type Program struct {
	Inputs Layout // of the vector of inputs

	set       Set
	params    int
	steps     []step
	once      []step // independent of inputs and parameters
	outputs   []place
	arena     int
	constants []float32
}

// Bytes is the memory of a Machine for p, without the parameters.
func (p *Program) Bytes() int64 {
	return 4 * int64(p.arena+p.Inputs.Size+blockDepth*(blockCols+blockRows))
}

// Machine runs a program on one core. It is not safe for concurrent use.
type Machine struct {
	Inputs []float32 // set by the caller, laid out as in Program.Inputs

	// Profile, if not nil, accumulates the time by kind of step.
	Profile map[string]time.Duration

	p      *Program
	params []float32
	arena  []float32
	vec    vec
	gemm   *gemm
	temp   []float32
	ready  bool
}

// NewMachine returns a machine for p.
func NewMachine(p *Program) *Machine {
	return &Machine{
		p: p, Inputs: make([]float32, p.Inputs.Size), arena: make([]float32, p.arena), vec: newVec(p.set), gemm: newGemm(p.set),
	}
}

// Input is the part of Inputs that holds a tensor.
func (m *Machine) Input(name string) ([]float32, error) {
	t, ok := m.p.Inputs.Find(name)
	if !ok {
		return nil, fmt.Errorf("the program has no input %q", name)
	}
	return m.Inputs[t.Offset : t.Offset+t.Size()], nil
}

// Run computes the results from the inputs and the parameters, laid out as in Compile.
func (m *Machine) Run(params []float32) error {
	if len(params) != m.p.params {
		return fmt.Errorf("the program has %d parameters, not %d", m.p.params, len(params))
	}
	m.params = params
	if !m.ready {
		for _, s := range m.p.once {
			s.run(m)
		}
		m.ready = true
	}
	for _, s := range m.p.steps {
		if m.Profile == nil {
			s.run(m)
			continue
		}
		start := time.Now()
		s.run(m)
		m.Profile[s.name] += time.Since(start)
	}
	return nil
}

// Output is result i of the last Run, valid until the next.
func (m *Machine) Output(i int) []float32 { return m.at(m.p.outputs[i]) }

func (m *Machine) at(p place) []float32 {
	switch p.vector {
	case inParams:
		return m.params[p.offset : p.offset+p.size]
	case inInputs:
		return m.Inputs[p.offset : p.offset+p.size]
	case inConstants:
		return m.p.constants[p.offset : p.offset+p.size]
	}
	return m.arena[p.offset : p.offset+p.size]
}

// scratch is a buffer of n numbers until the step ends, with undefined content.
func (m *Machine) scratch(n int) []float32 {
	if len(m.temp) < n {
		m.temp = make([]float32, n)
	}
	return m.temp[:n]
}
