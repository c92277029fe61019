package twopoint

import (
	"context"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/token"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

// tokens says what the tokens are. It travels to the workers; a vocabulary does
// not: it has up to 30 MB, and Dataflow takes no pipeline of more than 10 MB. A
// side input would be decoded anew for every bundle, of which there are as many
// as shards. So every thread of a worker reads the file, once.
type tokens struct {
	Name        string // of the stream
	Size        int    // of the vocabulary; 0: grows with the text
	File        string // of the vocabulary, "" for those that have none
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
		return tokens{}, fmt.Errorf("%w; nor is there a vocabulary (tokenizer.json or .tiktoken): %w", err, missing)
	}
	return tokens{Name: v.Name(), Size: v.Size(), File: name, Fingerprint: v.Fingerprint()}, nil
}

// words says whether the tokens are words. Their names are the words themselves:
// a stream of words numbers them as they come, on every worker otherwise.
func (t tokens) words() bool { return t.File == "" && t.Name == "words" }

// tables says whether tables of all pairs are kept.
func (t tokens) tables() bool { return t.Size > 0 && t.Size <= count.DefaultTables }

// load reads the vocabulary, nil if there is none.
func (t tokens) load(ctx context.Context) (*vocabulary.Vocabulary, error) {
	if t.File == "" {
		return nil, nil
	}
	v, err := readVocabulary(ctx, t.File)
	if err != nil {
		return nil, fmt.Errorf("%w (every worker must be able to read it)", err)
	}
	if v.Fingerprint() != t.Fingerprint {
		return nil, fmt.Errorf("%s is not the vocabulary that it was when the pipeline was started (leave it alone, and where all workers see the same file)", t.File)
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

// readVocabulary reads a vocabulary from any file system that is registered.
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
