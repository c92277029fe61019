package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// Options says which models to audit against which law. The zero value of
// a field asks for its default.
type Options struct {
	// Paths are config.json or GGUF files, or folders to search for them; "-" is
	// Stdin.
	Paths []string
	Stdin io.Reader

	Law     law.PowerLaw // zero: the published law of English
	LawFrom string       // run directory of l2m measure to read the law from where Law is zero
	// Evidence says what data Law was fitted to, lengths in its unit; nil if that is
	// not known. For the published law it is taken from the paper.
	Evidence      *arch.Evidence
	BytesPerToken float64 // converts a law in bytes; 0 refuses one

	Assume   string        // read every file as this model type
	Policies []arch.Policy // audit each model under each of them too

	DType      arch.DType // zero: bfloat16
	Lengths    []int64    // tokens; nil: 1,024, 4,096, 32,768 and 131,072
	Capacities []float64  // nats per element; nil, without CapacityFrom: 1, 0.1 and 0.01
	// CapacityFrom are directories of l2m compare, or "measured" for Measured; what the
	// models there carried per element joins Capacities.
	CapacityFrom []string
	Ask          []int64 // lengths to answer "what would be needed" for
	Level        float64 // of intervals; 0 means 0.95

	Memory MemoryOptions // which models fit on a device
}

// Run compares the history states of models with what a law of the data demands.
// Files that cannot be audited go to the Failures of the result; an error means that
// the whole audit is impossible.
func Run(ctx context.Context, o Options) (*result.Audit, error) {
	command := o.Command()
	if o.LawFrom != "" && o.Law == (law.PowerLaw{}) {
		var err error
		if o.Law, o.Evidence, err = ReadLaw(o.LawFrom); err != nil {
			return nil, err
		}
	}
	names, err := o.readCapacities()
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	l, err := o.tokenLaw()
	if err != nil {
		return nil, err
	}
	o.Evidence = o.tokenEvidence()
	out := &result.Audit{
		Schema: result.AuditSchema, Command: command, Version: info.BuildVersion().Short(), Law: l, Evidence: o.Evidence,
		Level: o.Level, DType: o.DType.Name, Capacities: o.Capacities, CapacityNames: names, Lengths: o.Lengths,
	}
	for _, L := range o.Ask {
		if L < 1 {
			return nil, fmt.Errorf("--length %d is below 1", L)
		}
		if err := o.Evidence.Answers(float64(L)); err != nil {
			return nil, err
		}
		out.Questions = append(out.Questions, result.NewQuestion(l, L, o.Capacities, o.Level))
	}
	files, skipped, err := findConfigs(ctx, o.Paths)
	if err != nil {
		return nil, err
	}
	if skipped > 0 {
		out.Warnings = append(out.Warnings, info.Warning{
			Code: "files-skipped",
			Text: fmt.Sprintf("%d other JSON files in the folders are not model configurations", skipped), Fix: "name a file itself to read it anyway",
		})
	}
	var models []*arch.Model
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		audits, read, err := o.auditFile(f, l)
		if err != nil {
			if f == "-" {
				f = "standard input"
			}
			out.Failures = append(out.Failures, result.AuditFailure{Path: f, Error: err.Error()})
			continue
		}
		out.Models, models = append(out.Models, audits...), append(models, read...)
	}
	return out, o.planMemory(out, models)
}

func (o Options) withDefaults() Options {
	if o.Law == (law.PowerLaw{}) {
		o.Law = law.PublishedEnglish()
	}
	if o.Law == law.PublishedEnglish() && o.Evidence == nil {
		o.Evidence = &arch.Evidence{From: 4, To: 2048, Documents: 1024} // arXiv 2503.04725, section 3 and figure 2
	}
	if o.DType == (arch.DType{}) {
		o.DType = arch.BFloat16()
	}
	if o.Lengths == nil {
		o.Lengths = []int64{1024, 4096, 32768, 131072}
		if len(o.Ask) > 0 { // a column for each, in place of one that says little
			o.Lengths = append([]int64{1024, 32768, 131072}, o.Ask...)
			slices.Sort(o.Lengths)
			o.Lengths = slices.Compact(o.Lengths)
		}
	}
	if o.Capacities == nil {
		o.Capacities = []float64{1, 0.1, 0.01}
	}
	return o.withNumbers()
}

// tokenLaw is the law per token.
func (o Options) tokenLaw() (law.PowerLaw, error) {
	switch {
	case o.Law.Unit == "byte" && o.BytesPerToken == 0:
		return o.Law, errors.New("the law counts in bytes, models count in tokens: say how many bytes a token of the models has on this text (--bytes-per-token; tokenize some of it and divide; English prose has 4 to 5 with most vocabularies)")
	case o.Law.Unit == "byte":
		return arch.LawPerToken(o.Law, o.BytesPerToken)
	case o.BytesPerToken != 0:
		return o.Law, fmt.Errorf("bytes per token convert a law in bytes, but this one counts in %ss", o.Law.Unit)
	}
	return o.Law, nil
}

// tokenEvidence is the evidence with its lengths in tokens.
func (o Options) tokenEvidence() *arch.Evidence {
	if o.Evidence == nil || o.Law.Unit != "byte" || o.BytesPerToken == 0 {
		return o.Evidence
	}
	e := *o.Evidence
	e.From, e.To = e.From/o.BytesPerToken, e.To/o.BytesPerToken
	return &e
}

// auditFile audits one file, plain and under each policy.
func (o Options) auditFile(path string, l law.PowerLaw) ([]*arch.Audit, []*arch.Model, error) {
	m, err := o.parse(path)
	if err != nil {
		return nil, nil, err
	}
	models := []*arch.Model{m}
	for _, p := range o.Policies {
		under, err := m.With(p)
		if err != nil {
			m.Warnings = append(m.Warnings, info.Warning{Code: "policy-skipped", Text: err.Error()})
			continue
		}
		models = append(models, under)
	}
	var audits []*arch.Audit
	for _, m := range models {
		a, err := m.Audit(l, arch.AuditOptions{Lengths: o.Lengths, DType: o.DType, Capacities: o.Capacities, Ask: o.Ask, Level: o.Level, Evidence: o.Evidence})
		if err != nil {
			return nil, nil, err
		}
		a.Path = path
		audits = append(audits, a)
	}
	return audits, models, nil
}

func (o Options) parse(path string) (*arch.Model, error) {
	opts := arch.Options{Assume: o.Assume}
	if path == "-" {
		if o.Stdin == nil {
			return nil, errors.New("there is no standard input")
		}
		m, err := arch.ParseWith(o.Stdin, opts)
		if err == nil {
			m.Name = m.Type
		}
		return m, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.Unwrap(err) // the path is named beside it
	}
	defer f.Close()
	m, err := arch.ParseWith(f, opts)
	if err == nil {
		m.Name = modelName(path)
	}
	return m, err
}

// modelName names the model at a path: by the folder of a config.json, otherwise by
// the file. "--" stands for "/" in names of the Hugging Face Hub and in its cache
// (models--ORG--NAME/snapshots/HASH/config.json).
func modelName(path string) string {
	parts := strings.Split(filepath.ToSlash(filepath.Clean(path)), "/")
	base := parts[len(parts)-1]
	name := strings.TrimSuffix(strings.TrimSuffix(base, ".json"), ".gguf")
	if name == "config" && len(parts) > 1 && parts[len(parts)-2] != ".." {
		name = parts[len(parts)-2]
		for _, p := range parts {
			if hub, ok := strings.CutPrefix(p, "models--"); ok {
				name = hub
			}
		}
	}
	if org, model, ok := strings.Cut(name, "--"); ok && org != "" && model != "" {
		name = org + "/" + model
	}
	return name
}

// findConfigs expands folders into the configurations in them: every config.json,
// other JSON files with a model_type, and GGUF files. skipped counts the other JSON
// files.
func findConfigs(ctx context.Context, paths []string) (files []string, skipped int, err error) {
	if len(paths) == 0 {
		return nil, 0, errors.New("nothing to audit: name configurations, GGUF files or folders")
	}
	for _, p := range paths {
		if p == "-" {
			files = append(files, p)
			continue
		}
		st, err := os.Stat(p)
		if err != nil || !st.IsDir() {
			files = append(files, p) // reading it reports the error
			continue
		}
		before := len(files)
		err = filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil || d.IsDir() {
				return err
			}
			switch {
			case strings.EqualFold(filepath.Ext(path), ".gguf"):
				files = append(files, path)
			case d.Name() == "config.json" || filepath.Ext(path) == ".json" && hasModelType(path):
				files = append(files, path)
			case filepath.Ext(path) == ".json":
				skipped++
			}
			return nil
		})
		if err != nil {
			return nil, 0, fmt.Errorf("looking for configurations in %s: %w", p, err)
		}
		if len(files) == before {
			return nil, 0, fmt.Errorf("looking for configurations in %s: no config.json, no other JSON file with a model_type and no GGUF file is there", p)
		}
	}
	return slices.Compact(files), skipped, nil
}

// hasModelType reports whether the first megabyte of a JSON file contains a
// model_type, unlike tokenizers and generation settings. Documents written by l2m do
// not count.
func hasModelType(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return err == nil && strings.Contains(string(head), `"model_type"`) && !strings.Contains(string(head), `"schema": "l2m.`)
}

// ParseLaw reads a law in tokens given as "A,BETA", such as 2.27,0.76: I(L) =
// A·L^BETA nats. Its uncertainty is not known.
func ParseLaw(s string) (law.PowerLaw, error) {
	a, b, ok := strings.Cut(s, ",")
	A, errA := strconv.ParseFloat(strings.TrimSpace(a), 64)
	beta, errB := strconv.ParseFloat(strings.TrimSpace(b), 64)
	if !ok || errA != nil || errB != nil || !(A > 0 && A < 1e12) || !(beta > -10 && beta < 10) {
		return law.PowerLaw{}, fmt.Errorf("%q is not a law A,BETA, such as 2.27,0.76", s)
	}
	return law.PowerLaw{A: A, Beta: beta, Unit: "token", Source: "given as " + s}, nil
}

// ReadLaw reads the law of a run of l2m measure; path is the run directory or its
// results.json. It is the power law of the headline estimator, with the evidence for
// it, lengths in the law's unit. A run without a power law is an error.
func ReadLaw(path string) (law.PowerLaw, *arch.Evidence, error) {
	file := path
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		file = filepath.Join(path, rundir.Results)
	}
	f, err := os.Open(file)
	if err != nil {
		return law.PowerLaw{}, nil, fmt.Errorf("reading the law: %w (is it the directory of a finished run?)", err)
	}
	defer f.Close()
	r, err := result.Read[result.Result](f, file)
	if err != nil {
		return law.PowerLaw{}, nil, fmt.Errorf("reading the law: %w", err)
	}
	l, e, err := MeasuredLaw(r)
	if err != nil {
		return law.PowerLaw{}, nil, fmt.Errorf("reading the law from %s: %w", file, err)
	}
	l.Source = path + ", " + l.Source
	return l, e, nil
}

// Write writes an audit to a run directory: audit.json, and the files made by faces,
// figures in the given formats (nil: all).
func Write(dir string, a *result.Audit, faces func(a *result.Audit, formats []string) []rundir.Face, formats []string) error {
	run, err := rundir.Open(dir, rundir.Audit, rundir.Options{Command: a.Command})
	if err == nil {
		defer run.Close()
		err = result.Store(run, a, rundir.Faces(faces, a, formats))
	}
	if err != nil {
		return fmt.Errorf("writing the audit: %w", err)
	}
	return nil
}
