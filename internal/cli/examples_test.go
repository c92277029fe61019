package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Examples of the help and of the documentation are run on small files, those of one
// place in their order and in one folder. What needs a model, a server, a network or
// hours is parsed only.

// tooMuch matches examples that are parsed and not run.
var tooMuch = regexp.MustCompile(`--model (smollm2|http|\S*\.gguf)|^l2m (serve|model fetch|lab (train|eval|study .*)|man)|l2m-lab-|--rivals|recipe\.json|results-|--counts (dna|half)`)

// smaller are options that come after those of an example and make it quick.
var smaller = map[string]string{
	"measure":   "--length 16 --windows 4 --draws 19 --two-point-bytes -1 --figures svg --training-bytes 8K --quiet",
	"logprobs":  "--draws 19 --figures svg --quiet",
	"plan":      "--length 16 --windows 4 --quiet",
	"twopoint":  "--figures svg --quiet",
	"calibrate": "--length 64 --windows 8 --draws 19 --repetitions 1 --quiet",
	"compare":   "--draws 20 --figures svg",
	"report":    "--figures svg",
	"sample":    "--length 64 --count 2",
	"train":     "--training-bytes 8K",
	"eval":      "--length 64 --windows 4",
}

// placeholders are words of the documentation that stand for something of the user's.
var placeholders = strings.NewReplacer(" RUN RUN", " run cut0", " RUN", " run", " PATH", " books/", `"$(go env GOROOT)/src"`, "books/",
	"$(go env GOROOT)/src", "books/", "../shared/data/books", "books/")

// example is a command line of l2m, and what it reads from a pipe.
type example struct {
	line  string
	stdin bool
}

// alone are verbs whose examples leave nothing that later ones need, so that the same
// line is run once, wherever it stands.
var alone = map[string]bool{"audit": true, "calibrate": true, "model": true, "process": true, "twopoint": true}

var pipe = regexp.MustCompile(`^(zcat|seq|cat)[^|]*\| `)

// examplesOf are the commands of l2m among the lines of a text.
func examplesOf(text string) []example {
	var out []example
	lines := strings.Split(strings.ReplaceAll(text, "\\\n", " "), "\n")
	for _, line := range lines {
		line = strings.TrimSpace(line)
		line, _, _ = strings.Cut(line, "  #")
		line, _, _ = strings.Cut(line, " # ")
		piped := pipe.MatchString(line)
		line = pipe.ReplaceAllString(line, "")
		line, _, _ = strings.Cut(line, " | ")
		line, _, _ = strings.Cut(line, " > ")
		if strings.HasPrefix(line, "l2m ") && !strings.Contains(line, "…") {
			out = append(out, example{placeholders.Replace(line), piped})
		}
	}
	return out
}

// codeOf are the indented lines of a page of Markdown.
func codeOf(page string) string {
	var b strings.Builder
	for _, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, "    ") {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// places are the texts that have examples, by where they stand.
func places(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Example != "" {
			texts[cmd.CommandPath()+" -h"] = cmd.Example
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(newRootCommand())
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../beam/README.md"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no pages %s: %v", pattern, err)
		}
		for _, name := range names {
			page, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if code := codeOf(string(page)); len(examplesOf(code)) > 0 {
				texts[strings.TrimPrefix(name, "../../")] = code
			}
		}
	}
	return texts
}

// command runs a command line in this process and returns its output.
func command(t *testing.T, words []string, stdin string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	code := Run(context.Background(), words, strings.NewReader(stdin), &out, &out)
	return out.String(), code
}

// must runs a command that prepares files.
func must(t *testing.T, line string) {
	t.Helper()
	if out, code := command(t, strings.Fields(line), ""); code != exitDone {
		t.Fatalf("l2m %s: exit code %d\n%s", line, code, out)
	}
}

// words are made-up text in which words recur, some kilobytes of it.
func words(seed uint64) string {
	rng := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	for b.Len() < 3000 {
		fmt.Fprintf(&b, "%s ", strings.Repeat(string(rune('a'+rng.IntN(6))), 1+rng.IntN(3)))
	}
	return b.String()
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	data := []byte(text)
	if strings.HasSuffix(name, ".gz") {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		data = b.Bytes()
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func copyTo(t *testing.T, from string, to ...string) {
	t.Helper()
	for _, name := range to {
		if err := os.CopyFS(name, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
}

// prepare makes the files that examples name, in the current folder.
func prepare(t *testing.T) {
	t.Helper()
	var records strings.Builder
	for i := range 8 {
		for _, dir := range []string{"books", "novels", "other-novels"} {
			write(t, fmt.Sprintf("%s/%d.txt", dir, i), words(uint64(i)))
		}
		fmt.Fprintf(&records, "{\"content\": %q, \"text\": %q}\n", words(uint64(i)), words(uint64(i+50)))
	}
	for _, name := range []string{"novel.txt", "other-novel.txt"} {
		write(t, name, words(9))
	}
	write(t, "corpus/a.jsonl.gz", records.String())
	write(t, "dump/a.jsonl.zst", records.String()) // told by its content
	write(t, "genome.fa.gz", ">a\n"+strings.Repeat("ACGTTGCAAC\n", 400)+">b\n"+strings.Repeat("TTGCAGGCAT\n", 400))
	const llama = `{"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4}`
	for _, name := range []string{"config.json", "models/Meta-Llama-3.1-8B/config.json", "models/gpt-oss-20b/config.json"} {
		write(t, name, llama)
	}
	for _, name := range []string{"scores.npy", "scores.npz"} { // tables, told by their content
		write(t, name, "document,logprob\n"+strings.Repeat("a,-1\na,-2\na,-1.5\na,-2.5\n", 4)+strings.Repeat("b,-1.5\nb,-2\nb,-1\nb,-2.5\n", 4))
	}
	write(t, "points.csv", "length,nats,se\n16,2.2,0.05\n32,3.3,0.06\n64,5,0.1\n128,7.4,0.2\n")
	write(t, "covariance.csv", "25e-4,1e-4,0,0\n1e-4,36e-4,0,0\n0,0,0.01,0\n0,0,0,0.04\n")
	write(t, "paper.csv", "L,MI (bits)\n4,9.0\n8,15.7\n16,27.8\n32,46.2\n")
	vocabulary, err := os.ReadFile(vocabularyFile)
	if err != nil {
		t.Fatal(err)
	}
	write(t, "tokenizer.json", string(vocabulary))

	must(t, "measure books/ --out run "+smaller["measure"])
	must(t, "measure books/ --out cut0 --context 16 "+smaller["measure"])
	must(t, "twopoint books/ --out counted "+smaller["twopoint"])
	copyTo(t, "run", "l2m-run-1f2e3d4c", "runs/a", "llama", "mamba")
	for _, name := range []string{"llama/config.json", "mamba/config.json"} {
		write(t, name, llama)
	}
	counts, err := os.ReadFile("counted/counts.json")
	if err != nil {
		t.Fatal(err)
	}
	write(t, "counts.json", string(counts))
}

// vocabularyFile is a vocabulary of the tests of token/vocabulary.
var vocabularyFile = func() string {
	path, err := filepath.Abs("../../token/vocabulary/testdata/llama3.json")
	if err != nil {
		panic(err)
	}
	return path
}()

func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("examples build on what those before them wrote: all are run, or none")
	}
	texts := places(t)
	base := t.TempDir()
	t.Chdir(base)
	prepare(t)
	model := filepath.Join(t.TempDir(), "novels.bytemix") // hundreds of megabytes: one copy for all
	must(t, "model train novels/ -o "+model+" "+smaller["train"])
	run, parsed, seen := 0, 0, map[string]bool{}
	for place, text := range texts {
		t.Run(place, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "w")
			copyTo(t, base, dir)
			t.Chdir(dir)
			if err := os.Link(model, "novels.bytemix"); err != nil {
				t.Fatal(err)
			}
			for _, e := range examplesOf(text) {
				if strings.Contains(e.line, "--out run") { // a run of another kind, or other options
					if err := os.RemoveAll("run"); err != nil {
						t.Fatal(err)
					}
				}
				words := shellWords(t, e.line)[1:]
				if tooMuch.MatchString(e.line) {
					parsed++
					if err := parses(words); err != nil {
						t.Errorf("%s: %v", e.line, err)
					}
					continue
				}
				run++
				if alone[strings.Fields(e.line)[1]] && seen[e.line] {
					continue
				}
				seen[e.line] = true
				cmd, _, err := newRootCommand().Find(words)
				if err != nil {
					t.Errorf("%s: %v", e.line, err)
					continue
				}
				size := cmd.Name()
				if strings.Contains(e.line, "--logprobs") {
					size = "logprobs"
				}
				if more, ok := smaller[size]; ok {
					words = append(words, strings.Fields(more)...)
				}
				stdin := ""
				if e.stdin {
					stdin = words1000
				}
				if out, code := command(t, words, stdin); code != exitDone {
					t.Errorf("%s: exit code %d\n%s", e.line, code, out)
				}
			}
		})
	}
	if testing.Short() {
		return
	}
	t.Logf("%d examples run, %d parsed only", run, parsed)
	if run < 60 {
		t.Errorf("only %d examples were found to run", run)
	}
}

// words1000 is what an example reads from a pipe.
var words1000 = strings.Repeat(words(3)+"\n", 8)

// parses says whether a command line names a command, options that it has, and as many
// arguments as it takes.
func parses(words []string) error {
	cmd, rest, err := newRootCommand().Find(words)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}
