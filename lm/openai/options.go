package openai

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/l2m-lab/l2m/lm"
)

// Dialect is the protocol by which a server returns log-probabilities of a prompt.
type Dialect string

const (
	VLLM   Dialect = "vllm"   // /v1/completions with prompt_logprobs
	SGLang Dialect = "sglang" // /generate with return_logprob
	Echo   Dialect = "echo"   // /v1/completions with echo and logprobs
)

// Options say which servers to use and how. Only Endpoints is required.
type Options struct {
	// Endpoints are base URLs such as http://host:8000/v1 (the /v1 may be left
	// out). All must serve the same model with the same settings.
	Endpoints []string
	Model     string // the model's id at the server; may be "" if it serves only one
	Revision  string // label for the weights, part of the fingerprint; may be ""

	BOS        lm.BOSChoice // token that starts every prompt; "": found through the server's /tokenize; lm.BOSNone needs Vocabulary
	Vocabulary int          // number of tokens; 0: unknown
	Context    int          // longest prompt in tokens, with BOS and one generated token; 0: according to /v1/models
	Dialect    Dialect      // "": found by trying

	APIKeyEnv  string // name of the environment variable that holds the API key; "": none
	APIKeyFile string // file that holds the API key; "": none

	Timeout     time.Duration // of one HTTP request; 0 means 5 minutes
	RetryFor    time.Duration // give up on a prompt that has failed for this long; 0 means 5 minutes, negative: never retry
	RetryWait   time.Duration // mean wait after a first failure, doubled by each further one to at most 30 s; 0 means 500 ms
	MaxInFlight int           // most requests in flight at one endpoint; 0 means 16

	Transport http.RoundTripper // nil: a new http.Transport with the proxies of the environment
}

// withDefaults checks the options and fills in what was left out.
func (o Options) withDefaults() (Options, error) {
	if len(o.Endpoints) == 0 {
		return o, errors.New("no endpoint given (give the server's URL, such as http://localhost:8000/v1)")
	}
	switch o.Dialect {
	case "", VLLM, SGLang, Echo:
	default:
		return o, fmt.Errorf("unknown dialect %q (choose %s, %s or %s, or leave it out)", o.Dialect, VLLM, SGLang, Echo)
	}
	if err := o.BOS.Check(); err != nil {
		return o, fmt.Errorf("the token before every prompt (--bos): %w", err)
	}
	if o.BOS == lm.BOSNone && o.Vocabulary == 0 {
		return o, errors.New("with nothing before a prompt (--bos none) its first token has the probability 1/vocabulary, but the size of the vocabulary is not known (name the model's tokenizer file: --tokenizer)")
	}
	if o.Timeout < 0 || o.RetryWait < 0 || o.MaxInFlight < 0 || o.Vocabulary < 0 || o.Context < 0 {
		return o, errors.New("negative option (timeout, wait, requests in flight, vocabulary and context must be 0 or more)")
	}
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Minute
	}
	if o.RetryFor == 0 {
		o.RetryFor = 5 * time.Minute
	}
	if o.RetryWait == 0 {
		o.RetryWait = 500 * time.Millisecond
	}
	if o.MaxInFlight == 0 {
		o.MaxInFlight = 16
	}
	return o, nil
}

// root returns the server's root URL: the endpoint without a final /v1. URLs
// that could carry a secret are refused, since URLs appear in error texts.
func root(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil:
		return "", errors.New("an endpoint is not a URL (write it like http://host:8000/v1)")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("the endpoint at host %s has a password, query or fragment in its URL (leave it out; give an API key by environment variable or file)", u.Host)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", fmt.Errorf("endpoint %q is not an http or https URL (write it like http://host:8000/v1)", endpoint)
	}
	return strings.TrimRight(strings.TrimSuffix(strings.TrimRight(endpoint, "/"), "/v1"), "/"), nil
}

// apiKey reads the key; "" where none is configured. Its errors never hold any
// part of it.
func (o Options) apiKey() (string, error) {
	var key, from string
	switch {
	case o.APIKeyEnv != "" && o.APIKeyFile != "":
		return "", errors.New("the API key is given both by environment variable and by file (choose one)")
	case o.APIKeyEnv != "":
		key, from = os.Getenv(o.APIKeyEnv), "environment variable "+o.APIKeyEnv
	case o.APIKeyFile != "":
		b, err := os.ReadFile(o.APIKeyFile)
		if err != nil {
			return "", fmt.Errorf("reading the API key: %w", err)
		}
		key, from = string(b), "file "+o.APIKeyFile
	default:
		return "", nil
	}
	key = strings.TrimSpace(key)
	if key == "" {
		return "", fmt.Errorf("reading the API key: %s is empty (set it, or leave the option out)", from)
	}
	for _, c := range []byte(key) {
		if c <= ' ' || c >= 0x7f {
			return "", fmt.Errorf("reading the API key: %s holds spaces or special characters inside the key (it must hold the key alone)", from)
		}
	}
	return key, nil
}
