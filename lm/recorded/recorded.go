// Package recorded makes a model of log-probabilities that were computed elsewhere and
// come as arrays: one row for each window.
//
//  1. Read reads .npy, .npz, CSV and Parquet files and checks every value.
//  2. The windows that Recording.Windows returns hold no text: the token at position t of
//     window i is the number i·Length + t, which says where its log-probability stands.
//  3. Recording is a model of these windows, which looks up what it is asked for. So
//     planning, storing and estimating are the same as with any other model.
package recorded

import (
	"context"
	"fmt"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// Recording holds the log-probabilities of windows.
type Recording struct {
	Length   int     // tokens per window
	Clusters []int   // of each window: the number of its document, from 0
	Splits   []int   // at which there are marginal passes; all dyadic ones if there are none
	MaxRatio int     // largest L/ℓ to which marginal and cross passes reach
	Marginal bool    // there are marginal passes
	Partners [][]int // of each window, those whose beginnings were its cross contexts; nil without
	Bytes    int64   // of text in the windows; 0 if not known
	Text     string  // identifies the text, as far as it is known
	Known    bool    // the file says which text it is
	Warnings []info.Warning

	model    lm.Info
	joint    []float32      // [window·Length + position]
	marginal map[int]passes // by ℓ: one pass for each window
	cross    map[int]passes // by ℓ: Cross passes for each window
	index    map[[2]int]int // (window, context window) → k
}

// passes are rows of one width.
type passes struct {
	values []float32
	width  int
}

// row is the i-th pass.
func (p passes) row(i int) []float32 { return p.values[i*p.width : (i+1)*p.width] }

// Cross is the number of cross contexts per window.
func (r *Recording) Cross() int {
	if len(r.Partners) == 0 {
		return 0
	}
	return len(r.Partners[0])
}

// Count is the number of windows.
func (r *Recording) Count() int { return len(r.Clusters) }

// Window is the i-th window: Length numbers that say where their log-probabilities stand.
func (r *Recording) Window(i int) []token.ID {
	w := make([]token.ID, r.Length)
	for t := range w {
		w[t] = token.ID(i*r.Length + t)
	}
	return w
}

// Info describes the model; its fingerprint is that of the file's values.
func (r *Recording) Info() lm.Info { return r.model }

// LogProbs looks up the passes of a plan over r's windows.
func (r *Recording) LogProbs(_ context.Context, q lm.Request[token.ID]) (lm.Scores, error) {
	var s lm.Scores
	own, from := -1, 0
	if len(q.Tokens) > 0 {
		own, from = r.place(q.Tokens[0])
		if from != 0 || len(q.Tokens) > r.Length {
			return s, fmt.Errorf("tokens %d to %d of window %d were not recorded as a pass", from, from+len(q.Tokens), own)
		}
		s.Tokens = r.joint[own*r.Length:][:len(q.Tokens)]
	}
	for _, b := range q.Branches {
		window, ell := r.place(b.Tokens[0])
		pass, row := r.marginal[ell], window
		if b.At > 0 {
			k, known := r.index[[2]int{window, own}]
			if !known || b.At != ell {
				return s, fmt.Errorf("window %d after %d tokens of window %d was not recorded", window, b.At, own)
			}
			pass, row = r.cross[ell], window*r.Cross()+k
		}
		if len(b.Tokens) > pass.width {
			return s, fmt.Errorf("%d tokens after position %d of window %d: only %d were recorded", len(b.Tokens), ell, window, pass.width)
		}
		s.Branches = append(s.Branches, pass.row(row)[:len(b.Tokens)])
	}
	return s, nil
}

// place is the window and position of a token.
func (r *Recording) place(t token.ID) (window, position int) {
	return int(t) / r.Length, int(t) % r.Length
}
