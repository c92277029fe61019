// Package score decides which log-probabilities an estimate of bipartite
// mutual information needs (Plan), asks a model for them (Run) and keeps them
// in a run folder that survives being killed at any instant (Store).
//
//  1. NewPlan lists the splits ell = 2, 4, 8, … of a window of Length tokens
//     and what is scored at each: the joint pass over the whole window once,
//     and per split a marginal pass and Cross cross passes over
//     Y = w[ell : r·ell] only, r the largest ratio in use. That is (r−1)·ell
//     tokens where full-length passes would take Length each.
//  2. Open opens or continues a run folder. What determines its numbers is its
//     Key; a folder that was made with another key is refused.
//  3. Run turns every window into one request to the model (the window itself,
//     its marginal branches, and the cross branches for which it is the
//     context, so that shared prefixes are scored once), spreads the requests
//     over workers, checks every answer and saves finished requests as
//     immutable Parquet parts (format: docs/format.md).
//     Offline does the same with answers from elsewhere: it lists every request
//     as sequences that stand on their own, and takes their log-probabilities in
//     any order and in several sessions.
//  4. Store.Source yields the windows in index order to the estimators of
//     package mi, whatever order they were scored in and however they are
//     spread over parts.
//
// Log-probabilities are natural logarithms (nats), lengths are in tokens.
// Memory: the requests in flight, one unsaved part (16 MB; about three times
// that while it is encoded), and an index of 8 bytes per pass of a window.
package score
