package vocabulary

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/l2m-lab/l2m/token"
)

// Files that once gave other tokens, with those of Hugging Face's tokenizers 0.23.3.
func TestCases(t *testing.T) {
	root := "../../../shared/cases/tokenizers"
	if _, err := os.Stat(root); err != nil {
		t.Skip("no cases beside the checkout")
	}
	for _, c := range []struct {
		file, text string
		want       []token.ID
	}{
		{"bpe-lowercase.json", "\u0130stanbul ΣΑΣ ẞ ǅ", []token.ID{38, 69, 233, 206, 31, 305, 77, 71, 77, 59, 66}},
		{"bpe-lowercase.json", "a\u0301 e\u0488 \u0915\u0903 \u0915\u094d\u0937\u093f", []token.ID{30, 68, 34, 0, 105, 0, 105, 121, 0, 117}},
		{"bpe-stripaccents-lower.json", "\u0130stanbul ΣΑΣ ẞ ǅ", []token.ID{349, 185, 31, 284, 70, 64, 70, 59, 62}},
		{"bpe-stripaccents-lower.json", "a\u0301 e\u0488 \u0915\u0903 \u0915\u094d\u0937\u093f", []token.ID{30, 34, 93, 93, 0}},
	} {
		if got := open(t, filepath.Join(root, c.file)).Encode(nil, []byte(c.text)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+q has %v, want %v", c.file, c.text, got, c.want)
		}
	}
}
