package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// entry is one source of text and what is measured of it.
type entry struct {
	name    string // of its files
	title   string // what it is, and how much of it
	licence string
	group   string    // domain, which decides its colour
	paths   []string  // arguments of l2m; DATA, WORK and GOROOT stand for folders
	make    generator // makes WORK/data/NAME, which takes the place of paths
	tokens  string    // what twopoint counts
	args    []string  // options of every run of l2m measure
	fit     string    // range of lengths of the fit that entries are compared by
	control []string  // names of changes to the text, measured with the options few or short: see changes
	vary    []variant // the same text with other predictors
}

// sample are the options of changed texts and other predictors, which cost no
// more for a large text than for a small one.
func (e entry) sample() []string {
	if slices.Equal(e.args, short) {
		return slices.Clone(short)
	}
	return slices.Clone(few)
}

// variant is a run of an entry with other options. Later options win.
type variant struct {
	name string
	args []string
}

// generator makes documents in an empty folder, of what is in data.
type generator func(ctx context.Context, data, dir string) error

// How much is scored: windows from random places of documents that the predictor
// was not trained on. It is trained on half of the text, at most 8 MB; few is for
// texts of which half is little more than 2 MB, and for controls.
var (
	many    = []string{"--length", "4096", "--windows", "200"}
	symbols = []string{"--length", "4096", "--windows", "80", "--draws", "1000"}
	few     = []string{"--length", "4096", "--windows", "80", "--draws", "1000", "--training-bytes", "2M"}
	short   = []string{"--length", "1024", "--windows", "200", "--draws", "1000", "--training-bytes", "2M"}
)

// model is a small language model on the same text, whose lengths are in tokens.
var model = variant{"smollm2", []string{"--model", "smollm2", "--length", "512", "--range", "16:512", "--windows", "20", "--windows-per-document", "1", "--cross", "0"}}

// trained is a predictor that knows more beforehand, or less.
func trained(size string) variant {
	return variant{"trained-on-" + size, []string{"--training-bytes", size}}
}

// weaker is a predictor that lacks a part.
func weaker(part string) variant {
	return variant{"without-" + part, []string{"--model", "bytemix:without=" + part}}
}

const (
	publicDomain = "public domain in the USA (Project Gutenberg)"
	refseq       = "NCBI RefSeq, no restriction of use"
)

// entries are the atlas.
var entries = []entry{
	{name: "english", title: "50 English books, 1620 to 1922", licence: publicDomain, group: "language", paths: []string{"DATA/books"},
		tokens: "bytes", args: many, fit: "128:4096", control: []string{"words", "sentences-dealt"},
		vary: []variant{trained("2M"), trained("256k"), trained("64M"), weaker("histories")}},
	{name: "french", title: "two French novels, by Dumas and Zola", licence: publicDomain, group: "language", paths: []string{"DATA/books-other/fr-*"},
		tokens: "bytes", args: few, fit: "128:4096"},
	{name: "german", title: "two German books, by Kant and Goethe", licence: publicDomain, group: "language", paths: []string{"DATA/books-other/de-*"},
		tokens: "bytes", args: few, fit: "128:4096"},
	{name: "britannica", title: "Encyclopædia Britannica of 1911, Brescia to Calgary", licence: publicDomain, group: "language", paths: []string{"DATA/wiki/britannica-*"},
		tokens: "bytes", args: few, fit: "128:4096"},
	{name: "wikipedia", title: "English Wikipedia, articles of WikiText-2 (test and validation)", licence: "CC BY-SA 3.0", group: "language", make: articles,
		tokens: "bytes", args: few, fit: "128:4096", control: []string{"reversed", "words", "sentences", "sentences-dealt"}},
	{name: "manual-pages", title: "manual pages of a Debian machine, sections 1 to 8, without names in g", licence: "free licences of their packages", group: "language", paths: []string{"/usr/share/man/man[1-8]/[^g]*"},
		tokens: "bytes", args: symbols, fit: "128:4096", vary: []variant{model}},
	{name: "changelogs", title: "Debian changelogs of a machine's packages", licence: "free licences of their packages", group: "language", make: changelogs,
		tokens: "bytes", args: symbols, fit: "128:4096"},
	{name: "go", title: "source code of Go and its library, without names in r: a test of regexp unpacks to 64 MB", licence: "BSD-3-Clause", group: "code", paths: []string{"GOROOT/src/[^r]*"},
		tokens: "bytes", args: few, fit: "128:4096", control: []string{"reversed", "lines", "lines-dealt"},
		vary: []variant{trained("256k"), trained("8M"), trained("64M"), weaker("histories")}},
	{name: "python", title: "Python's standard library, 3.11", licence: "PSF-2.0", group: "code", paths: []string{"/usr/lib/python3.11"},
		tokens: "bytes", args: few, fit: "128:4096"},
	{name: "headers", title: "C headers of the Linux kernel", licence: "GPL-2.0 with syscall note", group: "code", paths: []string{"/usr/include/linux"},
		tokens: "bytes", args: few, fit: "128:4096", control: []string{"lines"}},
	{name: "json", title: "what go list says of each package of its library, in JSON", licence: "made by the script", group: "records", make: goList,
		tokens: "bytes", args: few, fit: "128:4096"},
	{name: "log", title: "the package manager's log of a Debian machine (dpkg.log)", licence: "made by the machine", group: "records", paths: []string{"/var/log/dpkg.log"},
		tokens: "bytes", args: few, fit: "128:4096", control: []string{"lines"}},
	{name: "music", title: "Irish and Scottish tunes in ABC notation (music21: O'Neill, Ryan, Aird)", licence: "public domain collections; music21, BSD-3-Clause", group: "records", make: tunes,
		tokens: "bytes", args: short, fit: "32:1024"},
	{name: "ecoli", title: "genome of Escherichia coli K-12", licence: refseq, group: "DNA", paths: []string{"DATA/dna/ecoli-k12-mg1655.fa.zst"},
		tokens: "dna", args: few, fit: "128:4096", control: []string{"reversed", "reverse-complement", "triplets", "kilobases"}, vary: []variant{trained("256k")}},
	{name: "celegans", title: "Caenorhabditis elegans, the first hundredth of each chromosome", licence: "public genome data", group: "DNA", paths: []string{"DATA/dna/celegans-1pct.fa.zst"},
		tokens: "dna", args: few, fit: "128:4096", control: []string{"kilobases"}},
	{name: "blochmannia", title: "genome of Blochmannia floridanus", licence: refseq, group: "DNA", paths: []string{"DATA/dna/blochmannia-floridanus.fa.zst"},
		tokens: "dna", args: few, fit: "128:4096"},
	{name: "lambda", title: "genome of the phage lambda", licence: refseq, group: "DNA", paths: []string{"DATA/dna/phage-lambda.fa.zst"},
		tokens: "dna", args: short, fit: "32:1024"},
	{name: "yeast-proteins", title: "proteins of Saccharomyces cerevisiae", licence: "UniProt, CC BY 4.0", group: "protein", paths: []string{"DATA/protein/yeast-proteome.fa.zst"},
		tokens: "protein", args: short, fit: "32:1024", control: []string{"letters"}},
	{name: "ecoli-proteins", title: "proteins of Escherichia coli K-12", licence: refseq, group: "protein", paths: []string{"DATA/protein/ecoli-k12-proteome.fa.zst"},
		tokens: "protein", args: short, fit: "32:1024", control: []string{"letters"}},
}

// heading is the first line of an article of WikiText.
var heading = regexp.MustCompile(`(?m)^ = [^=\n]+ = $`)

// articles cuts the files of WikiText into their articles.
func articles(ctx context.Context, data, dir string) error {
	n := 0
	return eachDocument(ctx, []string{filepath.Join(data, "wiki/wikitext-2-*")}, func(text []byte, _ bool) error {
		starts := heading.FindAllIndex(text, -1)
		for i, at := range starts {
			end := len(text)
			if i+1 < len(starts) {
				end = starts[i+1][0]
			}
			n++
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.txt", n)), text[at[0]:end], 0o644); err != nil {
				return err
			}
		}
		return nil
	})
}

// changelogs unpacks Debian's own changelogs, which a folder of documentation
// has among much else.
func changelogs(_ context.Context, _, dir string) error {
	files, err := filepath.Glob("/usr/share/doc/*/changelog.Debian.gz")
	if err != nil || len(files) == 0 {
		return errors.Join(err, errors.New("/usr/share/doc has no changelogs: run the atlas on a Debian machine"))
	}
	for _, file := range files {
		// Many folders are links to that of another package.
		if real, err := filepath.EvalSymlinks(file); err != nil || real != file {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := filepath.Base(filepath.Dir(file)) + ".gz"
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// goList writes the description of every package of the standard library.
func goList(ctx context.Context, _, dir string) error {
	out, err := exec.CommandContext(ctx, "go", "list", "-json", "-deps", "std", "cmd").Output()
	if err != nil {
		return fmt.Errorf("listing the packages of Go: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(out))
	for i := 0; ; i++ {
		var doc json.RawMessage
		if err := d.Decode(&doc); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		// .txt: the object itself is the text.
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.txt", i)), doc, 0o644); err != nil {
			return err
		}
	}
}

// tunes takes the collections in ABC notation out of the Python package music21.
func tunes(ctx context.Context, _, dir string) error {
	wheel := filepath.Join(dir, "wheel")
	fetch := exec.CommandContext(ctx, "pip", "download", "--no-deps", "--quiet", "--dest", wheel, "music21==10.5.1")
	if out, err := fetch.CombinedOutput(); err != nil {
		return fmt.Errorf("fetching music21: %w\n%s", err, out)
	}
	defer os.RemoveAll(wheel)
	files, err := filepath.Glob(filepath.Join(wheel, "*.whl"))
	if err != nil || len(files) != 1 {
		return errors.Join(err, fmt.Errorf("music21 came as %d files, not one", len(files)))
	}
	return unzip(files[0], dir, func(name string) string {
		for _, part := range []string{"oneills1850", "ryansMammoth", "airdsAirs"} {
			if strings.Contains(name, part) && strings.HasSuffix(name, ".abc") {
				return part + "-" + filepath.Base(name)
			}
		}
		return ""
	})
}
