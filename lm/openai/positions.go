package openai

import (
	"encoding/json"
	"math"
	"strconv"
)

// positions is vLLM's prompt_logprobs: per token of the prompt null or an object
// from token ids to their log-probabilities. A prompt of 2,048 tokens is 150 kB of
// it, so the shape that vLLM writes is scanned; every other one is left to
// encoding/json.
type positions []position

// position maps token ids to log-probabilities; empty for null.
type position []idLogProb

type idLogProb struct {
	id      int64    // -1 if the key is no id
	logProb *float64 // nil for null
}

// of returns the log-probability of a token.
func (p position) of(id int64) (logProb *float64, ok bool) {
	for _, e := range p {
		if e.id == id {
			return e.logProb, true
		}
	}
	return nil, false
}

// UnmarshalJSON is called with valid JSON.
func (p *positions) UnmarshalJSON(b []byte) error {
	s := scanner{rest: b}
	if out, ok := s.positions(); ok {
		*p = out
		return nil
	}
	out, err := decodePositions(b)
	if err == nil {
		*p = out
	}
	return err
}

// decodePositions is the reference: it takes any shape that fits.
func decodePositions(b []byte) (positions, error) {
	var list []map[string]*struct {
		LogProb *float64 `json:"logprob"`
	}
	if err := json.Unmarshal(b, &list); err != nil || list == nil {
		return nil, err
	}
	out := make(positions, len(list))
	for i, m := range list {
		for key, v := range m {
			e := idLogProb{id: parseID([]byte(key))}
			if v != nil {
				e.logProb = v.LogProb
			}
			out[i] = append(out[i], e)
		}
	}
	return out, nil
}

// parseID reads an id as strconv.Itoa writes it; -1 for anything else.
func parseID(b []byte) int64 {
	if len(b) == 0 || len(b) > 18 || b[0] == '0' && len(b) > 1 {
		return -1
	}
	id := int64(0)
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		id = 10*id + int64(c-'0')
	}
	return id
}

// scanner reads valid JSON of one shape. Its methods return false at any other.
type scanner struct{ rest []byte }

// next skips white space and returns the byte that follows, 0 at the end.
func (s *scanner) next() byte {
	for len(s.rest) > 0 {
		switch c := s.rest[0]; c {
		case ' ', '\t', '\n', '\r':
			s.rest = s.rest[1:]
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) skip(c byte) bool {
	if s.next() != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// list visits the elements of an array or object: open, elements, end.
func (s *scanner) list(open, end byte, element func() bool) bool {
	if !s.skip(open) {
		return false
	}
	if s.skip(end) {
		return true
	}
	for element() {
		if s.skip(end) {
			return true
		}
		if !s.skip(',') {
			return false
		}
	}
	return false
}

// text reads a string without escapes.
func (s *scanner) text() ([]byte, bool) {
	if !s.skip('"') {
		return nil, false
	}
	for i, c := range s.rest {
		switch c {
		case '\\':
			return nil, false
		case '"':
			t := s.rest[:i]
			s.rest = s.rest[i+1:]
			return t, true
		}
	}
	return nil, false
}

// word reads a number, true, false or null.
func (s *scanner) word() []byte {
	s.next()
	for i, c := range s.rest {
		switch c {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
			w := s.rest[:i]
			s.rest = s.rest[i:]
			return w
		}
	}
	return nil
}

func (s *scanner) positions() (out positions, ok bool) {
	ok = s.list('[', ']', func() bool {
		if s.next() == 'n' {
			out = append(out, nil)
			return string(s.word()) == "null"
		}
		var p position
		ok := s.list('{', '}', func() bool {
			key, ok := s.text()
			e := idLogProb{id: parseID(key)}
			if _, twice := p.of(e.id); !ok || e.id < 0 || twice || !s.skip(':') {
				return false
			}
			e.logProb, ok = s.logProb()
			p = append(p, e)
			return ok
		})
		out = append(out, p)
		return ok
	})
	return out, ok && out != nil && s.next() == 0
}

// logProb reads {"logprob": number, …} with other fields of any simple kind.
func (s *scanner) logProb() (value *float64, ok bool) {
	ok = s.list('{', '}', func() bool {
		key, ok := s.text()
		if !ok || !s.skip(':') {
			return false
		}
		switch c := s.next(); {
		case c == '{' || c == '[':
			return false
		case string(key) == "logprob":
			if value != nil || c == 'n' {
				return false
			}
			x, err := strconv.ParseFloat(string(s.word()), 64)
			value = &x
			return err == nil && !math.IsInf(x, 0)
		case len(key) == len("logprob") && key[0]|0x20 == 'l': // perhaps in capitals
			return false
		case c == '"':
			return s.string()
		}
		return len(s.word()) > 0
	})
	return value, ok && value != nil
}

// string skips a string.
func (s *scanner) string() bool {
	for i := 1; i < len(s.rest); i++ {
		switch s.rest[i] {
		case '\\':
			i++
		case '"':
			s.rest = s.rest[i+1:]
			return true
		}
	}
	return false
}
