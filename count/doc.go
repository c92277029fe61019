// Package count counts pairs of tokens at given distances, for two-point mutual
// information, over corpora larger than memory.
//
// The input is a stream of documents of token ids. The output is, per distance d, the
// histogram of the counts of the pairs (w_i, w_{i+d}) and of their left and right
// tokens: how many distinct pairs were seen once, twice, and so on. Entropy estimators
// need no more. Pairs never cross the end of a document. Counts are exact unless
// Options.Sample asks for a sample.
//
// There are two ways of counting, which give the same histograms:
//
//   - Small vocabularies (bytes, proteins, short DNA words) have one table of
//     V² cells per distance and block, filled while reading.
//   - Other vocabularies are grouped by the right token. The positions of every
//     token in a chunk of the corpus are sorted once for all distances. For
//     distance d and right token b, the tokens at p−d over the positions p of b
//     are counted in an array with one cell per token, without hashing. Tokens
//     are numbered by descending frequency, so that the cells in use share few
//     cache lines. Memory is 9 bytes per token of the chunk. If the corpus does
//     not fit into Options.Memory, every chunk writes a run file of its distinct
//     pairs and their counts to Options.SpillDir (about 1 byte per pair of
//     tokens), and the runs are merged group by group in the same way.
//
// The work is linear in tokens × distances and shared by all cores. The result does not
// depend on the number of cores, the memory limit, or whether anything was spilled.
//
// [Shuffled] counts pairs with the same marginals that are independent by construction:
// an estimate from those is the estimator's bias.
package count
