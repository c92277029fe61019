package pipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Engine is a model in the program that runs it. Its methods must be safe for
// concurrent use.
type Engine interface {
	Info() Info
	Tokenize(text string) []int32
	LogProbs(ctx context.Context, tokens []int32, branches []Branch) (along []float32, off [][]float32, err error)
	Decoded() int64
	Close() error
}

// Serve is the program's end of the protocol: it opens a model for the first request
// and answers requests until the input ends. Errors of the model are sent as answers;
// Serve fails only on invalid requests.
func Serve(in io.Reader, out io.Writer, open func(Options) (Engine, error)) error {
	if _, err := fmt.Fprintln(out, Greeting); err != nil {
		return err
	}
	s := &server{from: json.NewDecoder(in), to: json.NewEncoder(out), cancels: map[uint64]context.CancelFunc{}}
	s.from.DisallowUnknownFields()
	var first request
	if err := s.from.Decode(&first); err != nil || first.Open == nil {
		return fmt.Errorf("the first message is not a request to open a model (%w)", errors.Join(err, errors.New("start this program from l2m")))
	}
	m, err := open(*first.Open)
	if err != nil {
		s.answer(reply{ID: first.ID, Error: err.Error()})
		return nil
	}
	defer m.Close()
	info := m.Info()
	s.answer(reply{ID: first.ID, Info: &info})
	return s.serve(m)
}

// server is one connection.
type server struct {
	from    *json.Decoder
	writing sync.Mutex
	to      *json.Encoder

	mu      sync.Mutex
	cancels map[uint64]context.CancelFunc
}

// answer sends a reply. It fails if l2m is gone, which also ends the input, or if the
// reply has a number that JSON cannot represent.
func (s *server) answer(r reply) {
	s.writing.Lock()
	defer s.writing.Unlock()
	var bad *json.UnsupportedValueError
	if err := s.to.Encode(r); errors.As(err, &bad) {
		s.to.Encode(reply{ID: r.ID, Error: fmt.Sprintf("the model returned %s for a log-probability", bad.Str)})
	}
}

func (s *server) serve(m Engine) error {
	var group sync.WaitGroup
	defer group.Wait()
	all, end := context.WithCancel(context.Background())
	defer end()
	for {
		var r request
		if err := s.from.Decode(&r); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		if r.Cancel {
			s.cancel(r.ID)
			continue
		}
		ctx, cancel := context.WithCancel(all)
		s.mu.Lock()
		s.cancels[r.ID] = cancel
		s.mu.Unlock()
		group.Go(func() {
			a := compute(ctx, m, r)
			s.cancel(r.ID)
			s.answer(a)
		})
	}
}

// cancel ends the context of a request.
func (s *server) cancel(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.cancels[id]; cancel != nil {
		cancel()
		delete(s.cancels, id)
	}
}

func compute(ctx context.Context, m Engine, r request) reply {
	if r.Text != nil {
		return reply{ID: r.ID, Tokens: m.Tokenize(*r.Text)}
	}
	along, off, err := m.LogProbs(ctx, r.Tokens, r.Branches)
	if err != nil {
		return reply{ID: r.ID, Error: err.Error()}
	}
	return reply{ID: r.ID, Scores: &Scores{Along: along, Off: off, Decoded: m.Decoded()}}
}
