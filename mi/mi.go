// Package mi turns statistics into nats: bipartite mutual information from
// log-probabilities, entropies and two-point mutual information from counts.
package mi

import "github.com/l2m-lab/l2m/info"

// Estimator names an estimator of bipartite mutual information
// (formulas: docs/method.md).
type Estimator string

// The estimators. X is a window's first ell tokens, Y the (r−1)·ell that
// follow, r = L/ell the ratio.
const (
	Direct      Estimator = "direct"        // E ln q(Y|X) − E ln q(Y'), Y' from other documents [L²M, eq. 4]
	Paired      Estimator = "paired"        // the same with Y' = Y: same mean, far smaller variance
	Block       Estimator = "block"         // differences of cumulative loss of the joint pass alone
	VCLUB       Estimator = "vclub"         // E ln q(Y|X) − E ln q(Y'|X): I plus lautum information at q = p
	Auxiliary   Estimator = "auxiliary"     // E ln q(Y|X) − E ln mean_k q(Y|X_k), X_k from other documents
	InfoNCE     Estimator = "infonce"       // as auxiliary, with the true X among the K: lower bound, at most ln K
	LeaveOneOut Estimator = "leave-one-out" // as auxiliary; the name of the bound when q(y|x) is exact
)

// Window is what an estimator may read of one scored window: natural
// log-probabilities. Maps are keyed by the split ell; a nil entry means that
// the pass was not scored.
type Window struct {
	Cluster  int                 // resampling unit: document, or block of a single document
	Joint    []float32           // ln q(w_t | w_<t), t = 1..L
	Marginal map[int][]float32   // ln q(Y_t | Y_<t) from a fresh start: Y = w[ell:], as many tokens as were scored
	Cross    map[int][][]float32 // [k]: ln q(Y_t | X_k, Y_<t), X_k = first ell tokens of the k-th partner window
}

// Source yields scored windows in a fixed order. yield's Window is only valid
// during the call.
type Source interface {
	Length() int // tokens per window
	Each(yield func(Window) error) error
}

// Estimate is one point of a series: I(X;Y) for |X| = Ell in a window of
// Length tokens.
type Estimate struct {
	Ell     int       `json:"ell"`
	Length  int       `json:"length"`
	Value   info.Nats `json:"nats"`
	SE      info.Nats `json:"se"` // cluster-robust standard error
	Windows int       `json:"windows"`
}

// Series is one estimator at one ratio over all dyadic splits.
type Series struct {
	Estimator Estimator      `json:"estimator"`
	Ratio     int            `json:"ratio"`
	K         int            `json:"k,omitempty"` // number of cross contexts, where used
	Clusters  int            `json:"clusters"`
	Points    []Estimate     `json:"points"`
	Cov       [][]float64    `json:"cov"` // covariance of Points over splits, nats², clustered
	Warnings  []info.Warning `json:"warnings,omitempty"`

	// Sufficient statistics for the cluster bootstrap: a resample with cluster
	// multiplicities m has estimates Σ m_c·Sums[c][p] / Σ m_c·Counts[c][p].
	Sums   [][]float64 `json:"-"` // [cluster][point]
	Counts [][]float64 `json:"-"` // [cluster][point]
}
