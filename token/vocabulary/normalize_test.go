package vocabulary

import (
	"encoding/json"
	"testing"
)

// Normalizers give what Hugging Face's tokenizers 0.23.3 gives.
func TestNormalizers(t *testing.T) {
	const bert = `{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": true, "lowercase": true}`
	for _, x := range []struct{ normalizer, text, want string }{
		{`{"type": "Lowercase"}`, "\u0130x", "i\u0307x"},
		{`{"type": "Lowercase"}`, "\u039f\u0394\u039f\u03a3.", "\u03bf\u03b4\u03bf\u03c3."},
		{`{"type": "Lowercase"}`, "\u1e9e\u01c5", "\u00df\u01c6"},
		{`{"type": "Nmt"}`, "a\u0001\u200b\ufeff\u0085b\tc", "a  \u0085b c"},
		{`{"type": "StripAccents"}`, "a\u0301", "a"},
		{`{"type": "StripAccents"}`, "\u0915\u0903", "\u0915"}, // Mc
		{`{"type": "StripAccents"}`, "a\u0488", "a"},           // Me
		{bert, "a\u1885", "a\u1885"},                           // a letter before Unicode 9
		{bert, "a\u0301", "a"},
		{bert, "\u0915\u0903", "\u0915\u0903"},
		{bert, "a\u0488", "a\u0488"},
	} {
		list, err := parseNormalizer(json.RawMessage(x.normalizer))
		if err != nil {
			t.Fatal(err)
		}
		got := x.text
		for _, f := range list {
			got = f(got)
		}
		if got != x.want {
			t.Errorf("%s of %+q gives %+q, want %+q", x.normalizer, x.text, got, x.want)
		}
	}
}
