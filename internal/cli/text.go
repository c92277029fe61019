package cli

import (
	"strconv"

	"github.com/spf13/pflag"

	"github.com/l2m-lab/l2m/corpus/source"
)

// reading is where the options of reading documents go.
type reading struct {
	format, field  *string
	maxRecord      *int64
	strict, copies *bool
}

// textFlags adds the flags of all verbs that read documents.
func textFlags(f *pflag.FlagSet, r reading) {
	f.StringVar(r.field, "field", "", "field of JSON or column of a table that holds the text; dots lead inside, as in messages.content (default text)")
	f.StringVar(r.format, "format", "", source.FormatNames()+" (default: as the content of a file says, then its name)")
	f.Var((*sizeFlag)(r.maxRecord), "max-record", "longest record that is read, which must fit into memory (default 256M)")
	f.BoolVar(r.strict, "strict", false, "stop at what cannot be read in a folder or an archive, in place of skipping it")
	f.BoolVar(r.copies, "keep-duplicates", false, "count exact copies of a document as documents of their own")
}

// sizeFlag is a number of bytes as [parseSize] reads it; "" where it is 0.
type sizeFlag int64

func (s *sizeFlag) Set(text string) error {
	n, err := parseSize(text)
	if err == nil && n <= 0 {
		return usagef("%q is not a size above 0", text)
	}
	*s = sizeFlag(n)
	return err
}

func (s *sizeFlag) String() string {
	if s == nil || *s == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*s), 10)
}

func (*sizeFlag) Type() string { return "size" }
