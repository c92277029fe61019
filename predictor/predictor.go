package predictor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/bytemix"
	"github.com/l2m-lab/l2m/lm/open"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/token"
)

// Options says which text a built-in predictor is trained or evaluated on.
// The zero value of a field asks for its default.
type Options struct {
	Paths          []string // files, folders, globs; "-" is Stdin
	Stdin          io.Reader
	Format         string
	Field          string
	MaxRecord      int64 // longest record read, bytes; 0 means 256 MB
	Strict         bool  // fail on unreadable files in folders and archives instead of skipping them
	KeepDuplicates bool  // keep exact copies of documents

	File string // the model: written by Train, read by Evaluate, which also takes "bytemix:universal"

	Tokenizer string // see measure.Options.Tokenizer

	TrainingBytes int64 // train on at most this much text, an even sample of it; 0 means 64 MiB
	Length        int   // bytes per evaluated window; 0 means 16,384 or less, from the documents
	MaxWindows    int   // evaluated; 0 means 200

	Seed     uint64
	Workers  int // 0 means GOMAXPROCS; does not change the result
	Progress info.ProgressFunc
}

func (o Options) open(ctx context.Context) (*corpus.Corpus, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	format, err := corpus.ParseFormat(o.Format)
	if err != nil {
		return nil, err
	}
	stage := o.Progress.Stage("reading", "B")
	return corpus.Index(ctx, o.Paths, corpus.Options{
		Format: format, Field: o.Field, MaxRecord: o.MaxRecord, Strict: o.Strict, KeepDuplicates: o.KeepDuplicates, Stdin: o.Stdin, Workers: o.Workers,
		Progress: func(done, total int64) { stage(done, total, 0) },
	})
}

// Train trains the built-in predictor on all documents and writes it to o.File, whole
// or not at all. An existing file is replaced only if it is a model.
func Train(ctx context.Context, o Options) (bytemix.FileInfo, error) {
	if o.TrainingBytes == 0 {
		o.TrainingBytes = defaultTraining
	}
	if err := bytemix.CheckFile(o.File); err != nil {
		return bytemix.FileInfo{}, err
	}
	c, err := o.open(ctx)
	if err != nil {
		return bytemix.FileInfo{}, err
	}
	defer c.Close()
	s := c.All(o.Seed)
	alphabet, err := open.ChooseAlphabet(ctx, c, s, o.Tokenizer)
	if err != nil {
		return bytemix.FileInfo{}, err
	}
	budget := min(o.TrainingBytes, s.TrainingBytes())
	stage := o.Progress.Stage("training", "B")
	excerpts := open.Symbols(s.Excerpts(ctx, corpus.TrainingOptions{Budget: budget}), open.AlphabetName(alphabet))
	m, err := bytemix.Train(ctx, bytemix.Options{Seed: o.Seed, Workers: 1, Alphabet: alphabet, TableBits: bytemix.TableBits(budget)}, excerpts, func(done int64) { stage(done, budget, 0) })
	if err != nil {
		return bytemix.FileInfo{}, err
	}
	sketch, err := check.NewSketch(excerpts)
	if err != nil {
		return bytemix.FileInfo{}, err
	}
	m.Sketch = sketch.Bytes()
	if err := m.SaveFile(o.File); err != nil {
		return bytemix.FileInfo{}, fmt.Errorf("writing the model: %w", err)
	}
	return bytemix.ReadInfo(o.File)
}

// Evaluate scores windows of all documents with a saved model.
func Evaluate(ctx context.Context, o Options) (*result.ModelEvaluation, error) {
	c, err := o.open(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if o.MaxWindows == 0 {
		o.MaxWindows = defaultWindows
	}
	if o.File == "bytemix" {
		return nil, errors.New("bytemix is trained by the run that uses it: name a file that l2m model train wrote, or bytemix:universal")
	}
	split := c.All(o.Seed)
	e, err := open.Open(ctx, c, split, open.Options{Model: o.File, Tokenizer: o.Tokenizer, Workers: o.Workers, Seed: o.Seed})
	if err != nil {
		return nil, err
	}
	defer func() { e.Close() }()
	if e.Encode != nil {
		if split, err = split.Tokenized(ctx, e.Encode); err != nil {
			return nil, err
		}
	}
	for length := open.LongestWindow; o.Length == 0; length /= 2 {
		if err := split.CheckLength(length); err == nil {
			o.Length = length
		} else if length == 1 {
			return nil, err
		}
	}
	windows, err := split.Windows(ctx, corpus.WindowOptions{Length: o.Length, PerDocument: o.MaxWindows, MaxTotal: o.MaxWindows})
	if err != nil {
		return nil, err
	}
	m, err := e.Load(ctx)
	if err != nil {
		return nil, err
	}
	scored, err := scoreJoint(ctx, m, windows, o.Workers, o.Progress)
	if err != nil {
		return nil, err
	}
	stats, err := mi.Collect(ctx, mi.InMemory(o.Length, scored), mi.CollectOptions{Seed: o.Seed})
	if err != nil {
		return nil, err
	}
	out := &result.ModelEvaluation{Model: m.Info(), Documents: len(stats.Clusters()), Windows: len(windows), Tokens: e.Tokenizer.Name, Length: o.Length, Loss: stats.Loss()}
	out.BitsPerSymbol = out.Loss.Mean.Bits()
	return out, nil
}

// scoreJoint scores whole windows, without the passes of other estimators. workers of
// 0 means GOMAXPROCS.
func scoreJoint(ctx context.Context, m lm.Model[token.ID], windows []corpus.Window, workers int, progress info.ProgressFunc) ([]mi.Window, error) {
	scored := make([]mi.Window, len(windows))
	stage := progress.Stage("scoring", "windows")
	var mu sync.Mutex
	done := int64(0)
	g, ctx := errgroup.WithContext(ctx)
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	g.SetLimit(workers)
	for i, w := range windows {
		g.Go(func() error {
			s, err := m.LogProbs(ctx, lm.Request[token.ID]{Tokens: w.Tokens})
			if err != nil {
				return fmt.Errorf("window %d: %w", i, err)
			}
			scored[i] = mi.Window{Cluster: w.Cluster, Joint: s.Tokens}
			mu.Lock()
			defer mu.Unlock()
			done++
			stage(done, int64(len(windows)), 0)
			return nil
		})
	}
	return scored, g.Wait()
}
