package openai

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// openFor bounds how long Open waits for servers to come up, together with the timeout
// of a request.
const openFor = time.Minute

// Open asks the servers for their model, dialect and treatment of BOS, and checks that
// all serve the same model. A server that does not answer is checked later, as long as
// another one does.
func Open(ctx context.Context, o Options) (*Model, error) {
	m, err := open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("opening a model server: %w", err)
	}
	return m, nil
}

func open(ctx context.Context, o Options) (*Model, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	key, err := o.apiKey()
	if err != nil {
		return nil, err
	}
	var roots []string
	for _, e := range o.Endpoints {
		r, err := root(e)
		if err != nil {
			return nil, err
		}
		if slices.Contains(roots, r) {
			return nil, fmt.Errorf("endpoint %s is given twice", r)
		}
		roots = append(roots, r)
	}
	transport := o.Transport
	if transport == nil {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: o.MaxInFlight, IdleConnTimeout: 90 * time.Second}
	}
	m := &Model{options: o, name: o.Model, dialect: o.Dialect, pool: newPool(roots, o.MaxInFlight, o.RetryWait),
		client: &client{key: key, timeout: o.Timeout, http: &http.Client{Transport: transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}}
	wait := min(o.RetryFor, o.Timeout, openFor)
	first, err := m.pool.do(ctx, nil, wait, m.learn)
	if err != nil {
		return nil, err
	}
	m.pool.clear(first)
	if err := m.identifyOthers(ctx, first, wait); err != nil {
		return nil, err
	}
	return m, nil
}

// identifyOthers checks that all other endpoints serve the same model. One that does
// not answer within wait is checked when it is first used.
func (m *Model) identifyOthers(ctx context.Context, first *endpoint, wait time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, max(wait, time.Second))
	defer cancel()
	errs := make([]error, len(m.pool.endpoints))
	var wg sync.WaitGroup
	for i, e := range m.pool.endpoints {
		if e == first {
			continue
		}
		wg.Go(func() {
			err := m.identify(limited, e)
			if _, ok := temporary(err); !ok {
				errs[i] = err
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(errs...)
}

// learn asks one endpoint for everything about the model.
func (m *Model) learn(ctx context.Context, e *endpoint) error {
	card, err := m.client.card(ctx, e, m.options.Model)
	if err != nil {
		return err
	}
	m.name, m.root = card.ID, card.Root
	if err := m.learnDialect(ctx, e, card); err != nil {
		return err
	}
	if err := m.learnBOS(ctx, e); err != nil {
		return err
	}
	if m.probe, err = m.ask(ctx, e, probePrompt(), 0); err != nil {
		return err
	}
	text, err := m.tokenize(ctx, e, fixedText, false)
	if err != nil && !isMissing(err) {
		return err
	}
	limit := card.MaxModelLen
	if m.options.Context > 0 {
		limit = m.options.Context
	}
	if limit > 0 {
		limit = max(1, limit-2)
	}
	bos, rule, known := "none", lm.FirstUniform, ""
	switch {
	case m.before > 0:
		bos, rule = "by the server", lm.BOSPrepended
	case len(m.bos) > 0:
		bos, rule, known = fmt.Sprint(m.bos[0]), lm.BOSPrepended, fmt.Sprint(m.bos[0])
	}
	facts := fmt.Sprintf("openai 1\nid %q\nroot %q\nrevision %q\ntokens %v\nbos %s\n", m.name, m.root, m.options.Revision, text, bos)
	m.info = lm.Info{Name: m.name, Vocabulary: m.options.Vocabulary, BOS: rule, BOSToken: known, Context: limit,
		Fingerprint: fmt.Sprintf("%x", sha256.Sum256([]byte(facts)))}
	return nil
}

// fixedText shows how a tokenizer treats words, case, digits, white space, accents and
// other scripts.
const fixedText = "The 1st word, naïve: 2048\n\tx_y Ωμέγα 漢字 🙂"

// learnDialect sends the probe prompt in each dialect until one is answered.
func (m *Model) learnDialect(ctx context.Context, e *endpoint, card card) error {
	try := []Dialect{VLLM, SGLang, Echo}
	if m.options.Dialect != "" {
		try = []Dialect{m.options.Dialect}
	}
	sent := probePrompt()
	var said []string
	var broke error // some servers answer 500 to unknown requests
	for _, d := range try {
		a, err := m.client.ask(ctx, e, d, m.name, sent, 1)
		if statusOf(err) == http.StatusInternalServerError {
			if a, err = m.client.ask(ctx, e, d, m.name, sent, 1); err != nil {
				broke = err
			}
		}
		if _, ok := temporary(err); ok && statusOf(err) != http.StatusInternalServerError {
			return err
		}
		if s := statusOf(err); s == http.StatusUnauthorized || s == http.StatusForbidden {
			return err
		}
		if err != nil || a.absent {
			if err == nil {
				err = errors.New("answers without log-probabilities of the prompt")
			}
			said = append(said, fmt.Sprintf("%s: %v", d, err))
			continue
		}
		before := 0
		if len(a.entries)+a.start == len(sent)+1 {
			before = 1
		}
		if _, err := a.check(sent, 1, before); err != nil {
			return permanent(e, "it speaks dialect %s, but fails on a test prompt: %v", d, err)
		}
		m.dialect, m.before, m.answered = d, before, a.model
		return nil
	}
	if broke != nil && !m.client.takesText(ctx, e, m.name) {
		return broke // it may come back
	}
	advice := "chat-only servers cannot, and llama-cpp-python takes no token ids; for a GGUF file, give the file itself: --model FILE.gguf, or serve it with l2m-llama serve; other models: vLLM or SGLang"
	switch card.OwnedBy {
	case "llamacpp":
		advice = "this is llama.cpp's llama-server, which has no such answer; give the GGUF file itself (--model FILE.gguf), or serve it with l2m-llama serve, vLLM or SGLang"
	case "library":
		advice = "this is Ollama, which has no such answer; give the GGUF file itself (--model FILE.gguf), or serve it with l2m-llama serve, vLLM or SGLang"
	}
	return permanent(e, "it does not return log-probabilities of a prompt of token ids (%s). It was asked in each dialect: %s", advice, strings.Join(said, "; "))
}

// takesText reports whether a server answers a text prompt. If it does but fails on the
// same request with token ids, as llama-cpp-python does with status 500, retrying is
// pointless.
func (c *client) takesText(ctx context.Context, e *endpoint, model string) bool {
	request := struct {
		Model     string `json:"model"`
		Prompt    string `json:"prompt"`
		MaxTokens int    `json:"max_tokens"`
	}{model, "a", 1}
	_, err := c.send(ctx, e, "/v1/completions", request, 1<<20)
	return err == nil
}

// learnBOS finds the token that starts every prompt: the one asked for, else what the
// model's tokenizer puts before a text.
func (m *Model) learnBOS(ctx context.Context, e *endpoint) error {
	choice := m.options.BOS
	id, isID := choice.ID()
	switch {
	case m.before > 0 && choice != "":
		return permanent(e, "it puts its own token before every prompt, so %q cannot come first (leave out --bos)", choice)
	case m.before > 0 || choice == lm.BOSNone:
		m.bos = nil
		return nil
	case isID:
		m.bos = []token.ID{id}
		return nil
	case choice != "":
		ids, err := m.tokenize(ctx, e, string(choice), false)
		if err != nil || len(ids) != 1 {
			return permanent(e, "%q is not one token of its vocabulary, according to the server (give the token's id: --bos ID)", choice)
		}
		m.bos = ids
		return nil
	}
	const cure = "give its id: --bos ID; for a model without BOS, that of the token that ends documents"
	with, err := m.tokenize(ctx, e, "a", true)
	if isMissing(err) {
		return permanent(e, "the model's beginning-of-sequence token is unknown because the server has no /tokenize (%s)", cure)
	} else if err != nil {
		return err
	}
	without, err := m.tokenize(ctx, e, "a", false)
	if err != nil {
		return err
	}
	if len(without) == 0 || len(with) <= len(without) || !slices.Equal(with[1:1+len(without)], without) {
		return permanent(e, "the model's tokenizer puts no token before a text, and without one the first token of a sequence has no log-probability (%s)", cure)
	}
	m.bos = with[:1]
	return nil
}

// Tokenize returns the tokens of text under the model's own tokenizer, without
// special tokens, by the /tokenize of vLLM and SGLang.
func (m *Model) Tokenize(ctx context.Context, text string) ([]token.ID, error) {
	var ids []token.ID
	_, err := m.pool.do(ctx, nil, m.options.RetryFor, func(ctx context.Context, e *endpoint) (err error) {
		ids, err = m.tokenize(ctx, e, text, false)
		return err
	})
	if isMissing(err) {
		return nil, fmt.Errorf("tokenizing with model %s: the server has no /tokenize (use a local tokenizer): %w", m.name, err)
	} else if err != nil {
		return nil, fmt.Errorf("tokenizing with model %s: %w", m.name, err)
	}
	return ids, nil
}

func (m *Model) tokenize(ctx context.Context, e *endpoint, text string, special bool) ([]token.ID, error) {
	request := struct {
		Model   string `json:"model"`
		Prompt  string `json:"prompt"`
		Special bool   `json:"add_special_tokens"`
	}{m.name, text, special}
	most := int64(1<<20 + 64*len(text))
	body, err := m.client.send(ctx, e, "/tokenize", request, most)
	if isMissing(err) {
		body, err = m.client.send(ctx, e, "/v1/tokenize", request, most) // where some versions of SGLang have it
	}
	if err != nil {
		return nil, err
	}
	ids, err := parseTokens(body)
	if err != nil {
		return nil, m.client.broken(e, "/tokenize", body, err)
	}
	return ids, nil
}

func parseTokens(body []byte) ([]token.ID, error) {
	var r struct {
		Count  *int       `json:"count"`
		Tokens []token.ID `json:"tokens"`
	}
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	if r.Tokens == nil || r.Count != nil && *r.Count != len(r.Tokens) {
		return nil, wrongData("its answer has no tokens, or fewer or more than it claims")
	}
	return r.Tokens, nil
}

// card is the entry of a model in /v1/models.
type card struct {
	ID          string `json:"id"`
	Root        string `json:"root"`
	OwnedBy     string `json:"owned_by"`
	MaxModelLen int    `json:"max_model_len"`
}

// card asks which model an endpoint serves; name "" means the only one. A server
// without /v1/models is assumed to serve the given name.
func (c *client) card(ctx context.Context, e *endpoint, name string) (card, error) {
	body, err := c.send(ctx, e, "/v1/models", nil, 16<<20)
	if isMissing(err) && name != "" {
		return card{ID: name}, nil
	} else if err != nil {
		return card{}, err
	}
	cards, err := parseModels(body)
	if err != nil {
		return card{}, c.broken(e, "/v1/models", body, err)
	}
	var names []string
	for _, k := range cards {
		if k.ID == name || name == "" && len(cards) == 1 {
			return k, nil
		}
		names = append(names, k.ID)
	}
	if name == "" {
		return card{}, permanent(e, "it serves %d models, choose one: %s", len(names), strings.Join(names, ", "))
	}
	return card{}, permanent(e, "it does not serve model %q, it serves: %s", name, strings.Join(names, ", "))
}

func parseModels(body []byte) ([]card, error) {
	var r struct {
		Data []json.RawMessage `json:"data"`
	}
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	cards := make([]card, len(r.Data))
	for i, raw := range r.Data {
		if err := decode(raw, &cards[i]); err != nil {
			return nil, err
		}
	}
	return cards, nil
}

func statusOf(err error) int {
	var s *ServerError
	if errors.As(err, &s) {
		return s.Status
	}
	return 0
}

// isMissing reports whether a server does not have an address.
func isMissing(err error) bool {
	s := statusOf(err)
	return s == http.StatusNotFound || s == http.StatusMethodNotAllowed || s == http.StatusNotImplemented
}
