package jsonfile

import (
	"errors"
	"strings"
	"testing"
)

type settings struct {
	Steps  int       `json:"steps"`
	Seed   uint64    `json:"seed"`
	Name   string    `json:"name"`
	Tied   bool      `json:"tied"`
	Ranges []float64 `json:"ranges"`
	Model  *struct {
		Width int     `json:"width"`
		Rate  float64 `json:"rate"`
	} `json:"model"`
}

// TestErrorsNameLineAndKey: every way in which a file can be wrong is said in its own
// lines and keys, without a word of Go.
func TestErrorsNameLineAndKey(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "the file is empty",
		" \n\n":                                 "the file is empty",
		`{"steps": 1.5}`:                        `line 1: "steps" is 1.5; want a whole number`,
		"{\n\"steps\": \"5\"}":                  `line 2: "steps" is text; want a whole number`,
		`{"seed": -1}`:                          `line 1: "seed" is -1; want a whole number of 0 or more`,
		`{"steps": 1e99}`:                       `line 1: "steps" is 1e99; want a whole number`,
		`{"name": 3}`:                           `line 1: "name" is a number; want text`,
		`{"tied": "yes"}`:                       `line 1: "tied" is text; want true or false`,
		`{"ranges": 3}`:                         `line 1: "ranges" is a number; want a list`,
		`{"ranges": ["a"]}`:                     `line 1: "ranges" is text; want a number`,
		"{\"model\":\n{\"width\": {}}}":         `line 2: "model.width" is an object; want a whole number`,
		`{"model": {"rate": true}}`:             `line 1: "model.rate" is true or false; want a number`,
		`{"model": [1]}`:                        `line 1: "model" is a list; want an object`,
		`[1]`:                                   `line 1: the file is a list; want an object`,
		"{\"steps\": 1,\n\n\"stepz\": 2}":       `line 3: unknown key "stepz"`,
		"{\"model\": {\n\"widht\": 2}}":         `line 2: unknown key "widht"`,
		"{\"steps\": 1,\n}":                     `line 2: invalid character '}' looking for beginning of object key string`,
		"{\"steps\": 1,\n\"model\": {":          `line 2: the file is truncated`,
		"{\"model\": {\"rate\":\nNaN}}":         `line 2: NaN is not a number in JSON`,
		"{\"model\": {\"rate\": -Infinity":      `line 1: Infinity is not a number in JSON`,
		"{\"steps\": 1}\n\n{\"steps\": 2}":      `line 3: more than one object`,
		"{\"steps\": 1}\nx":                     `line 2: more than one object`,
		`{"name": "` + strings.Repeat("x", 200): `the file has more than 100 bytes`,
	} {
		var into settings
		err := Decode(strings.NewReader(text), 100, &into)
		if err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
		if truncated := strings.Contains(want, "truncated"); truncated != errors.Is(err, ErrTruncated) {
			t.Errorf("%q: truncated: %v", text, !truncated)
		}
	}
	var into settings
	if err := Decode(strings.NewReader("{\"steps\": 3}\n"), 100, &into); err != nil || into.Steps != 3 {
		t.Errorf("%+v, %v", into, err)
	}
}

// FuzzErrorsAreNotGo: whatever a file holds, no error speaks of Go.
func FuzzErrorsAreNotGo(f *testing.F) {
	for _, text := range []string{`{"steps": 1.5}`, `{"model": {"width": "a"}}`, `[`, `{"a": 1}`, "\xff", `{"steps": 1}{`, `{"name": "x/../../../../trav/pwned"}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var into settings
		err := Decode(strings.NewReader(string(text)), 1<<16, &into)
		if err == nil {
			return
		}
		for _, word := range []string{"json:", "Go ", "unmarshal", "struct"} {
			if strings.Contains(err.Error(), word) && !strings.Contains(string(text), word) {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}
