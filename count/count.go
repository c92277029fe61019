package count

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/token"
)

// Source streams documents in a fixed order: two passes must yield the same.
type Source interface {
	// Each calls yield with every document and its number doc ≥ 0, which is unique. A
	// large document may come in pieces: consecutive calls with the same doc continue
	// it. The tokens are only valid during the call. A token.None takes up a position
	// and belongs to no pair. An error from yield ends the pass and is returned.
	Each(yield func(doc int, tokens []token.ID) error) error
}

// SourceFunc makes a function a Source.
type SourceFunc func(yield func(doc int, tokens []token.ID) error) error

// Each calls f.
func (f SourceFunc) Each(yield func(doc int, tokens []token.ID) error) error { return f(yield) }

// Documents is a Source of documents in memory.
type Documents [][]token.ID

// Each yields the documents, numbered from 0.
func (d Documents) Each(yield func(doc int, tokens []token.ID) error) error {
	for i, tokens := range d {
		if err := yield(i, tokens); err != nil {
			return err
		}
	}
	return nil
}

// Options says what to count and with what resources. Only Distances, Vocabulary,
// Blocks, BlockTokens, Sample, Seed and Tables change the result.
type Options struct {
	// Distances d ≥ 1 in tokens, in any order, at most 255 distinct ones; the result is
	// sorted.
	Distances []int
	// Vocabulary is the number of token types: ids are below it. 0 means unknown.
	Vocabulary int

	// Blocks > 0 also counts with each of that many blocks of documents left out, for
	// jackknife standard errors (at most 255). Documents are assigned to blocks evenly,
	// by their number and Seed; see BlockAt and Divide.
	Blocks int
	// BlockTokens > 0 assigns runs of that many tokens to blocks, instead of whole
	// documents: for a corpus of one or few documents.
	BlockTokens int

	// Sample, between 0 and 1, counts only that share of the documents, chosen by Seed;
	// see Sampled. 0 and 1 mean all.
	Sample float64
	Seed   uint64

	// Tables keeps the full V×V tables in the result: small vocabularies only.
	Tables bool

	// Memory limits the memory of counting in bytes; 0 means 1 GiB. It includes
	// TokenBytes per token of the vocabulary for the Source's own use, such as names.
	Memory     int64
	TokenBytes int64
	// SpillDir is a folder for what does not fit into Memory; "" means a temporary one,
	// made when needed. A named one is kept when counting is interrupted, and the same
	// call resumes from it; see Key.
	SpillDir string
	// Key identifies the documents, for instance by their fingerprint. A call resumes
	// only under the same Key and the same options, and never if it is "".
	Key string

	Workers  int // 0 means GOMAXPROCS
	Progress func(Progress)

	grouped bool // SpillDir has chunks of an earlier call
}

// Progress says how far counting is. Done and Total are in tokens × distances; Total is
// 0 while the size of the corpus is unknown. Resumed is the part of Done that an
// earlier call had finished.
type Progress struct {
	Stage                string // "counting" or "merging"
	Done, Total, Resumed int64
	Tokens               int64 // read so far
}

// Counts are the histograms of the pairs at one distance.
type Counts struct {
	Pairs int64          `json:"pairs"`
	Joint info.Histogram `json:"joint"` // of the pairs
	Left  info.Histogram `json:"left"`  // of the tokens w_i of the pairs
	Right info.Histogram `json:"right"` // of the tokens w_{i+d} of the pairs
}

// Distance is what was counted at one distance.
type Distance struct {
	Distance int `json:"distance"` // d, tokens
	Counts
	// Without[k] are the counts without block k: one entry per block that has tokens,
	// none without blocks.
	Without []Packed `json:"without,omitempty"`
	// Table[a·V+b] is the number of pairs (a, b); nil unless Options.Tables.
	Table []int64 `json:"table,omitempty"`
}

// Result is what was counted.
type Result struct {
	Tokens     int64          `json:"tokens"` // without gaps
	Documents  int64          `json:"documents"`
	Vocabulary int            `json:"vocabulary"` // Options.Vocabulary, or 1 + the largest id seen
	Sample     float64        `json:"sample"`     // share of the documents that was counted; 1: exact counts of all
	Unigrams   info.Histogram `json:"unigrams"`   // of all tokens
	// BlockTokens is the length of the runs of tokens that were left out, 0 if whole
	// documents were.
	BlockTokens int        `json:"block_tokens,omitempty"`
	Distances   []Distance `json:"distances"` // ascending

	// Spilled is the number of bytes written to disk.
	Spilled int64 `json:"-"`
}

const (
	defaultMemory = 1 << 30
	maxBlocks     = 255
	maxDistances  = 255
	maxVocabulary = 1<<31 - 2 // below token.None
	maxDense      = 4096      // largest vocabulary that is counted in tables of V² cells
)

// Pairs counts the pairs of tokens at every distance in one pass over src. It
// returns the error of src, of ctx, or of the disk, and never a partial result.
func Pairs(ctx context.Context, src Source, opts Options) (*Result, error) {
	o, err := opts.checked()
	if err == nil {
		err = o.Check() // before anything is created in SpillDir
	}
	if err != nil {
		return nil, fmt.Errorf("counting pairs: %w", err)
	}
	r, err := countPairs(ctx, src, o)
	if err != nil {
		return nil, fmt.Errorf("counting pairs: %w", err)
	}
	r.Sample, r.BlockTokens = o.Sample, o.BlockTokens
	return r, nil
}

func countPairs(ctx context.Context, src Source, o Options) (r *Result, err error) {
	store, err := openStore(o)
	if err != nil {
		return nil, err
	}
	if o.grouped = store.grouped(); o.dense() {
		r, err = countDense(ctx, src, o, store)
	} else {
		r, store, err = countGrouped(ctx, src, o, store)
	}
	if ferr := store.finish(); err == nil {
		err = ferr
	}
	return r, err
}

// Check returns the error that Pairs would return for invalid options.
func (o Options) Check() error {
	o, err := o.checked()
	if err != nil || o.dense() {
		return err
	}
	_, _, err = o.roomFor(0, 0)
	return err
}

// checked returns the options with defaults filled in and Distances sorted.
func (o Options) checked() (Options, error) {
	if len(o.Distances) == 0 {
		return o, errors.New("no distances given")
	}
	o.Distances = slices.Clone(o.Distances)
	slices.Sort(o.Distances)
	o.Distances = slices.Compact(o.Distances)
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Sample == 0 {
		o.Sample = 1
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	switch {
	case o.Distances[0] < 1:
		return o, fmt.Errorf("distance %d is below 1", o.Distances[0])
	case len(o.Distances) > maxDistances:
		return o, fmt.Errorf("%d distances, at most %d are allowed (count the rest in another call)", len(o.Distances), maxDistances)
	case o.Vocabulary < 0 || o.Vocabulary > maxVocabulary:
		return o, fmt.Errorf("the vocabulary must be between 1 and %d, not %d", maxVocabulary, o.Vocabulary)
	case o.Blocks < 0 || o.Blocks > maxBlocks:
		return o, fmt.Errorf("the number of blocks must be between 0 and %d, not %d", maxBlocks, o.Blocks)
	case o.BlockTokens < 0:
		return o, fmt.Errorf("blocks cannot have %d tokens", o.BlockTokens)
	case !(o.Sample > 0 && o.Sample <= 1):
		return o, fmt.Errorf("the sample must be between 0 and 1 of the documents, not %g", o.Sample)
	case o.Memory < 0 || o.Workers < 0 || o.TokenBytes < 0:
		return o, errors.New("memory and workers must not be negative")
	case o.Tables && (o.Vocabulary == 0 || o.Vocabulary > maxDense):
		return o, fmt.Errorf("tables need a vocabulary of at most %d tokens", maxDense)
	}
	if need := o.tableBytes(); o.Tables && need > o.Memory {
		return o, &MemoryError{Limit: o.Memory, Need: need, For: fmt.Sprintf("tables of %d tokens at %d distances (ask for fewer distances or blocks)", o.Vocabulary, len(o.Distances))}
	}
	if need := o.denseBytes(); o.dense() && need > o.Memory {
		return o, &MemoryError{Limit: o.Memory, Need: need, For: fmt.Sprintf("distances up to %d (leave out the largest)", o.maxDistance())}
	}
	return o, nil
}

// MemoryError says that Options.Memory is too small.
type MemoryError struct {
	Limit, Need int64  // bytes
	For         string // what needs them
	// Ample is what is needed if as many distinct tokens are still to come as were
	// seen, 0 if that does not matter. Need is enough for a few.
	Ample int64
}

func (e *MemoryError) Error() string {
	ample := ""
	if e.Ample > 0 {
		ample = fmt.Sprintf(", %d MB if the vocabulary doubles", (e.Ample-1)>>20+1)
	}
	return fmt.Sprintf("a memory limit of %d MB is too small for %s: at least %d MB are needed%s", e.Limit>>20, e.For, (e.Need-1)>>20+1, ample)
}

// dense reports whether to count in tables of V² cells.
func (o Options) dense() bool {
	return o.Tables || !o.grouped && o.Vocabulary > 0 && o.Vocabulary <= maxDense && o.tableBytes() <= o.Memory/2 && o.tableBytes() <= maxTableBytes
}

// denseBytes is the memory for tables and two chunks of tokens.
func (o Options) denseBytes() int64 {
	return o.tableBytes() + 2*4*int64(o.denseChunk())
}

// maxTableBytes bounds the tables so that filling and reading them is cheap compared
// with counting.
const maxTableBytes = 512 << 20

func (o Options) tableBytes() int64 {
	side := int64(o.Vocabulary) + 1
	return 8 * side * side * int64(len(o.Distances)) * int64(max(1, o.Blocks))
}

// maxDistance is the largest distance.
func (o Options) maxDistance() int { return o.Distances[len(o.Distances)-1] }
