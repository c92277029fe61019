package arch

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// classDefaultsText is the table of class defaults: the values that the configuration
// classes of Transformers use for missing keys. They differ between classes: the
// default number of key–value heads is 8 in Jamba and 4 in Gemma 3.
//
//go:embed class_defaults.txt
var classDefaultsText string

// classDefaults are the defaults by model_type, and the default model_type of a
// text_config by that of the outer object.
var classDefaults = sync.OnceValue(func() (d struct {
	values map[string]map[string]string
	inner  map[string]string
}) {
	d.values, d.inner = map[string]map[string]string{}, map[string]string{}
	for line := range strings.Lines(classDefaultsText) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case len(words) == 3 && words[1] == ">":
			d.inner[words[0]] = words[2]
		default:
			row := map[string]string{}
			for _, w := range words[1:] {
				key, number, _ := strings.Cut(w, "=")
				row[key] = number
			}
			d.values[words[0]] = row
		}
	}
	return d
})

// primary are the sizes that every file must state. A text_config may omit them, since
// Transformers writes only what differs from the defaults there.
var primary = []string{
	"num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_attention_heads", "n_head", "n_heads", "num_heads", "hidden_size", "n_embd", "d_model",
}

// withClassDefaults adds the defaults of its class to an object. A key that is null
// stays null: the class then derives the size from others, and so do the descriptions
// of families.
func withClassDefaults(obj *value, modelType string, nested bool) *value {
	row := classDefaults().values[modelType]
	if len(row) == 0 {
		return obj
	}
	out := obj.clone()
	for key, number := range row {
		if _, there := obj.index[key]; there || !nested && slices.Contains(primary, key) {
			continue
		}
		out.set(key, value{kind: kindNumber, text: number, class: true})
	}
	return out
}

// clone is a copy of an object whose keys can be set independently.
func (v *value) clone() *value {
	out := *v
	out.items, out.names = slices.Clone(v.items), slices.Clone(v.names)
	out.index = make(map[string]int, len(v.index))
	for k, i := range v.index {
		out.index[k] = i
	}
	return &out
}

// set sets a key of an object.
func (v *value) set(key string, item value) {
	if i, there := v.index[key]; there {
		v.items[i] = item
		return
	}
	v.index[key] = len(v.items)
	v.names = append(v.names, key)
	v.items = append(v.items, item)
}
