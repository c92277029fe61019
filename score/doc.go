// Package score decides which log-probabilities an estimate of bipartite mutual
// information needs ([Plan]), gets them from a model ([Run]) and keeps them in a run
// directory ([Store]), which survives being killed at any time.
//
//  1. [NewPlan] lists the splits ell = 2, 4, 8, … of a window of Length tokens
//     and what is scored at each: the joint pass over the whole window once,
//     and per split a marginal pass and Cross cross passes over
//     Y = w[ell : r·ell] only, where r is the largest ratio in use: (r−1)·ell
//     tokens instead of Length.
//  2. [Open] opens or resumes a run. Its [Key] is everything that determines the
//     numbers; a run with another key is refused.
//  3. [Run] turns every window into one request to the model: the window itself,
//     its marginal branches, and the cross branches for which it is the context,
//     so that shared prefixes are scored once. It spreads the requests over
//     workers, checks every answer and saves finished requests as immutable
//     Parquet parts (format: docs/format.md).
//     [Offline] does the same with answers from elsewhere: it lists every request
//     as separate sequences and accepts their log-probabilities in any order and
//     in several sessions.
//  4. [Store.Source] yields the windows in index order to the estimators of
//     package mi.
//
// Log-probabilities are natural logarithms (nats), lengths are in tokens. Memory: the
// requests in flight, one unsaved part (16 MB; about three times that while it is
// encoded), and an index of 8 bytes per pass of a window.
package score
