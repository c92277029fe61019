package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// ServerError is an error of a server. Status is the HTTP status, 0 if none was
// received. A Temporary error was retried before it was returned.
type ServerError struct {
	Endpoint  string // root URL of the server
	Status    int
	Message   string // what happened, and the server's own message if any
	Temporary bool

	retryAfter time.Duration // as the server asked; negative if it did not
	suspect    bool          // the server may restart with another model
}

func (e *ServerError) Error() string { return "server " + e.Endpoint + ": " + e.Message }

// temporary returns the server error inside err if trying again may help.
func temporary(err error) (*ServerError, bool) {
	var s *ServerError
	if errors.As(err, &s) && s.Temporary {
		return s, true
	}
	return nil, false
}

// permanent is an error that retrying does not fix.
func permanent(e *endpoint, format string, args ...any) error {
	return &ServerError{Endpoint: e.root, Message: fmt.Sprintf(format, args...), retryAfter: -1}
}

// passing is an error that retrying may fix.
func passing(e *endpoint, format string, args ...any) error {
	return &ServerError{Endpoint: e.root, Message: fmt.Sprintf(format, args...), Temporary: true, retryAfter: -1, suspect: true}
}

// statusError is the error for an answer whose status is not 200.
func statusError(e *endpoint, status int, header http.Header, body []byte, key string, now time.Time) error {
	s := &ServerError{Endpoint: e.root, Status: status, retryAfter: -1}
	said := serverWords(body, key)
	s.Message = fmt.Sprintf("status %d %s", status, http.StatusText(status))
	if said != "" {
		s.Message += ", it says: " + said
	}
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		s.Temporary = true
	case status >= 500 && status != http.StatusNotImplemented:
		s.Temporary, s.suspect = true, true
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		s.Message += " (check the API key: option APIKeyEnv or APIKeyFile)"
	case status == http.StatusNotFound:
		s.Message += " (check the URL and the model's name)"
	case status >= 300 && status < 400:
		s.Message += fmt.Sprintf(" to %q (redirects are not followed; give the final URL)", redact(header.Get("Location"), key))
	case isLength(said):
		s.Message += " (choose a shorter length of windows, or start the server with a longer context)"
	}
	if s.Temporary {
		if s.retryAfter = retryAfter(header.Get("Retry-After"), now); s.retryAfter >= 0 {
			s.Message += fmt.Sprintf(" (it asks to wait %s)", s.retryAfter)
		}
	}
	return s
}

func isLength(said string) bool {
	said = strings.ToLower(said)
	return strings.Contains(said, "context length") || strings.Contains(said, "too long") || strings.Contains(said, "maximum context") || strings.Contains(said, "max_model_len")
}

// retryAfter parses a Retry-After header: seconds or a date (RFC 9110, section 10.2.3);
// negative if absent or invalid.
func retryAfter(h string, now time.Time) time.Duration {
	h = strings.TrimSpace(h)
	if s, err := strconv.ParseFloat(h, 64); err == nil && s >= 0 && s < 1e8 {
		return time.Duration(s * float64(time.Second))
	}
	if t, err := http.ParseTime(h); err == nil {
		return max(t.Sub(now), 0)
	}
	return -1
}

// serverWords finds the message in an error answer: where OpenAI, vLLM, SGLang or
// FastAPI put it, else the beginning of the text.
func serverWords(body []byte, key string) string {
	var m struct {
		Error   json.RawMessage `json:"error"`
		Message json.RawMessage `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	text := string(body)
	if json.Unmarshal(body, &m) == nil {
		var inner struct {
			Message string `json:"message"`
		}
		for _, raw := range []json.RawMessage{m.Error, m.Message, m.Detail} {
			var s string
			if json.Unmarshal(raw, &s) == nil && s != "" {
				text = s
				break
			}
			if json.Unmarshal(raw, &inner) == nil && inner.Message != "" {
				text = inner.Message
				break
			}
		}
	}
	return excerpt(text, key)
}

// excerpt is one printable line of at most 300 bytes, without the key.
func excerpt(text, key string) string {
	text = redact(text, key) // before cutting, which could leave part of the key
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + " …"
	}
	return text
}

func redact(text, key string) string {
	if key == "" {
		return text
	}
	return strings.ReplaceAll(text, key, "[API key]")
}
