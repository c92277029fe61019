package jsonfile

import (
	"encoding/json"
	"testing"
)

// The examples are from RFC 7396, appendix A.
func TestMerge(t *testing.T) {
	for _, c := range []struct{ object, change, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`{"seed":1}`, `{"seed":18446744073709551615}`, `{"seed":18446744073709551615}`}, // not in it: larger than a float64 holds
	} {
		if got, err := Merge(json.RawMessage(c.object), json.RawMessage(c.change)); err != nil || string(got) != c.want {
			t.Errorf("%s changed by %s is %s, %v; want %s", c.object, c.change, got, err, c.want)
		}
	}
}
