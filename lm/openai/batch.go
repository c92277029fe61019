package openai

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"

	"github.com/l2m-lab/l2m/token"
)

// Batch describes files of OpenAI batch requests, one prompt per line, and checks their
// results.
type Batch struct {
	Dialect Dialect  // "" is VLLM
	Model   string   // the model's id in the requests, and in the answers
	BOS     token.ID // starts every prompt
}

// Limits of one file of requests at OpenAI and similar services.
const (
	BatchRequests = 50_000
	BatchBytes    = 200_000_000
)

func (b Batch) dialect() Dialect {
	if b.Dialect == "" {
		return VLLM
	}
	return b.Dialect
}

// Validate checks the batch.
func (b Batch) Validate() error {
	switch b.dialect() {
	case VLLM, SGLang, Echo:
	default:
		return fmt.Errorf("unknown dialect %q (choose %s, %s or %s, or leave it out)", b.Dialect, VLLM, SGLang, Echo)
	}
	if b.Model == "" {
		return errors.New("the model has no name (give its id at the server)")
	}
	return nil
}

// Line is the request, ended by a newline, for ln q(token | BOS, tokens before
// it) of tokens[from:]. id comes back with the answer and should have at most 64
// characters.
func (b Batch) Line(id string, tokens []token.ID, from int) ([]byte, error) {
	path, body := b.dialect().request(b.Model, b.prompt(tokens), from+1)
	line, err := json.Marshal(struct {
		ID     string `json:"custom_id"`
		Method string `json:"method"`
		URL    string `json:"url"`
		Body   any    `json:"body"`
	}{id, http.MethodPost, path, body})
	if err != nil {
		return nil, fmt.Errorf("writing request %s: %w", id, err)
	}
	return append(line, '\n'), nil
}

func (b Batch) prompt(tokens []token.ID) []token.ID {
	return slices.Concat([]token.ID{b.BOS}, tokens)
}

// BatchAnswer is a line of results: LogProbs, or why there are none.
type BatchAnswer struct {
	At       string    // file:line
	ID       string    // of the request; "" where it cannot be read
	LogProbs []float32 // natural logarithms, one for each of tokens[from:]
	Failure  *BatchFailure
}

// BatchFailure says why a line of results has no log-probabilities. Kind is the same
// for failures with the same cause; Detail has more, such as the server's message.
type BatchFailure struct{ Kind, Detail string }

func (f *BatchFailure) Error() string {
	if f.Detail == "" {
		return f.Kind
	}
	return f.Kind + ": " + f.Detail
}

// Kinds of failures. An error of the server has the kind "status N".
const (
	FailureCut     = "cut off"                 // the file ends within the line
	FailureJSON    = "not a line of results"   // the line is not JSON, or has no custom_id
	FailureForeign = "not of this plan"        // the custom_id is unknown
	FailureTooLong = "longer than the context" // the prompt is too long for the model
	FailureRefused = "not answered"            // an error without an HTTP status
	FailureModel   = "of another model"        // the answer names another model
	FailureData    = "cannot be right"         // counts, ids or values
)

// maxResultLine limits a line of results, far above the longest real one.
const maxResultLine = 1 << 30

// Read reads a file of results, plain or gzipped: JSON Lines {"custom_id", "response":
// {"status_code", "body"}, "error"}, in any order. request returns what was sent under
// an id (ok is false if nothing was) and must be safe for concurrent use; take is
// called with the answer of every line that is not blank, in order, and ends the
// reading by an error. name is for messages.
func (b Batch) Read(ctx context.Context, name string, file io.Reader, request func(id string) (tokens []token.ID, from int, ok bool), take func(BatchAnswer) error) error {
	if err := b.Validate(); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in := bufio.NewReaderSize(file, 1<<20)
	if magic, _ := in.Peek(2); string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return take(BatchAnswer{At: name + ":1", Failure: &BatchFailure{FailureCut, err.Error()}})
		}
		in = bufio.NewReaderSize(z, 1<<20)
	}
	// Lines are parsed by several workers; results are taken in order.
	workers := runtime.GOMAXPROCS(0)
	found := make(chan chan BatchAnswer, 2*workers)
	work := make(chan func(), workers)
	for range workers {
		go func() {
			for f := range work {
				f()
			}
		}()
	}
	var failed error // set before found is closed
	go func() {
		defer close(found)
		defer close(work)
		failed = eachLine(ctx, in, func(n int, line []byte, end error) bool {
			answer := make(chan BatchAnswer, 1)
			parse := func() {
				a := BatchAnswer{At: fmt.Sprintf("%s:%d", name, n)}
				a.ID, a.LogProbs, a.Failure = b.read(line, end, request)
				answer <- a
			}
			select {
			case found <- answer:
			case <-ctx.Done():
				return false
			}
			select {
			case work <- parse:
				return true
			case <-ctx.Done():
				answer <- BatchAnswer{}
				return false
			}
		})
	}()
	for answer := range found {
		a := <-answer
		if ctx.Err() != nil {
			break
		}
		if err := take(a); err != nil {
			return err
		}
	}
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if failed != nil {
		return fmt.Errorf("reading %s: %w", name, failed)
	}
	return nil
}

// eachLine visits the lines that are not blank, numbered from 1, until visit returns
// false. end is nil for a complete line; for the last one it is io.EOF if it has no
// newline, or the error that ended a damaged archive.
func eachLine(ctx context.Context, in *bufio.Reader, visit func(n int, line []byte, end error) bool) error {
	for n := 1; ctx.Err() == nil; n++ {
		var line []byte
		var err error
		for {
			var piece []byte
			piece, err = in.ReadSlice('\n')
			line = append(line, piece...)
			if !errors.Is(err, bufio.ErrBufferFull) {
				break
			}
			if len(line) > maxResultLine {
				return fmt.Errorf("line %d is longer than %d bytes, more than any results", n, maxResultLine)
			}
		}
		broken := errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader)
		if err != nil && !errors.Is(err, io.EOF) && !broken {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if len(bytes.TrimSpace(line)) > 0 || broken {
			if !visit(n, line, err) {
				return nil
			}
		}
		if err != nil {
			return nil
		}
	}
	return nil
}

// batchResult is a line of results.
type batchResult struct {
	ID       string `json:"custom_id"`
	Response *struct {
		StatusCode int             `json:"status_code"`
		Body       json.RawMessage `json:"body"`
	} `json:"response"`
	Error json.RawMessage `json:"error"`
}

// read finds the log-probabilities in a line of results.
func (b Batch) read(line []byte, end error, request func(string) ([]token.ID, int, bool)) (id string, values []float32, failure *BatchFailure) {
	fail := func(kind, format string, args ...any) (string, []float32, *BatchFailure) {
		return id, nil, &BatchFailure{kind, fmt.Sprintf(format, args...)}
	}
	var r batchResult
	if err := decode(line, &r); err != nil {
		if end != nil {
			return fail(FailureCut, "the file ends within this line, after %d bytes", len(line))
		}
		return fail(FailureJSON, "%v", err)
	}
	if r.ID == "" {
		return fail(FailureJSON, "it has no custom_id")
	}
	id = excerpt(r.ID, "")
	tokens, from, ok := request(r.ID)
	if !ok {
		return fail(FailureForeign, "there is no request %q", id)
	}
	said := ""
	if e := string(r.Error); e != "" && e != "null" {
		said = serverWords(r.Error, "")
	}
	if r.Response == nil || r.Response.StatusCode != 0 && r.Response.StatusCode != http.StatusOK || said != "" {
		if r.Response != nil && said == "" {
			if body := r.Response.Body; len(body) > 0 && string(body) != "null" {
				said = serverWords(body, "")
			}
		}
		switch {
		case isLength(said):
			return fail(FailureTooLong, "%s", said)
		case r.Response != nil && r.Response.StatusCode != 0 && r.Response.StatusCode != http.StatusOK:
			return fail(fmt.Sprintf("status %d", r.Response.StatusCode), "%s", said)
		case said == "":
			return fail(FailureRefused, "neither an answer nor an error")
		}
		return fail(FailureRefused, "%s", said)
	}
	sent := b.prompt(tokens)
	a, err := b.dialect().parse(r.Response.Body, sent, from)
	if err != nil {
		return fail(FailureData, "%v", err)
	}
	if b.dialect() != SGLang && a.model != b.Model { // SGLang does not name it
		return fail(FailureModel, "it is from %q instead of %q", excerpt(a.model, ""), b.Model)
	}
	if values, err = a.check(sent, from+1, 0); err != nil {
		return fail(FailureData, "%v", err)
	}
	return id, values, nil
}
