package open

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm/bytemix"
)

// documents writes files and indexes them.
func documents(t *testing.T, name string, texts ...string) (*corpus.Corpus, *corpus.Split) {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf(name, i)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := corpus.Index(t.Context(), []string{dir}, corpus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, c.Split(1, 0.5)
}

func prose(t *testing.T) (*corpus.Corpus, *corpus.Split) {
	return documents(t, "%d.txt", strings.Repeat("one two three ", 60), strings.Repeat("four five six ", 60))
}

func TestKindsOfModels(t *testing.T) {
	for _, c := range []struct {
		model                string
		server, gguf, trains bool
	}{
		{"bytemix", false, false, true}, {"bytemix:universal", false, false, false}, {"bytemix:without=orders", false, false, false},
		{"http://127.0.0.1:8000/v1", true, false, false}, {"https://host/v1#name", true, false, false},
		{"Model.GGUF", false, true, false}, {"smollm2", false, true, false}, {"engine", false, false, false},
		{"a.bytemix", false, false, false}, {"", false, false, false},
	} {
		if got := [3]bool{IsServer(c.model), IsGGUF(c.model), Trains(c.model)}; got != [3]bool{c.server, c.gguf, c.trains} {
			t.Errorf("%q: server, GGUF, trained here: %v, want %v", c.model, got, [3]bool{c.server, c.gguf, c.trains})
		}
	}
	if part := string(bytemix.Parts()[0]); !Trains("bytemix:without=" + part) {
		t.Errorf("without %s it is trained as well", part)
	}
}

// Scores are kept under the fingerprint: it changes with everything that changes the
// trained model, and with nothing else.
func TestFingerprints(t *testing.T) {
	c, s := prose(t)
	fingerprint := func(change func(*Options)) string {
		o := Options{Model: "bytemix", TrainingBytes: 1000, EvaluationFraction: 0.5, Seed: 1}
		change(&o)
		m, err := Open(t.Context(), c, s, o)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		return m.Info.Fingerprint
	}
	plain := fingerprint(func(*Options) {})
	for name, change := range map[string]func(*Options){
		"workers":  func(o *Options) { o.Workers = 3 },
		"progress": func(o *Options) { o.Progress = func(info.Progress) {} },
		"length":   func(o *Options) { o.Length = 64 },
	} {
		if fingerprint(change) != plain {
			t.Errorf("%s make another model", name)
		}
	}
	seen := map[string]string{plain: "plain"}
	for name, change := range map[string]func(*Options){
		"seed":      func(o *Options) { o.Seed = 2 },
		"budget":    func(o *Options) { o.TrainingBytes = 999 },
		"documents": func(o *Options) { o.EvaluationFraction = 0.25 },
		"untrained": func(o *Options) { o.Model = "bytemix:universal" },
		"without":   func(o *Options) { o.Model = "bytemix:without=" + string(bytemix.Parts()[0]) },
		"tokens":    func(o *Options) { o.Tokenizer = "dna" },
		"context":   func(o *Options) { o.Context = 32 },
		"step":      func(o *Options) { o.Context, o.ContextStep = 32, 1 },
	} {
		f := fingerprint(change)
		if other, known := seen[f]; known {
			t.Errorf("%s and %s have one fingerprint", name, other)
		}
		seen[f] = name
	}
}

// Where all files are FASTA, their letters say which tokens the predictor reads.
func TestAlphabets(t *testing.T) {
	dna, protein := ">a\n"+strings.Repeat("ACGTN", 80)+"\n", ">a\n"+strings.Repeat("MKVLAEHGWY", 40)+"\n"
	for _, tc := range []struct {
		name, text, asked string
		want              bytemix.Alphabet
	}{
		{"%d.fa", dna, "", bytemix.DNA}, {"%d.fa", protein, "", bytemix.Protein}, {"%d.fa", dna, "bytes", bytemix.Bytes},
		{"%d.txt", strings.Repeat("ACGT", 100), "", bytemix.Bytes}, {"%d.txt", strings.Repeat("ACGT", 100), "dna", bytemix.DNA},
	} {
		c, s := documents(t, tc.name, tc.text, tc.text+tc.text)
		if got, err := ChooseAlphabet(t.Context(), c, s, tc.asked); err != nil || got != tc.want {
			t.Errorf("%.12q asked for %q: %q, %v; want %q", tc.text, tc.asked, got, err, tc.want)
		}
	}
}

// A mistake is said before anything is read or trained, with what there is to choose.
func TestMistakes(t *testing.T) {
	c, s := prose(t)
	notes := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(notes, []byte("no model"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		o    Options
		want []string
	}{
		{Options{Model: "nosuch"}, []string{`unknown model "nosuch"`, "bytemix:universal", ".gguf", "http://"}},
		{Options{Model: notes}, []string{notes}},
		{Options{Model: "bytemix:fast"}, []string{":universal", ":without="}},
		{Options{Model: "bytemix:without=wings"}, []string{`"wings"`, string(bytemix.Parts()[0])}},
		{Options{Model: "bytemix", Tokenizer: "gpt2"}, []string{`"gpt2"`, "bytes, dna or protein"}},
	} {
		_, err := Open(t.Context(), c, s, tc.o)
		for _, word := range tc.want {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%+v: error %v, want %q in it", tc.o.Model, err, word)
			}
		}
	}
}
