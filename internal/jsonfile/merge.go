package jsonfile

import (
	"bytes"
	"encoding/json"
)

// Merge applies changes to an object, one after another: RFC 7396, JSON Merge Patch. Nil
// changes nothing.
func Merge(object json.RawMessage, changes ...json.RawMessage) (json.RawMessage, error) {
	var out any = map[string]any{}
	for _, c := range append([]json.RawMessage{object}, changes...) {
		if c == nil {
			continue
		}
		var v any
		d := json.NewDecoder(bytes.NewReader(c))
		d.UseNumber() // seeds have up to 64 bits
		if err := d.Decode(&v); err != nil {
			return nil, Explain(c, err)
		}
		out = patch(out, v)
	}
	return json.Marshal(out)
}

func patch(target, change any) any {
	c, ok := change.(map[string]any)
	if !ok {
		return change
	}
	t, ok := target.(map[string]any)
	if !ok {
		t = map[string]any{}
	}
	for key, value := range c {
		if value == nil {
			delete(t, key)
		} else {
			t[key] = patch(t[key], value)
		}
	}
	return t
}
