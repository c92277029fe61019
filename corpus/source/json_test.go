package source

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// slowExtract is extract by way of encoding/json, which builds every value.
func slowExtract(raw []byte, field string) (text string, found bool, err error) {
	var v any
	if err := slowParse(raw, &v); err != nil {
		if err := slowParse(withoutNaN(raw), &v); err != nil {
			return "", false, err
		}
	}
	if _, ok := v.(map[string]any); ok {
		v = slowField(v, field)
	}
	list, ok := v.([]any)
	if !ok {
		text, found = v.(string)
		return text, found, nil
	}
	lines := make([]string, len(list))
	for i, e := range list {
		if lines[i], ok = e.(string); !ok && e != nil {
			return "", false, nil
		}
	}
	return strings.Join(lines, "\n"), len(list) > 0, nil
}

func slowParse(raw []byte, v *any) error {
	if !json.Valid(raw) {
		return errors.New("not JSON")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(v)
}

func slowField(v any, path string) any {
	switch v := v.(type) {
	case map[string]any:
		key, inner, dotted := strings.Cut(path, ".")
		if value, there := v[path]; there || !dotted {
			return value
		}
		return slowField(v[key], inner)
	case []any:
		var list []any
		for _, e := range v {
			if s, ok := slowField(e, path).(string); ok {
				list = append(list, s)
			}
		}
		return list
	}
	return nil
}

// FuzzExtract: the field of every value is what encoding/json finds there.
func FuzzExtract(f *testing.F) {
	for _, field := range []string{"text", "a.b.c", "turns.content", ""} {
		for _, data := range []string{
			`{"text": "x"}`, `{"text": "a\u00e9\n\"\\ \ud83d\ude00 \ud83d", "text": null}`, `{"te\u0078t": ["a", null, "b"]}`, `["a", ["b"], 1e999, -0.5, true]`,
			`{"a.b.c": "x", "a": {"b": {"c": "y"}}}`, `{"a": {"b": [{"c": "y"}, {"c": 1}, {"d": 2}, ["e"]]}}`, `{"turns": [{"content": "hello"}, {"content": "\t"}]}`,
			`{"turns": {"content": []}}`, `{"text": "x", "y": NaN, "z": [-Infinity]}`, `{"text": "x",}`, `{"text" "x"}`, `{"text": 01}`, `{]`, `[}`, `nul`, `{"": ""}`, "\"a\x01b\"",
		} {
			f.Add([]byte(data), field)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, field string) {
		if !utf8.Valid(data) { // text was decoded before
			return
		}
		v := &values{in: bufio.NewReader(bytes.NewReader(data)), max: 1 << 20, line: 1}
		for {
			raw, _, err := v.next()
			if err != nil {
				return
			}
			text, found, wrong := slowExtract(raw, field)
			got, err := extract(raw, field)
			switch {
			case (err != nil) != (wrong != nil):
				t.Fatalf("%q: error %v, of encoding/json %v", raw, err, wrong)
			case err == nil && !got.notebook && (got.found != found || string(got.text) != text):
				t.Fatalf("%q of %q: %q, %v; want %q, %v", field, raw, got.text, got.found, text, found)
			}
		}
	})
}
