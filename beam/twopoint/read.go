package twopoint

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/fileio"

	"github.com/l2m-lab/l2m/corpus"
)

// readFn emits the documents of a file, as l2m twopoint reads them.
type readFn struct {
	Format corpus.Format
	Field  string
}

// ProcessElement reads one file.
func (f *readFn) ProcessElement(ctx context.Context, file fileio.ReadableFile, emit func([]byte)) error {
	name := file.Metadata.Path
	r, err := file.Open(ctx)
	if err != nil {
		return fmt.Errorf("reading documents: %s: %w", name, err)
	}
	defer r.Close()
	err = corpus.Read(ctx, r, name, corpus.Options{Format: f.Format, Field: f.Field}, func(doc io.Reader) error {
		text, err := io.ReadAll(doc)
		if err == nil && len(text) > 0 {
			emit(text)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("reading documents: %w", err)
	}
	return nil
}
