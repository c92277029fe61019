package corpus

import (
	"context"
	"io"
)

// Each streams all distinct documents one after another, file by file. doc is
// the index of the document, the same in every pass. visitor need not read a
// document to its end.
func (c *Corpus) Each(ctx context.Context, visitor func(doc int, r io.Reader) error) error {
	one := *c
	one.opts.Workers = 1
	all := make([]int32, c.docs.n)
	for i := range all {
		all[i] = int32(i)
	}
	return one.visit(ctx, all, visitor)
}
