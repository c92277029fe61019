// Atlas measures the laws of many kinds of text, of changed copies of them, and
// with other predictors, and makes the table and the figure of docs/atlas.md:
//
//	go run ./atlas -data FOLDER
//
// It takes hours. What is in docs/atlas is not measured again, and a run that
// was interrupted continues.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func main() {
	log.SetFlags(log.Ltime)
	var a atlas
	flag.StringVar(&a.data, "data", "../../shared/data", "folder of books, books-other, wiki, dna and protein")
	flag.StringVar(&a.docs, "docs", "../docs", "folder of atlas.md, and of atlas with the results")
	flag.StringVar(&a.work, "work", filepath.Join(os.TempDir(), "l2m-atlas"), "folder for generated text and runs")
	flag.StringVar(&a.l2m, "l2m", "l2m", "the command to measure with")
	only := flag.String("only", "*", "runs to do, with commas between them: english, english.*, *.reversed")
	render := flag.Bool("render", false, "only make the table and the figure")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := a.run(ctx, *only, *render); err != nil {
		log.Fatal("atlas: ", err)
	}
}

// atlas is where things are.
type atlas struct {
	data, docs, work, l2m string
}

func (a *atlas) run(ctx context.Context, only string, render bool) error {
	for _, dir := range []*string{&a.data, &a.docs, &a.work} {
		var err error
		if *dir, err = filepath.Abs(*dir); err != nil {
			return err
		}
	}
	wanted, err := choose(jobs(entries), only)
	if err != nil {
		return err
	}
	if !render {
		for _, j := range wanted {
			if err := a.do(ctx, j); err != nil {
				return fmt.Errorf("%s: %w", j.name, err)
			}
		}
	}
	return a.page()
}

// choose picks the runs whose names match patterns, in the order of these.
func choose(all []job, patterns string) (picked []job, err error) {
	for pattern := range strings.SplitSeq(patterns, ",") {
		found := false
		for _, j := range all {
			matches, err := path.Match(pattern, j.name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", pattern, err)
			}
			if matches {
				picked, found = append(picked, j), true
			}
		}
		if !found {
			return nil, fmt.Errorf("no run is called %s", pattern)
		}
	}
	return picked, nil
}

// job is one run of l2m.
type job struct {
	name   string // of its results: docs/atlas/NAME.json
	entry  entry
	change string // name of the change to the text, if any
	verb   string
	args   []string
}

// jobs are the runs of the entries, what matters most first: every text as it
// is, then changed, then with the first of the other predictors, and so on.
func jobs(entries []entry) (all []job) {
	ranged := func(e entry, args ...string) []string {
		return append(args, "--range", e.fit, "--two-point-bytes", "-1")
	}
	most := 0
	for _, e := range entries {
		most = max(most, len(e.vary))
		all = append(all,
			job{e.name, e, "", "measure", e.args},
			job{e.name + ".range", e, "", "measure", append(slices.Clone(e.args), "--range", e.fit)},
			job{e.name + ".twopoint", e, "", "twopoint", []string{"--tokens", e.tokens, "--distances", ":65536"}})
	}
	for _, e := range entries {
		for _, c := range e.control {
			all = append(all, job{e.name + "." + c, e, c, "measure", ranged(e, e.sample()...)})
		}
	}
	for i := range most {
		for _, e := range entries {
			if i < len(e.vary) {
				all = append(all, job{e.name + "." + e.vary[i].name, e, "", "measure", ranged(e, slices.Concat(e.sample(), e.vary[i].args)...)})
			}
		}
	}
	return all
}

// do runs a job whose results are not there yet, and keeps these.
func (a *atlas) do(ctx context.Context, j job) error {
	stored := a.stored(j.name)
	if _, err := os.Stat(stored); err == nil {
		return nil
	}
	log.Print(j.name)
	paths, err := a.paths(ctx, j)
	if err != nil {
		return err
	}
	// Fits of another range use the scores of the same run.
	out := filepath.Join(a.work, "run", strings.TrimSuffix(j.name, ".range"))
	args := slices.Concat([]string{j.verb}, paths, j.args, []string{"--out", out, "--quiet", "--figures", "svg"})
	cmd := exec.CommandContext(ctx, a.l2m, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, output)
	}
	return a.keep(filepath.Join(out, "results.json"), stored)
}

func (a *atlas) stored(name string) string { return filepath.Join(a.docs, "atlas", name+".json") }

// paths are the arguments of l2m that name the text of a job, which is made if
// it is not there.
func (a *atlas) paths(ctx context.Context, j job) ([]string, error) {
	var paths []string
	for _, p := range j.entry.paths {
		paths = append(paths, strings.NewReplacer("DATA", a.data, "GOROOT", goroot()).Replace(p))
	}
	if j.entry.make != nil {
		dir, err := a.folder(ctx, j.entry.name, j.entry.make)
		if err != nil {
			return nil, err
		}
		paths = []string{dir}
	}
	if j.change == "" {
		return paths, nil
	}
	dir, err := a.folder(ctx, j.name, func(ctx context.Context, _, dir string) error {
		return changes[j.change].write(ctx, dir, paths)
	})
	return []string{dir}, err
}

// folder is a folder of generated text. It is renamed when it is complete.
func (a *atlas) folder(ctx context.Context, name string, make generator) (string, error) {
	dir := filepath.Join(a.work, "data", name)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		return dir, err
	}
	part := dir + ".part"
	if err := errors.Join(os.RemoveAll(part), os.MkdirAll(part, 0o755)); err != nil {
		return "", err
	}
	if err := make(ctx, a.data, part); err != nil {
		return "", err
	}
	return dir, os.Rename(part, dir)
}

// goroot is the folder of Go, "" if there is none.
func goroot() string {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
