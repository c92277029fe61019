package completions

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/l2m-lab/l2m/llama"
)

// Engine is the model that is served, such as *llama.Reader. Complete is called by one
// goroutine at a time.
type Engine interface {
	Info() llama.Info
	Marks() llama.Marks
	Tokenize(text string, names bool) []int32
	Piece(id int32) string
	Complete(ctx context.Context, prompt []int32, o llama.Sampling) (read, more []llama.Position, ended bool, err error)
}

// Options say how to serve.
type Options struct {
	Key   string  // required as "Authorization: Bearer KEY"; "" for none
	Queue int     // requests that may wait; 0 means 64
	Start []int32 // tokens before text prompts; nil: as in the model's file
	Log   func(string, ...any)
}

// longestBody limits a request: a batch of hundreds of long prompts.
const longestBody = 64 << 20

type server struct {
	engine  Engine
	options Options
	start   []int32
	waiting chan struct{} // holds an element for every request in the server
	turn    chan struct{} // holds one while the model computes
	created int64
}

// New returns a handler for all addresses.
func New(e Engine, o Options) http.Handler {
	if o.Queue <= 0 {
		o.Queue = 64
	}
	s := &server{engine: e, options: o, start: o.Start, waiting: make(chan struct{}, o.Queue+1), turn: make(chan struct{}, 1), created: time.Now().Unix()}
	if m := e.Marks(); s.start == nil && m.Added {
		s.start = []int32{m.Begin}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("GET /tokenizer_info", s.tokenizerInfo)
	mux.HandleFunc("POST /v1/completions", s.queued(s.completions))
	mux.HandleFunc("POST /tokenize", s.queued(s.tokenize))
	mux.HandleFunc("POST /detokenize", s.queued(s.detokenize))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, &apiError{http.StatusNotFound, fmt.Sprintf("there is no %s %s here (POST /v1/completions, /tokenize, /detokenize; GET /v1/models, /tokenizer_info, /health)", r.Method, r.URL.Path), ""})
	})
	return s.guarded(mux)
}

// apiError is an error that the client can fix.
type apiError struct {
	status  int
	message string
	param   string // name of the wrong field
}

func (e *apiError) Error() string { return e.message }

// wrong is the error for a field with an invalid value.
func wrong(param, format string, args ...any) error {
	return &apiError{http.StatusBadRequest, param + ": " + fmt.Sprintf(format, args...), param}
}

func refuse(w http.ResponseWriter, err error) {
	type content struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    int     `json:"code"`
	}
	c := content{Message: err.Error(), Type: "server_error", Code: http.StatusInternalServerError}
	if e := (&apiError{}); errors.As(err, &e) {
		c.Code, c.Type = e.status, "invalid_request_error"
		if e.param != "" {
			c.Param = &e.param
		}
		if e.status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
	}
	write(w, c.Code, map[string]content{"error": c})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // an error means that the client is gone
}

// guarded requires the key.
func (s *server) guarded(h http.Handler) http.Handler {
	want := []byte("Bearer " + s.options.Key)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.options.Key != "" && r.URL.Path != "/health" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			refuse(w, &apiError{http.StatusUnauthorized, "the key is missing or wrong (Authorization: Bearer KEY)", ""})
			return
		}
		h.ServeHTTP(w, r)
	})
}

// queued reads the request, waits for its turn, and answers.
func (s *server) queued(answer func(context.Context, []byte) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// Browsers send requests of other types to any server without asking.
		if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != "application/json" {
			refuse(w, &apiError{http.StatusUnsupportedMediaType, "the request must be application/json", ""})
			return
		}
		select {
		case s.waiting <- struct{}{}:
			defer func() { <-s.waiting }()
		default:
			refuse(w, &apiError{http.StatusTooManyRequests, fmt.Sprintf("%d requests are waiting; try again later", s.options.Queue), ""})
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestBody))
		if tooLong := (&http.MaxBytesError{}); errors.As(err, &tooLong) {
			refuse(w, &apiError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the request is longer than %d bytes", tooLong.Limit), ""})
			return
		} else if err != nil {
			return // the client is gone
		}
		select {
		case s.turn <- struct{}{}:
			defer func() { <-s.turn }()
		case <-r.Context().Done():
			return
		}
		v, err := answer(r.Context(), body)
		switch {
		case r.Context().Err() != nil:
		case err != nil:
			refuse(w, err)
		default:
			write(w, http.StatusOK, v)
		}
	}
}

func decode(body []byte, to any) error {
	if err := json.Unmarshal(body, to); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) && kind.Field != "" {
			return wrong(kind.Field, "a %s is not allowed here", kind.Value)
		}
		return &apiError{http.StatusBadRequest, "the request is not JSON as it should be: " + err.Error(), ""}
	}
	return nil
}

// checkModel refuses names of other models.
func (s *server) checkModel(name string) error {
	if have := s.engine.Info().Name; name != "" && name != have && name != s.engine.Info().File {
		return &apiError{http.StatusNotFound, fmt.Sprintf("model: there is no %q, only %q", name, have), "model"}
	}
	return nil
}

func (s *server) models(w http.ResponseWriter, _ *http.Request) {
	i := s.engine.Info()
	write(w, http.StatusOK, map[string]any{"object": "list", "data": []any{map[string]any{
		"id": i.Name, "object": "model", "created": s.created, "owned_by": "l2m", "root": i.FileHash, "max_model_len": i.Context,
	}}})
}

// tokenizerInfo is the tokenizer's description for lm-evaluation-harness.
func (s *server) tokenizerInfo(w http.ResponseWriter, _ *http.Request) {
	m := s.engine.Marks()
	if len(s.options.Start) > 0 {
		m.Begin = s.options.Start[0]
	}
	name := func(id int32) any {
		if id < 0 {
			return nil
		}
		return s.engine.Piece(id)
	}
	info := map[string]any{"bos_token": name(m.Begin), "eos_token": name(m.End), "pad_token": nil, "add_bos_token": len(s.start) > 0}
	if m.Chat != "" {
		info["chat_template"] = m.Chat
	}
	write(w, http.StatusOK, info)
}

// tokenize accepts the fields of vLLM and of llama.cpp's server.
func (s *server) tokenize(_ context.Context, body []byte) (any, error) {
	var q struct {
		Model   string  `json:"model"`
		Prompt  *string `json:"prompt"`
		Content *string `json:"content"`
		Special *bool   `json:"add_special_tokens"`
		Names   *bool   `json:"parse_special"`
	}
	if err := decode(body, &q); err != nil {
		return nil, err
	}
	if err := s.checkModel(q.Model); err != nil {
		return nil, err
	}
	text := q.Prompt
	if text == nil {
		text = q.Content
	}
	if text == nil {
		return nil, wrong("prompt", "the text to tokenize is missing")
	}
	ids := []int32{}
	if q.Special == nil || *q.Special {
		ids = append(ids, s.start...)
	}
	ids = append(ids, s.engine.Tokenize(*text, q.Names == nil || *q.Names)...)
	return map[string]any{"tokens": ids, "count": len(ids), "max_model_len": s.engine.Info().Context}, nil
}

func (s *server) detokenize(_ context.Context, body []byte) (any, error) {
	var q struct {
		Model  string  `json:"model"`
		Tokens []int32 `json:"tokens"`
	}
	if err := decode(body, &q); err != nil {
		return nil, err
	}
	if err := s.checkModel(q.Model); err != nil {
		return nil, err
	}
	if err := s.checkTokens("tokens", q.Tokens); err != nil {
		return nil, err
	}
	var text strings.Builder
	for _, id := range q.Tokens {
		text.WriteString(s.engine.Piece(id))
	}
	out := strings.ToValidUTF8(text.String(), "\uFFFD")
	return map[string]string{"prompt": out, "content": out}, nil
}

func (s *server) checkTokens(param string, ids []int32) error {
	for i, id := range ids {
		if size := s.engine.Info().Vocabulary; id < 0 || int(id) >= size {
			return wrong(param, "token %d is %d, which is not in the vocabulary of %d", i, id, size)
		}
	}
	return nil
}
