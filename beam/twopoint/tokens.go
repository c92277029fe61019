package twopoint

import (
	"context"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/token"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

// tokens says what the tokens are. It is sent to the workers, but not the vocabulary:
// that may have 30 MB, and Dataflow refuses pipelines of more than 10 MB. A side input
// would be decoded for every bundle, of which there are as many as shards. So every
// thread of a worker reads the file once.
type tokens struct {
	Name        string // of the stream
	Size        int    // of the vocabulary; 0: grows with the text
	File        string // of the vocabulary; may be empty
	Fingerprint string // of the file when the pipeline was built
}

// openTokens finds tokens by name, or the file of a vocabulary.
func openTokens(ctx context.Context, name string) (tokens, error) {
	s, err := token.ParseStream(name)
	if err == nil {
		return tokens{Name: s.Name(), Size: s.Size()}, nil
	}
	v, missing := readVocabulary(ctx, name)
	if missing != nil {
		return tokens{}, fmt.Errorf("%w; nor is it a vocabulary file (tokenizer.json or .tiktoken): %w", err, missing)
	}
	return tokens{Name: v.Name(), Size: v.Size(), File: name, Fingerprint: v.Fingerprint()}, nil
}

// words reports whether the tokens are words. Their names are the words themselves,
// because a stream of words numbers them by first occurrence, differently on every
// worker.
func (t tokens) words() bool { return t.File == "" && t.Name == "words" }

// tables reports whether tables of all pairs are kept.
func (t tokens) tables() bool { return t.Size > 0 && t.Size <= count.DefaultTables }

// load reads the vocabulary, if any.
func (t tokens) load(ctx context.Context) (*vocabulary.Vocabulary, error) {
	if t.File == "" {
		return nil, nil
	}
	v, err := readVocabulary(ctx, t.File)
	if err != nil {
		return nil, fmt.Errorf("%w (every worker must be able to read it)", err)
	}
	if v.Fingerprint() != t.Fingerprint {
		return nil, fmt.Errorf("%s has changed since the pipeline was started (do not modify it, and keep it where all workers see the same file)", t.File)
	}
	return v, nil
}

// stream returns a new stream of tokens; v is what load returned.
func (t tokens) stream(v *vocabulary.Vocabulary) (token.Stream, error) {
	if v != nil {
		return vocabulary.NewStream(v), nil
	}
	return token.ParseStream(t.Name)
}

// readVocabulary reads a vocabulary from any registered file system.
func readVocabulary(ctx context.Context, path string) (*vocabulary.Vocabulary, error) {
	if err := registered(path); err != nil {
		return nil, err
	}
	fs, err := filesystem.New(ctx, path)
	if err != nil {
		return nil, err
	}
	defer fs.Close()
	r, err := fs.OpenRead(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("reading the tokenizer %s: %w", path, err)
	}
	defer r.Close()
	return vocabulary.Read(r, path)
}
