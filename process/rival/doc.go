// Package rival holds estimators of mutual information from samples of pairs
// (x, y), without a model of the sequence: nearest neighbours (KSG), the
// Gaussian plug-in from canonical correlations (CCA), and the contrastive
// bounds InfoNCE and leave-one-out with a given critic. They are what l2m's own
// estimators are compared with (docs/calibration.md), on processes whose
// information is known.
//
// Values are in nats. Standard errors are those of a mean over the samples as
// if they were independent contributions: they say nothing about bias, which
// is what these estimators die of.
package rival

import "github.com/l2m-lab/l2m/info"

// Estimate is an estimate of I(X;Y).
type Estimate struct {
	Value   info.Nats
	SE      info.Nats // 0 where it is not known
	Samples int
}
