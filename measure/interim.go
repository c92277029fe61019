package measure

import (
	"context"
	"fmt"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

// leastInterim is the number of documents that Interim wants: fewer give no errors.
const leastInterim = 3

// Interim estimates from what a run that is not finished has scored so far. Nothing is
// written, and the run may go on meanwhile. The documents are not read: what needs them
// (bits per byte, the n-gram correction) is left out. of is the number of windows that
// the run will have.
func Interim(ctx context.Context, dir string, progress info.ProgressFunc) (r *result.Result, of int, err error) {
	run, err := rundir.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	store, err := score.Read(dir)
	if err != nil {
		return nil, 0, err
	}
	key := store.Key()
	src, n, documents := store.Finished()
	s := sample[token.ID]{plan: key.Plan, windows: make([]score.Window[token.ID], n), clusters: documents}
	if documents < leastInterim {
		return nil, 0, fmt.Errorf("%s: %d of %d windows are scored, of %d documents: too few to estimate from (repeat its command, which continues: %s)", dir, n, key.Count, documents, run.Command)
	}
	r = &result.Result{
		Schema: result.Schema, Verb: "measure", Command: run.Command, Version: run.Version,
		Corpus:  result.Corpus{Paths: []string{dir}, Documents: documents, Evaluation: documents, Tokenizer: key.Tokenizer, Fingerprint: key.Corpus},
		Model:   result.Model{Info: lm.Info{Name: key.ModelName, BOS: key.BOS, Fingerprint: key.Model}},
		Windows: describeWindows(s, "document", 0), Plan: describePlan(s),
		Warnings: store.Warnings(),
	}
	err = estimate(ctx, r, src, facts{}, law.Options{Draws: defaultDraws}, progress)
	return r, key.Count, err
}
