// Package train trains small sequence models on data whose information is known, and on
// text.
//
// A [Recipe] (model, data, optimiser, lengths, seed) gives weights as safetensors with
// a config.json, curves, and evaluations by length and position: the exact
// Kullback–Leibler divergence from the conditional law of a Gaussian process, the loss
// and the exact loss for a process of symbols, or the share of right answers in recall
// tasks.
//
// The result depends only on the recipe. Sequence i of step s is drawn from its own
// generator, the recipe determines how batches are cut into shards, and gradients are
// summed in the order of the shards: the weights do not depend on the number of workers
// or on interruptions.
package train
