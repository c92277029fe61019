package corpus

import (
	"bytes"
	"context"
)

// AllFASTA reports whether every document comes from a FASTA or FASTQ file.
func (c *Corpus) AllFASTA() bool {
	for _, d := range c.docs.all() {
		if !c.files[d.file].sequence {
			return false
		}
	}
	return true
}

// Letters counts the letters in a sample of the evaluation text that are in set
// (in capitals) and those that are not, ignoring case.
func (s *Split) Letters(ctx context.Context, set string) (in, out int, err error) {
	err = s.sample(ctx, func(_ string, text []byte) error {
		for _, b := range bytes.ToUpper(text) {
			switch {
			case b < 'A' || b > 'Z':
			case bytes.IndexByte([]byte(set), b) >= 0:
				in++
			default:
				out++
			}
		}
		return nil
	})
	return in, out, err
}
