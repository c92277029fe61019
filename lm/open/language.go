package open

import (
	"context"
	"fmt"
	"strings"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/fetch"
	"github.com/l2m-lab/l2m/lm/llamacpp"
	"github.com/l2m-lab/l2m/lm/openai"
	"github.com/l2m-lab/l2m/token"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

// openServer opens a model on one or several servers: their URLs joined by commas, then
// # and the name of the model if they serve several.
func (e *Model) openServer(ctx context.Context, o Options) error {
	urls, name, _ := strings.Cut(o.Model, "#")
	server := o.Server
	server.Endpoints, server.Model = strings.Split(urls, ","), name
	var words *vocabulary.Vocabulary
	if o.Tokenizer != "" {
		var err error
		if words, err = vocabulary.Open(o.Tokenizer); err != nil {
			return err
		}
		server.Vocabulary = words.Size()
	}
	m, err := openai.Open(ctx, server)
	if err != nil {
		return fmt.Errorf("asking for model %s: %w", o.Model, err)
	}
	e.Info = m.Info()
	if o.Length > e.Info.Context && e.Info.Context > 0 {
		return fmt.Errorf("windows of %d tokens are longer than model %s takes, %d (choose a shorter --length, or start the server with a longer context)", o.Length, e.Info.Name, e.Info.Context)
	}
	e.Tokens, e.MaxLength, e.InFlight = LanguageTokens, LanguageLength, m.InFlight()
	if e.InFlight = m.InFlight(); o.Workers > 0 {
		e.InFlight = min(e.InFlight, o.Workers)
	}
	if words != nil {
		e.Tokenizer = Tokenizer{Name: "tokens of " + e.Info.Name, Fingerprint: words.Fingerprint()}
		e.Encode = func(_ context.Context, text []byte) ([]token.ID, error) { return words.Encode(nil, text), nil }
		e.Load = func(context.Context) (lm.Model[token.ID], error) { return m, nil }
		return nil
	}
	e.Tokenizer = Tokenizer{Name: "tokens of " + e.Info.Name, Fingerprint: "server " + e.Info.Fingerprint}
	e.Asks = true
	e.Encode = func(ctx context.Context, text []byte) ([]token.ID, error) {
		return m.Tokenize(ctx, strings.ToValidUTF8(string(text), "\uFFFD"))
	}
	e.Load = func(context.Context) (lm.Model[token.ID], error) { return m, nil }
	return nil
}

// openGGUF opens a model that llama.cpp runs.
func (e *Model) openGGUF(ctx context.Context, o Options) error {
	options := o.Llama
	options.Path = o.Model
	path, named, err := fetch.Resolve(o.Model)
	if err != nil {
		return err
	}
	if named {
		options.Path = path
	}
	if options.Context == 0 && o.Length > 0 {
		options.Context = o.Length // no larger cache than needed
	}
	m, err := llamacpp.Open(ctx, options)
	if err != nil {
		return err
	}
	e.Close = func() { m.Close() }
	e.Info = m.Info()
	e.Tokens, e.MaxLength, e.InFlight = LanguageTokens, LanguageLength, 2 // one waits while the other is computed
	e.Local = true
	e.Tokenizer = Tokenizer{Name: "tokens of " + e.Info.Name, Fingerprint: "gguf " + m.TokenizerFingerprint()}
	e.Encode, e.Asks = m.Tokenize, true
	e.Trained = m.TrainedContext()
	e.Load = func(context.Context) (lm.Model[token.ID], error) { return m, nil }
	return nil
}
