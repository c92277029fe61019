// Package compare compares scored runs of several models: on the same windows, or, if
// their tokenizers differ, on the same documents.
//
// Input is what mi sums per cluster (document); output is differences with
// intervals from resampling the clusters, and the length of context at which a
// model stops gaining.
//
// # Where a model stops gaining
//
// A model that uses no more than W tokens of context gains nothing from a past
// longer than W: I(ell; 2·ell), as it sees it, is the same for every ell ≥ W. So
// its estimates are fitted by a curve that is free up to some ell_k and constant
// from there on, and k is chosen to minimise
//
//	χ²_k + k·ln n,
//
// with χ²_k the misfit of the constant to the estimates from ell_k on, by
// generalised least squares with their covariance, and n the number of documents
// (BIC [Schwarz 1978]). As the covariance is itself estimated from n documents,
// the misfit of q differences is scaled by (n−q)/(n−1), as in Hotelling's T². k = last
// means that no end of the gain was found.
//
// Where between two lengths the end lies follows from the shape of the bend ★. Let the
// loss at t tokens of context be h + a·t^(β−1) up to t = W and constant from there on.
// With S(n) = Σ_{t≤n} of the excess, I(ell; 2·ell) = 2·S(ell) − S(2·ell), so that in
// units of a·W^β, with x = ell/W, it is
//
//	x^β·(2 − 2^β)/β            for x ≤ 1/2,
//	(2·x^β − 1)/β − (2x − 1)   for 1/2 ≤ x ≤ 1,
//	1/β − 1                    from there on.
//
// The curve leaves its power law at W/2, and a line through its rise meets the constant
// at 0.72·W to 0.74·W, whatever β is. W is therefore solved for from the last two rising
// points and the constant. The interval comes from repeating all of it on resampled
// documents.
package compare
