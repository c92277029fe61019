package score

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/l2m-lab/l2m/token"
)

// windowRow is one window in a file of windows (docs/format.md).
type windowRow struct {
	Cluster  int32   `parquet:"cluster"`
	Tokens   []int32 `parquet:"tokens,list"`
	Partners []int32 `parquet:"partners,list"`
}

// WriteWindows writes windows and their cross partners, one row each, as Parquet
// compressed by zstd: about 2 bytes per token. With the file, a run can be resumed
// without its documents.
func WriteWindows(w io.Writer, windows []Window[token.ID], partners [][]int) error {
	out := parquet.NewGenericWriter[windowRow](w, parquet.Compression(&parquet.Zstd), parquet.CreatedBy("l2m", Format, ""))
	for i, window := range windows {
		r := windowRow{Cluster: int32(window.Cluster), Tokens: make([]int32, len(window.Tokens))}
		for j, t := range window.Tokens {
			if uint64(t) > math.MaxInt32 {
				return fmt.Errorf("writing windows: window %d: token %d does not fit 31 bits", i, t)
			}
			r.Tokens[j] = int32(t)
		}
		if i < len(partners) {
			for _, p := range partners[i] {
				r.Partners = append(r.Partners, int32(p))
			}
		}
		if _, err := out.Write([]windowRow{r}); err != nil {
			return fmt.Errorf("writing windows: %w", err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("writing windows: %w", err)
	}
	return nil
}

// ReadWindows reads a file of WriteWindows and checks it against the key of its run.
func ReadWindows(content []byte, key Key) (windows []Window[token.ID], partners [][]int, err error) {
	defer func() { // parquet-go panics on some files with contradictory metadata
		if r := recover(); r != nil {
			windows, partners, err = nil, nil, fmt.Errorf("reading windows: not readable as Parquet: %v", r)
		}
	}()
	if err := checkFooterSize(content); err != nil {
		return nil, nil, fmt.Errorf("reading windows: %w", err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, nil, fmt.Errorf("reading windows: %w", err)
	}
	if f.NumRows() != int64(key.Count) {
		return nil, nil, fmt.Errorf("reading windows: there are %d, but the run has %d (this is the file of another run)", f.NumRows(), key.Count)
	}
	in := parquet.NewGenericReader[windowRow](f)
	defer in.Close()
	rows := make([]windowRow, 16)
	for {
		n, err := in.Read(rows)
		for _, r := range rows[:n] {
			w := Window[token.ID]{Cluster: int(r.Cluster), Tokens: make([]token.ID, len(r.Tokens))}
			for j, t := range r.Tokens {
				w.Tokens[j] = token.ID(t)
			}
			windows = append(windows, w)
			if key.Plan.Cross > 0 {
				p := make([]int, len(r.Partners))
				for j, x := range r.Partners {
					p[j] = int(x)
				}
				partners = append(partners, p)
			}
		}
		rows = slices.Repeat([]windowRow{{}}, len(rows)) // Read appends to the lists it is given
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, fmt.Errorf("reading windows: %w", err)
		}
	}
	// Without cross passes, partners may be nil or empty lists.
	for _, p := range [][][]int{partners, make([][]int, len(windows))} {
		if Fingerprint(windows, p) == key.Windows {
			return windows, p, nil
		}
	}
	return nil, nil, fmt.Errorf("reading windows: they are not those of the run: their SHA-256 differs (restore the file, or plan again)")
}
