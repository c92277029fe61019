package count

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/atomicfile"
)

// store is the folder for what does not fit into memory or must survive an
// interruption:
//
//	count.json             what is being counted; anything else is discarded
//	chunk-000000-4096.runs distinct pairs of a chunk of 4096 new tokens
//	corpus.json            totals, after all documents were read
//	distance-000064.json   finished distance
//	tables.bin             all tables so far of a small vocabulary
type store struct {
	dir       string
	temporary bool
	reusable  bool
	spilled   int64
	chunks    []string // paths by number, up to the first missing one
}

// asked is the content of count.json.
type asked struct {
	Schema      string  `json:"schema"`
	Key         string  `json:"key"`
	Distances   []int   `json:"distances"`
	Vocabulary  int     `json:"vocabulary"`
	Blocks      int     `json:"blocks"`
	BlockTokens int     `json:"block_tokens"`
	Sample      float64 `json:"sample"`
	Seed        uint64  `json:"seed"`
}

// corpusTotals is the content of corpus.json.
type corpusTotals struct {
	Tokens     int64          `json:"tokens"`
	Documents  int64          `json:"documents"`
	Vocabulary int            `json:"vocabulary"`
	Seen       int            `json:"seen"`
	Ranges     int            `json:"ranges"`
	Chunks     int            `json:"chunks"`
	Used       []bool         `json:"used"`
	Unigrams   info.Histogram `json:"unigrams"`
}

const spillSchema = "l2m.count-spill/5"

// openStore returns the store for o, nil if nothing is to be kept and nothing has been
// spilled yet.
func openStore(o Options) (*store, error) {
	if o.SpillDir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(o.SpillDir, 0o777); err != nil {
		return nil, err
	}
	s := &store{dir: o.SpillDir, reusable: o.Key != ""}
	want, err := json.Marshal(asked{
		Schema: spillSchema, Key: o.Key, Distances: o.Distances, Vocabulary: o.Vocabulary, Blocks: o.Blocks,
		BlockTokens: o.BlockTokens, Sample: o.Sample, Seed: o.Seed,
	})
	if err != nil {
		return nil, err
	}
	if err := atomicfile.RemoveTemps(s.dir); err != nil {
		return nil, err
	}
	have, err := os.ReadFile(s.path("count.json"))
	switch {
	case err == nil && s.reusable && bytes.Equal(have, want):
		return s, s.listChunks()
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if err := Clean(s.dir); err != nil {
		return nil, err
	}
	return s, atomicfile.WriteBytes(s.path("count.json"), 0o666, want)
}

// temporaryStore returns a store in a new temporary folder.
func temporaryStore() (*store, error) {
	dir, err := os.MkdirTemp("", "l2m-count-")
	if err != nil {
		return nil, err
	}
	return &store{dir: dir, temporary: true}, nil
}

// Clean removes what Pairs left in a SpillDir. Call it after storing the result; until
// then, repeating the call is cheap.
func Clean(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		ours := name == "count.json" || name == "corpus.json" || name == "tables.bin" || atomicfile.IsTemp(name) ||
			isChunk(name) ||
			strings.HasPrefix(name, "distance-") && strings.HasSuffix(name, ".json")
		if !ours {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing intermediate counts: %w", err)
		}
	}
	return nil
}

// finish ends the use of the store after success or failure.
func (s *store) finish() error {
	switch {
	case s == nil:
		return nil
	case s.temporary:
		return os.RemoveAll(s.dir)
	case !s.reusable:
		return Clean(s.dir)
	}
	return nil
}

// grouped reports whether an earlier call has counted chunks, whose limits then stay in
// force.
func (s *store) grouped() bool { return s != nil && len(s.chunks) > 0 }

func (s *store) path(name string) string { return filepath.Join(s.dir, name) }

// isChunk reports whether name is that of a chunk's file.
func isChunk(name string) bool {
	return strings.HasPrefix(name, "chunk-") && strings.HasSuffix(name, ".runs")
}

// listChunks finds the chunks of an earlier call. It removes those after a missing one,
// whose replacement may end elsewhere.
func (s *store) listChunks() error {
	entries, err := os.ReadDir(s.dir) // in order
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch path := s.path(e.Name()); {
		case !isChunk(e.Name()):
		case strings.HasPrefix(e.Name(), fmt.Sprintf("chunk-%06d-", len(s.chunks))):
			s.chunks = append(s.chunks, path)
		default:
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// chunkTokens returns the numbers of new tokens of the chunks.
func (s *store) chunkTokens() []int {
	tokens := make([]int, len(s.chunks))
	for i, path := range s.chunks {
		fmt.Sscanf(filepath.Base(path), fmt.Sprintf("chunk-%06d-%%d.runs", i), &tokens[i])
	}
	return tokens
}

func (s *store) distancePath(d int) string { return s.path(fmt.Sprintf("distance-%06d.json", d)) }

func (s *store) tablesPath() string { return s.path("tables.bin") }

// has reports whether a file exists. Files are written atomically.
func (s *store) has(path string) bool {
	if s == nil || !s.reusable {
		return false
	}
	_, err := os.Stat(path)
	return err == nil
}

// load reads a JSON file of an earlier call, if it exists.
func (s *store) load(path string, v any) (present bool, err error) {
	if !s.has(path) {
		return false, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("reading %s: %w (remove the file and count again)", path, err)
	}
	return true, nil
}

// save writes a JSON file for a later call.
func (s *store) save(path string, v any) error {
	if s == nil || !s.reusable {
		return nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.explain(atomicfile.WriteBytes(path, 0o666, data))
}

// saveDistance writes a finished distance, for a later call or for the end of this one.
func (s *store) saveDistance(d *Distance) error {
	if s == nil || !s.reusable {
		return nil
	}
	return s.explain(atomicfile.WriteFile(s.distancePath(d.Distance), 0o666, func(f io.Writer) error {
		w := bufio.NewWriter(f)
		if err := d.write(w); err != nil {
			return err
		}
		return w.Flush()
	}))
}

// writeChunk writes the run file of the next chunk and its number of new tokens.
func (s *store) writeChunk(tokens int64, write func(*runWriter) error) error {
	var n int64
	path := s.path(fmt.Sprintf("chunk-%06d-%d.runs", len(s.chunks), tokens))
	s.chunks = append(s.chunks, path)
	err := atomicfile.WriteFile(path, 0o666, func(f io.Writer) error {
		w := &runWriter{w: bufio.NewWriterSize(f, 1<<20)}
		if err := write(w); err != nil {
			return err
		}
		err := w.finish()
		n = w.written
		return err
	})
	s.spilled += n
	return s.explain(err)
}

// explain adds to an error about a full disk what to do.
func (s *store) explain(err error) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) && !errors.Is(err, syscall.EFBIG) {
		return err
	}
	if s.reusable {
		return fmt.Errorf("%w (counts so far are kept in %s: free some space and repeat the call; or allow more memory, or choose another folder)", err, s.dir)
	}
	return fmt.Errorf("%w (free some space in %s, choose another folder, or allow more memory)", err, s.dir)
}
