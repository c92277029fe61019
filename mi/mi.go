// Package mi turns statistics into nats: bipartite mutual information from
// log-probabilities, entropies and two-point mutual information from counts.
//
// # Bipartite mutual information
//
// [Collect] reads the scored windows of a [Source] once and keeps sums per cluster
// (document), from which [Statistics] computes:
//
//   - Series: one estimator at one ratio r = L/ell, all splits ell, with
//     standard errors, the covariance over splits, and the sums themselves for
//     the bootstrap;
//   - Triangle: I(ell; L) over ell at the full window length, and its peak;
//   - Loss: mean loss per token and by position.
//
// See docs/method.md for formulas. Every mean is a ratio Σ_c S_c / Σ_c N_c of sums over
// clusters c (S_c over the cluster's windows, N_c their number); its covariance is that
// of a ratio estimator with D clusters,
//
//	Cov[i][j] = D/(D−1) · Σ_c (S_ci − θ_i·N_c)·(S_cj − θ_j·N_c) / (Σ_c N_c)²,
//
// which is valid for any dependence within clusters. Cost: one pass over the
// log-probabilities, and per cluster about eight numbers per split, ratio and kind of
// pass.
//
// # Information from counts
//
// [Entropy] estimates an entropy from a histogram of counts, [TwoPoint] the mutual
// information of pairs from three of them. Package law/decay fits how that falls with
// distance.
//
// All information is in nats, all lengths are in tokens.
package mi

import "github.com/l2m-lab/l2m/info"

// Estimator names an estimator of bipartite mutual information
// (formulas: docs/method.md).
type Estimator string

// The estimators. X is a window's first ell tokens, Y the (r−1)·ell that
// follow, r = L/ell the ratio.
const (
	Direct Estimator = "direct" // E ln q(Y|X) − E ln q(Y'), Y' from other documents [L²M, eq. 4]
	Paired Estimator = "paired" // ★ the same with Y' = Y: same mean, far smaller variance
	// The same two for models that take Y for the beginning of a document, because of a
	// beginning-of-sequence token: four fifths of the loss of the first one or two
	// tokens are replaced by their n-gram entropy [L²M, appendix on BOS].
	Direct1Gram Estimator = "direct-1gram"
	Direct2Gram Estimator = "direct-2gram"
	Paired1Gram Estimator = "paired-1gram"
	Paired2Gram Estimator = "paired-2gram"
	Block       Estimator = "block"         // ★ differences of cumulative loss of the joint pass alone
	VCLUB       Estimator = "vclub"         // E ln q(Y|X) − E ln q(Y|X'), X' from other documents: I plus lautum information at q = p
	Auxiliary   Estimator = "auxiliary"     // ★ E ln q(Y|X) − E ln mean_k q(Y|X_k), X_k from other documents
	InfoNCE     Estimator = "infonce"       // as auxiliary, with the true X among the K: lower bound, at most ln K
	LeaveOneOut Estimator = "leave-one-out" // the same numbers as auxiliary; the name of the bound when q(y|x) is exact

	// Given marks estimates made elsewhere; it is not in Estimators.
	Given Estimator = "given"
)

// Name is the name of the estimator as people write it. (Its value is what options and
// files have.)
func (e Estimator) Name() string {
	switch e {
	case VCLUB:
		return "vCLUB"
	case InfoNCE:
		return "InfoNCE"
	}
	return string(e)
}

// Estimators returns all estimators in the order of reports.
func Estimators() []Estimator {
	return []Estimator{Paired, Paired2Gram, Paired1Gram, Direct, Direct2Gram, Direct1Gram, Block, VCLUB, Auxiliary, InfoNCE, LeaveOneOut}
}

// Window is a scored window, as estimators see it: natural log-probabilities. Maps are
// keyed by the split ell; a nil entry means that the pass was not scored.
type Window struct {
	Cluster  int                 // resampling unit: document, or block of a single document
	Joint    []float32           // ln q(w_t | w_<t), t = 1..L
	Marginal map[int][]float32   // ln q(Y_t | Y_<t) from a fresh start: Y = w[ell:], as many tokens as were scored
	Cross    map[int][][]float32 // [k]: ln q(Y_t | X_k, Y_<t), X_k = first ell tokens of the k-th partner window
}

// Source yields scored windows in a fixed order. The Window is only valid during the
// call of yield.
type Source interface {
	Length() int // tokens per window
	Each(yield func(Window) error) error
}

// Point is one estimate of a series: I(X;Y) for |X| = Ell in a window of
// Length tokens.
type Point struct {
	Ell     int       `json:"ell"`
	Length  int       `json:"length"`
	Value   info.Nats `json:"nats"`
	SE      info.Nats `json:"se,omitempty"` // cluster-robust standard error; unknown (0, omitted) with fewer than two clusters, four for Direct
	Windows int       `json:"windows"`
	// Interval is a 95 % bootstrap interval over clusters, in nats; nil with fewer than
	// stats.LeastClusters clusters, from which none would hold what it says.
	Interval *info.Interval `json:"interval,omitempty"`
}

// Series is one estimator at one ratio over all dyadic splits.
type Series struct {
	Estimator Estimator      `json:"estimator"`
	Ratio     int            `json:"ratio"`
	K         int            `json:"k,omitempty"` // contexts in the mean, if there is one (InfoNCE: including the true one)
	Clusters  int            `json:"clusters"`
	Points    []Point        `json:"points"`             // sorted by ell; empty if the estimator is not available
	Cov       [][]float64    `json:"cov,omitempty"`      // covariance of Points over splits, nats², clustered; nil when SE is unknown
	Doubling  []KEstimate    `json:"doubling,omitempty"` // auxiliary, leave-one-out: the estimate at K = 1, 2, 4, …
	Warnings  []info.Warning `json:"warnings,omitempty"`

	// Sufficient statistics for the cluster bootstrap: a resample with cluster
	// multiplicities m has estimates Σ m_c·Sums[c][p] / Σ m_c·Counts[c][p].
	// All series of one Statistics have the same clusters in the same order
	// (Statistics.Clusters), so estimators can be compared draw by draw. Direct
	// is a difference of two such ratios over disjoint halves of the clusters; its sums
	// are linearised about the estimate, and nil if the standard error of Direct is
	// unknown (fewer than four clusters).
	Sums   [][]float64 `json:"-"` // [cluster][point]
	Counts [][]float64 `json:"-"` // [cluster][point]
}

// KEstimate is an estimate with a mean over fewer contexts, which shows the bias due to
// a finite K.
type KEstimate struct {
	K      int         `json:"k"`
	Values []info.Nats `json:"nats"` // by point
}
