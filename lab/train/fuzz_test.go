package train

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzTensors(f *testing.F) {
	file := filepath.Join(f.TempDir(), "t")
	if err := writeTensors(file, []tensor{{"a", []int{2}, []float32{1, 2}}, {"b", nil, []float32{3}}}, map[string]string{"format": "x"}); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tensors, _, err := readTensors(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, x := range tensors {
			n := 1
			for _, d := range x.shape {
				n *= d
			}
			if n != len(x.data) {
				t.Fatalf("%v of shape %v", len(x.data), x.shape)
			}
		}
	})
}

// FuzzRecipe: whatever a recipe file says is a model or a line of text.
func FuzzRecipe(f *testing.F) {
	for _, r := range Recipes() {
		b, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	for _, model := range []string{
		`"hidden_size":8,"num_hidden_layers":1099511627776,"layer_types":["mamba"]`,
		`"hidden_size":1048576,"num_hidden_layers":9,"layer_types":["power_law_memory"],"memory_exponent":1,"max_position_embeddings":1073741824`,
		`"hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,"layer_types":["log_linear_attention"],"max_position_embeddings":1`,
	} {
		f.Add(`{"model":{"model_type":"",` + model + `},"data":"","lengths":[4],"steps":1,"batch":1,"rate":0.1}`)
	}
	f.Add(`{"name":"x/../../../../trav/pwned","model":{"model_type":"x/../../../../trav/pwned","hidden_size":8,"num_hidden_layers":1,"layer_types":["x/../../../../trav/pwned"]},"data":"x/../../../../trav/pwned","lengths":[4],"steps":1,"batch":1,"rate":0.1}`)
	data, err := OpenData("recall:pairs=1,vocabulary=8")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ReadRecipe(strings.NewReader(text))
		if err != nil {
			return
		}
		r, err = r.Settled(data)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			return
		}
		if again, err := r.Settled(data); err != nil || again.key() != r.key() {
			t.Errorf("settled twice, it differs (%v): %s", err, text)
		}
	})
}
