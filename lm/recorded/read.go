package recorded

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/npy"
	"github.com/l2m-lab/l2m/lm"
)

// Options say how to read.
type Options struct {
	Length  int  // tokens per window, a power of two; 0 means the largest that fits
	Bits    bool // logarithms are to the base 2
	Density bool // values are logarithms of densities, which may be above 0
}

// arrays are the contents of a file, by name in .npz files:
//
//	logprobs     [window, L], or [values] with lengths: ln q(w_t | w_<t) from a fresh start
//	lengths      [document]: how many of the values are each document's
//	document     [window]: which windows are of one document
//	bytes        [window], or [window, L]: of text
//	tokens       as logprobs: which text was scored
//	marginal_ℓ   [window, ≥ ℓ]: ln q(w_t | w_ℓ…w_t−1), the second part from a fresh start
//	cross_ℓ      [window, K, ≥ ℓ]: the same after the first ℓ tokens of other windows
//	partners     [window, K]: which windows those were
type arrays struct {
	floats map[string]floats
	whole  map[string]ints
}

type floats struct {
	shape  []int
	values []float32
}

type ints struct {
	shape  []int
	values []int64
}

var (
	known     = []string{"logprobs", "lengths", "document", "bytes", "tokens", "partners"}
	splitName = regexp.MustCompile(`^(marginal|cross)_([0-9]{1,9})$`)
	wholeName = []string{"lengths", "document", "bytes", "tokens", "partners"}
)

// Read reads a file of log-probabilities: .npy, .npz, or a table (CSV or Parquet).
func Read(path string, o Options) (*Recording, error) {
	r, err := read(path, o)
	if err != nil {
		return nil, fmt.Errorf("reading the log-probabilities in %s: %w", path, err)
	}
	return r, nil
}

func read(path string, o Options) (*Recording, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var start [6]byte
	n, err := f.ReadAt(start[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var a arrays
	switch head := string(start[:n]); {
	case head == "\x93NUMPY":
		a, err = readArray(f, st.Size())
	case strings.HasPrefix(head, "PK\x03\x04"):
		a, err = readArchive(path)
	case strings.HasPrefix(head, "PAR1"):
		a, err = readParquet(f, st.Size())
	case n == 0:
		err = errors.New("it is empty")
	default:
		a, err = readCSV(f)
	}
	if err != nil {
		return nil, err
	}
	r, err := a.recording(o)
	if err != nil {
		return nil, err
	}
	r.model.Name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return r, nil
}

func readArray(f *os.File, size int64) (a arrays, err error) {
	h, err := npy.ReadHeader(f)
	if err != nil {
		return a, err
	}
	values, err := npy.ReadFloats(f, h, size)
	if err != nil {
		return a, err
	}
	a.floats = map[string]floats{"logprobs": {h.Shape, values}}
	return a, nil
}

// readArchive reads the known arrays; others are refused, to catch misspelt names.
func readArchive(path string) (arrays, error) {
	a := arrays{map[string]floats{}, map[string]ints{}}
	z, err := npy.OpenArchive(path)
	if err != nil {
		return a, err
	}
	defer z.Close()
	for _, stored := range z.Names() {
		name := stored
		if name == "joint" {
			name = "logprobs"
		}
		if !slices.Contains(known, name) && !splitName.MatchString(name) {
			return a, fmt.Errorf("it has an array %q, which l2m does not know (%s, marginal_8, cross_8, …)", stored+".npy", strings.Join(known, ", "))
		}
		if slices.Contains(wholeName, name) {
			shape, values, err := z.Ints(stored)
			if err != nil {
				return a, err
			}
			a.whole[name] = ints{shape, values}
			continue
		}
		shape, values, err := z.Floats(stored)
		if err != nil {
			return a, err
		}
		a.floats[name] = floats{shape, values}
	}
	return a, nil
}

// recording checks the arrays and every value, and arranges them in windows.
func (a arrays) recording(o Options) (*Recording, error) {
	all, ok := a.floats["logprobs"]
	if !ok {
		return nil, errors.New("it has no array logprobs")
	}
	r := &Recording{MaxRatio: 4, marginal: map[int]passes{}, cross: map[int]passes{}, index: map[[2]int]int{}}
	for name, x := range a.floats {
		if err := check(name, x, o); err != nil {
			return nil, err
		}
	}
	l, err := a.layout(all)
	if err != nil {
		return nil, err
	}
	if err := r.take(all, &l, o); err != nil {
		return nil, err
	}
	if err := a.clusters(r, l); err != nil {
		return nil, err
	}
	if err := a.conditional(r); err != nil {
		return nil, err
	}
	if float64(r.Count())*float64(r.Length) > math.MaxUint32 {
		return nil, fmt.Errorf("%d windows of %d tokens are more than 2³²: split the file", r.Count(), r.Length)
	}
	r.identify(a)
	r.model.BOS, r.model.Density = lm.NoBOS, o.Density
	return r, nil
}

// layout has the positions of the rows of logprobs.
type layout struct {
	starts, lengths []int // of each row
	used            []int // rows that are long enough
}

func (a arrays) layout(all floats) (l layout, err error) {
	counts, ragged := a.whole["lengths"]
	switch {
	case ragged && len(all.shape) != 1:
		return l, fmt.Errorf("with lengths, logprobs has one dimension, not %d", len(all.shape))
	case ragged:
		total := 0
		for i, n := range counts.values {
			if n < 0 || n > int64(len(all.values)-total) {
				return l, fmt.Errorf("lengths[%d] is %d, but logprobs has %d values in all", i, n, len(all.values))
			}
			l.starts, l.lengths = append(l.starts, total), append(l.lengths, int(n))
			total += int(n)
		}
		if total != len(all.values) {
			return l, fmt.Errorf("lengths add up to %d, but logprobs has %d values", total, len(all.values))
		}
	case len(all.shape) != 2:
		return l, fmt.Errorf("logprobs has the shape %v: one row for each window is wanted, (windows, L)", all.shape)
	default:
		for i := range all.shape[0] {
			l.starts, l.lengths = append(l.starts, i*all.shape[1]), append(l.lengths, all.shape[1])
		}
	}
	if len(l.lengths) == 0 {
		return l, errors.New("it has no windows")
	}
	return l, nil
}

// take sets the joint passes: the first Length values of each row that is long enough.
func (r *Recording) take(all floats, l *layout, o Options) (err error) {
	if r.Length, err = length(l.lengths, o.Length); err != nil {
		return err
	}
	for i, n := range l.lengths {
		if n >= r.Length {
			l.used = append(l.used, i)
		}
	}
	if r.joint = all.values; len(l.used)*r.Length != len(all.values) {
		r.joint = make([]float32, 0, len(l.used)*r.Length)
		for _, i := range l.used {
			r.joint = append(r.joint, all.values[l.starts[i]:][:r.Length]...)
		}
	}
	r.Warnings = append(r.Warnings, cut(l.lengths, r.Length, len(l.used))...)
	return nil
}

// length chooses the window length: the largest power of two up to the median length of
// rows.
func length(rows []int, asked int) (int, error) {
	sorted := slices.Sorted(slices.Values(rows))
	longest := sorted[len(sorted)-1]
	switch {
	case asked > longest:
		return 0, fmt.Errorf("--length %d: the longest row has %s", asked, info.Plural(longest, "value"))
	case asked > 0:
		return asked, nil
	}
	median := sorted[len(sorted)/2]
	if median < 4 {
		return 0, fmt.Errorf("rows have %s; 4 are the least that can be cut in two", info.Plural(median, "value"))
	}
	return 1 << (bits.Len(uint(median)) - 1), nil
}

// cut warns about values that are not used.
func cut(rows []int, length, used int) []info.Warning {
	var w []info.Warning
	if n := len(rows) - used; n > 0 {
		w = append(w, info.Warning{
			Code: "short-rows", Text: fmt.Sprintf("%d of %s are shorter than %d tokens and are not used", n, info.Plural(len(rows), "row"), length),
			Fix: "choose shorter windows (--length)",
		})
	}
	if longest := slices.Max(rows); longest == 2*length-1 {
		w = append(w, info.Warning{
			Code: "one-short", Text: fmt.Sprintf("rows have %d values, one less than a power of two, so only the first %d are used", longest, length),
			Fix: "put the model's beginning-of-sequence token before every window, so that its first token has a probability too",
		})
	} else if longest > length {
		w = append(w, info.Warning{Code: "cut-rows", Text: fmt.Sprintf("rows have up to %d values; the first %d of each are used, a power of two", longest, length)})
	}
	return w
}

// clusters numbers the documents of the rows in use, and counts their bytes.
func (a arrays) clusters(r *Recording, l layout) error {
	doc, given := a.whole["document"]
	if given && len(doc.values) != len(l.starts) {
		return fmt.Errorf("document has %s, and there are %s", info.Plural(len(doc.values), "value"), info.Plural(len(l.starts), "row"))
	}
	numbers := map[int64]int{}
	for _, i := range l.used {
		name := int64(i)
		if given {
			name = doc.values[i]
		}
		if _, seen := numbers[name]; !seen {
			numbers[name] = len(numbers)
		}
		r.Clusters = append(r.Clusters, numbers[name])
	}
	if !given {
		r.Warnings = append(r.Warnings, info.Warning{
			Code: "documents-unknown", Text: "every row is taken for a document of its own: if several are of one document, the intervals are too narrow",
			Fix: "add the array document, a number for each row",
		})
	}
	if b, ok := a.whole["bytes"]; ok {
		return r.count(b, len(a.floats["logprobs"].values), l)
	}
	return nil
}

// count adds up the bytes of text in the windows. b has the bytes of each of all
// tokens, or of each row if rows are windows.
func (r *Recording) count(b ints, tokens int, l layout) error {
	whole := !slices.ContainsFunc(l.lengths, func(n int) bool { return n != r.Length })
	each := len(b.values) == tokens
	if !each && !(whole && len(b.values) == len(l.starts)) {
		return fmt.Errorf("bytes has the shape %v for %s, of which %d tokens are used: give the bytes of each token", b.shape, info.Plural(len(l.starts), "row"), r.Length)
	}
	for _, i := range l.used {
		values := b.values[i:]
		if each {
			values = b.values[l.starts[i]:][:r.Length]
		} else {
			values = values[:1]
		}
		for _, n := range values {
			if n < 0 || n > 1<<40 {
				return fmt.Errorf("bytes of row %d: %d", i, n)
			}
			r.Bytes += n
		}
	}
	return nil
}

// conditional sets the marginal and cross passes.
func (a arrays) conditional(r *Recording) error {
	partners, hasPartners := a.whole["partners"]
	splits := map[string][]int{}
	for name, x := range a.floats {
		m := splitName.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		ell, err := strconv.Atoi(m[2])
		if err != nil || ell < 2 || bits.OnesCount(uint(ell)) != 1 {
			return fmt.Errorf("%s: the cut is a power of two from 2", name)
		}
		if x.shape == nil || x.shape[0] != r.Count() {
			return fmt.Errorf("%s has the shape %v, and %s are used: passes need rows of one length, one for each window", name, x.shape, info.Plural(r.Count(), "window"))
		}
		if 2*ell > r.Length {
			continue // for longer windows than these
		}
		width := x.shape[len(x.shape)-1]
		if width < ell {
			return fmt.Errorf("%s has %d columns: the %d tokens after the cut are the least", name, width, ell)
		}
		for r.MaxRatio > 2 && width < (min(r.MaxRatio, r.Length/ell)-1)*ell {
			r.MaxRatio--
		}
		splits[m[1]] = append(splits[m[1]], ell)
		switch m[1] {
		case "marginal":
			if len(x.shape) != 2 {
				return fmt.Errorf("%s has the shape %v: (windows, tokens) is wanted", name, x.shape)
			}
			r.marginal[ell] = passes{x.values, width}
		case "cross":
			if !hasPartners || len(partners.shape) != 2 || len(x.shape) != 3 || x.shape[1] != partners.shape[1] {
				return fmt.Errorf("%s has the shape %v: (windows, K, tokens) is wanted, and partners (windows, K), which say whose first %d tokens came before", name, x.shape, ell)
			}
			r.cross[ell] = passes{x.values, width}
		}
	}
	for kind := range splits {
		slices.Sort(splits[kind])
	}
	marginal, cross := splits["marginal"], splits["cross"]
	switch {
	case len(marginal) > 0 && len(cross) > 0 && !slices.Equal(marginal, cross):
		return fmt.Errorf("marginal passes are cut at %v and cross passes at %v: give both at the same cuts", marginal, cross)
	case len(cross) > 0:
		r.Splits = cross
	default:
		r.Splits = marginal
	}
	r.Marginal = len(marginal) > 0
	if len(cross) > 0 {
		return r.pair(partners)
	}
	return nil
}

// pair sets the windows that were the contexts.
func (r *Recording) pair(partners ints) error {
	k := partners.shape[1]
	if partners.shape[0] != r.Count() {
		return fmt.Errorf("partners has %d rows for %s", partners.shape[0], info.Plural(r.Count(), "window"))
	}
	for i := range r.Count() {
		var row []int
		for c, p := range partners.values[i*k:][:k] {
			if p < 0 || p >= int64(r.Count()) {
				return fmt.Errorf("partners[%d, %d] is %d, and windows are 0 to %d", i, c, p, r.Count()-1)
			}
			key := [2]int{i, int(p)}
			if _, twice := r.index[key]; twice {
				return fmt.Errorf("partners[%d, %d] is %d for the second time", i, c, p)
			}
			if r.Clusters[i] == r.Clusters[p] {
				return fmt.Errorf("partners[%d, %d] is %d, a window of the same document, whose text may depend on it", i, c, p)
			}
			r.index[key] = c
			row = append(row, int(p))
		}
		r.Partners = append(r.Partners, row)
	}
	return nil
}

// identify derives fingerprints of the text and the model from the file.
func (r *Recording) identify(a arrays) {
	text := sha256.New()
	writeInt(text, int64(r.Length), int64(r.Count()))
	for _, c := range r.Clusters {
		writeInt(text, int64(c))
	}
	if tokens, ok := a.whole["tokens"]; ok {
		r.Known = true
		writeInt(text, tokens.values...)
	}
	r.Text = "recorded:" + hex.EncodeToString(text.Sum(nil)[:16])
	values := sha256.New()
	write(values, r.joint)
	for _, ell := range r.Splits {
		writeInt(values, int64(ell))
		write(values, r.marginal[ell].values)
		write(values, r.cross[ell].values)
	}
	r.model.Fingerprint = "recorded:" + hex.EncodeToString(values.Sum(nil)[:16])
}

func writeInt(h hash.Hash, values ...int64) {
	var b [8]byte
	for _, v := range values {
		binary.LittleEndian.PutUint64(b[:], uint64(v))
		h.Write(b[:])
	}
}

func write(h hash.Hash, values []float32) {
	buf := make([]byte, 0, 1<<16)
	for len(values) > 0 {
		n := min(len(values), 1<<14)
		buf = buf[:0]
		for _, v := range values[:n] {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
		h.Write(buf)
		values = values[n:]
	}
}
