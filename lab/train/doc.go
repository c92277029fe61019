// Package train trains small sequence models on data whose information is
// known, and on text.
//
// In: a Recipe (model, data, optimiser, lengths, seed) and a place for
// checkpoints. Out: weights as safetensors beside a config.json, curves, and
// evaluations by length and position: on a Gaussian process the exact
// Kullback–Leibler divergence from its conditional law, on a process of symbols
// the loss beside the exact one, on recall tasks the share of right answers.
//
// A run is a function of its recipe. Sequence i of step s is drawn from a
// generator of its own, batches are cut into shards in a way that only the
// recipe decides, and gradients are added up in the order of the shards: any
// number of workers gives the same weights, and so does a run that was killed
// and continued from its last checkpoint.
package train
