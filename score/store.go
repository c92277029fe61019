package score

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/atomicfile"
	"github.com/l2m-lab/l2m/rundir"
)

// Store is the scores of a run on disk. Its methods are safe for concurrent use.
type Store struct {
	dir      string
	key      Key
	run      *rundir.Dir // nil if read-only
	warnings []info.Warning

	mu       sync.Mutex
	files    []string // names of the parts, by part number
	next     int      // number in the name of the next part
	places   []place  // [window·slots + slot]
	clusters []int32  // [window]; -1 unknown
	contexts []int32  // [window·Cross + k]; -1 unknown
	done     int      // requests
}

// place is the position of the values of a pass. file is 1 + the part number; 0 means
// that the pass is not scored.
type place struct{ file, offset uint32 }

// Open opens the scores in a run directory, and stores the key in a new one. If the
// scores there have another key it returns a *MismatchError. All stored scores are
// checked; errors name damaged or foreign parts.
func Open(run *rundir.Dir, key Key) (*Store, error) {
	if err := key.validate(); err != nil {
		return nil, fmt.Errorf("planning the run: %w", err)
	}
	s := &Store{dir: run.Path("."), run: run, key: key, next: 1}
	if err := s.settleKey(); err != nil {
		return nil, fmt.Errorf("opening the run: %w", err)
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("opening the run: %w", err)
	}
	if !run.Locked() {
		s.warnings = append(s.warnings, info.Warning{
			Code: "no-lock",
			Text: fmt.Sprintf("the file system of %s does not support locks, so two processes that write this run would not be noticed", s.dir),
			Fix:  "start only one l2m per run directory, or choose --out on a local disk",
		})
	}
	return s, nil
}

// Extend is Open for windows of which there may be more than the run was opened with:
// those that it has must be the first, with the same partners, and their scores are
// kept. It fills in the key's Windows and Count.
func Extend[T any](run *rundir.Dir, key Key, windows []Window[T], partners [][]int) (*Store, error) {
	key.Windows, key.Count = Fingerprint(windows, partners), len(windows)
	var old Key
	known, err := run.Key(&old)
	if err != nil {
		return nil, fmt.Errorf("opening the run: %w", err)
	}
	if !known || old.Count < 1 || old.Count >= key.Count || old.Count > len(partners) || key.validate() != nil {
		return Open(run, key)
	}
	first := key
	first.Windows, first.Count = Fingerprint(windows[:old.Count], partners[:old.Count]), old.Count
	if len(old.diff(first)) > 0 {
		return Open(run, key)
	}
	key.Earlier = append(old.Earlier, Extent{old.Windows, old.Count})
	if err := run.SetKey(key); err != nil {
		return nil, fmt.Errorf("extending the run: %w", err)
	}
	return Open(run, key)
}

// settleKey writes run.json, or checks it against the key.
func (s *Store) settleKey() error {
	var old Key
	known, err := s.run.Key(&old)
	if err != nil {
		return err
	}
	if known {
		if d := old.diff(s.key); len(d) > 0 {
			return &MismatchError{Dir: s.dir, Differences: d}
		}
		s.key.Earlier, s.key.Drawn = old.Earlier, old.Drawn
	} else if err := s.run.SetKey(s.key); err != nil {
		return err
	}
	_, err = s.run.Folder(rundir.Scores)
	return err
}

// Read opens the scores of a run read-only: it writes and locks nothing, and does not
// see what another process adds later.
func Read(dir string) (*Store, error) {
	r, err := rundir.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the run: %w", err)
	}
	s := &Store{dir: dir}
	if r.Key == nil || json.Unmarshal(r.Key, &s.key) != nil {
		return nil, fmt.Errorf("reading the run: %s has no scores", dir)
	}
	if err := s.key.validate(); err != nil {
		return nil, fmt.Errorf("reading the run: %s: %w", dir, err)
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("reading the run: %w", err)
	}
	return s, nil
}

// load checks and indexes all parts.
func (s *Store) load() error {
	n := s.key.Count
	s.places = make([]place, n*s.key.Plan.slots())
	s.clusters = make([]int32, n)
	s.contexts = make([]int32, n*s.key.Plan.Cross)
	for _, unknown := range [][]int32{s.clusters, s.contexts} {
		for i := range unknown {
			unknown[i] = -1
		}
	}
	names, err := s.partNames(rundir.Scores)
	if err != nil {
		return err
	}
	var buf bytes.Buffer // reused: parts are large
	for _, name := range names {
		path := filepath.Join(s.dir, rundir.Scores, name)
		refs, err := s.decodeFile(&buf, path, name)
		if err != nil {
			return err
		}
		if err := s.index(name, refs); err != nil {
			return fmt.Errorf("%s: %w (move it to another folder; missing scores are then computed again)", path, err)
		}
		number, err := strconv.Atoi(rundir.ScorePart.FindStringSubmatch(name)[1])
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		s.next = max(s.next, number+1)
	}
	return nil
}

// decodeFile reads a part into buf and checks it against its name and the key.
func (s *Store) decodeFile(buf *bytes.Buffer, path, name string) ([]rowRef, error) {
	match := rundir.ScorePart.FindStringSubmatch(name)
	if match == nil {
		return nil, fmt.Errorf("%s was not written by l2m (move it to another folder)", path)
	}
	if err := readFile(buf, path); err != nil {
		return nil, err
	}
	if contentHash(buf.Bytes()) != match[2] {
		return nil, fmt.Errorf("%s is damaged: its SHA-256 does not begin with %s as in its name (restore it from a copy, or delete it to compute its scores again)", path, match[2])
	}
	refs, err := decodePart(buf.Bytes(), s.key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w (move it to another folder; missing scores are then computed again)", path, err)
	}
	return refs, nil
}

// readFile reads a file into buf.
func readFile(buf *bytes.Buffer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	buf.Reset()
	if st, err := f.Stat(); err == nil {
		buf.Grow(int(st.Size()) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(f); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// partNames lists the Parquet files of scores or partial, sorted by name.
func (s *Store) partNames(folder string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, folder))
	if missing(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".parquet") && !atomicfile.IsTemp(e.Name()) {
			names = append(names, e.Name())
		}
	}
	sort.Strings(names)
	return names, nil
}

// index records the positions of the values of a part, unless the part is wrong.
func (s *Store) index(name string, refs []rowRef) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkRows(refs); err != nil {
		return err
	}
	s.files = append(s.files, name)
	file := uint32(len(s.files))
	for i := range refs {
		r := &refs[i]
		slot, _ := s.key.Plan.slot(pass(r.Pass), int(r.Split), int(r.K))
		s.places[int(r.Window)*s.key.Plan.slots()+slot] = place{file, r.offset}
		s.clusters[r.Window] = r.Cluster
		if r.K >= 0 {
			s.contexts[int(r.Window)*s.key.Plan.Cross+int(r.K)] = r.Context
		}
		if slot == 0 {
			s.done++
		}
	}
	return nil
}

// checkRows checks rows for consistency with each other and with other parts.
func (s *Store) checkRows(refs []rowRef) error {
	type passOf struct{ window, slot int }
	type contextOf struct{ window, k int32 }
	seen := make(map[passOf]bool, len(refs))
	clusters := make(map[int32]int32)
	contexts := make(map[contextOf]int32)
	for i := range refs {
		r := &refs[i]
		slot, _ := s.key.Plan.slot(pass(r.Pass), int(r.Split), int(r.K))
		p := passOf{int(r.Window), slot}
		if stored := s.places[p.window*s.key.Plan.slots()+slot]; stored.file != 0 {
			return fmt.Errorf("row %d repeats a %s pass of window %d that %s has already", i, r.Pass, r.Window, s.files[stored.file-1])
		}
		if seen[p] {
			return fmt.Errorf("row %d repeats a %s pass of window %d", i, r.Pass, r.Window)
		}
		seen[p] = true
		cluster, ok := clusters[r.Window]
		if !ok {
			cluster = s.clusters[r.Window]
		}
		if cluster >= 0 && cluster != r.Cluster {
			return fmt.Errorf("row %d puts window %d into cluster %d, another into %d", i, r.Window, r.Cluster, cluster)
		}
		clusters[r.Window] = r.Cluster
		if r.K < 0 {
			continue
		}
		c := contextOf{r.Window, r.K}
		context, ok := contexts[c]
		if !ok {
			context = s.contexts[int(r.Window)*s.key.Plan.Cross+int(r.K)]
		}
		if context >= 0 && context != r.Context {
			return fmt.Errorf("row %d says that context %d of window %d is window %d, another says %d", i, r.K, r.Window, r.Context, context)
		}
		contexts[c] = r.Context
	}
	return nil
}

// save writes rows as one part and indexes it. All rows of a request must be in the
// same part.
func (s *Store) save(rows []row) error {
	if s.run == nil {
		return errors.New("the run was opened for reading")
	}
	if len(rows) == 0 {
		return nil
	}
	content, err := encodePart(s.key, rows)
	if err != nil {
		return fmt.Errorf("encoding scores: %w", err)
	}
	name := fmt.Sprintf("part-%06d-%s.parquet", s.next, contentHash(content))
	s.next++
	if err := atomicfile.WriteBytes(filepath.Join(s.dir, rundir.Scores, name), 0o644, content); err != nil {
		return fmt.Errorf("%w (scores saved so far are kept: run the same command again)", err)
	}
	refs, err := decodePart(content, s.key)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return s.index(name, refs)
}

// Dir is the run directory.
func (s *Store) Dir() string { return s.dir }

// Key is the key of the scores.
func (s *Store) Key() Key { return s.key }

// Warnings are caveats about the run directory.
func (s *Store) Warnings() []info.Warning { return s.warnings }

// Scored reports whether request number window (the window's joint and
// marginal passes, and the cross passes that use it as context) is saved.
func (s *Store) Scored(window int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.places[window*s.key.Plan.slots()].file != 0
}

// Complete reports whether every pass is saved.
func (s *Store) Complete() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(s.places, func(p place) bool { return p.file == 0 })
}

// lacking keeps the rows whose passes are not saved. Of a request that was saved before
// the run was extended, those are the cross passes of windows that came later.
func (s *Store) lacking(rows []row) []row {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(rows, func(r row) bool {
		slot, _ := s.key.Plan.slot(pass(r.Pass), int(r.Split), int(r.K))
		return s.places[int(r.Window)*s.key.Plan.slots()+slot].file != 0
	})
}

// Done is the number of saved requests, of Key().Count.
func (s *Store) Done() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}
