// Package process has random processes whose information is known exactly, and an exact
// model of each, so that an estimator can be tested on it without model error.
//
//  1. A [Process] is made by its constructor ([NewPowerGaussian], [NewHierarchical],
//     [NewSantaFe], …) or from a one-line name with [Parse]:
//     "powergauss:beta=0.76,signs=random".
//  2. Sample and [Samples] draw sequences from an explicit seed.
//  3. Model is the exact ln p(token | past) as an lm.Model: tokens are
//     token.ID, float64 or []float64; log-probabilities of the latter two are
//     logarithms of densities.
//  4. BipartiteMI, TwoPointMI and EntropyRate are the exact values, and
//     [NewFrontier] computes how much of the information a state of k numbers can
//     carry.
//
// Formulas and their derivations: docs/processes.md. Information is in nats,
// lengths are in tokens, positions count from 0.
//
// # Cost
//
// Gaussian sequences of length L are sampled and scored in O(L²) time and O(L)
// memory (lattice filter, Durbin–Levinson), hierarchical Gaussian, Santa Fe,
// Markov and grammar sequences in O(L) time.
package process
