// Package count counts pairs of tokens at given distances, for two-point
// mutual information, over corpora larger than memory.
//
// Input is a stream of documents of token ids; output is, per distance d, the
// histogram of the counts of the pairs (w_i, w_{i+d}) and of their left and
// right tokens: how many distinct pairs were seen once, twice, and so on.
// Entropy estimators need no more than that. Pairs never cross the end of a
// document. Counts are exact unless a sample of the documents is asked for,
// which the result then says.
//
// Two ways of counting give the same histograms:
//
//   - Small vocabularies (bytes, proteins, short DNA words) have one table of
//     V² cells per distance and document block, filled while reading.
//   - Other vocabularies are counted grouped by the right token. A chunk of the
//     corpus is kept as an array; the positions of every token in it are sorted
//     once and serve all distances. For distance d and right token b, the
//     tokens at p−d over the positions p of b are counted in an array with one
//     cell per token: no keys, no hashing, no table of pairs. Tokens are
//     numbered by descending frequency, so that the cells in use share few
//     cache lines. Memory is 9 bytes per token of the chunk. When the corpus
//     does not fit into Options.Memory, every chunk leaves a run of its
//     distinct pairs with their counts in Options.SpillDir (about 1 byte per
//     pair of tokens), and the runs are merged group by group in the same way.
//
// The work is linear in tokens × distances, and is shared by all cores. The
// result does not depend on the number of cores, the memory limit, or whether
// anything was spilled.
//
// [Shuffled] counts pairs of the same marginals that are independent by
// construction; what an estimator makes of them is its bias.
package count
