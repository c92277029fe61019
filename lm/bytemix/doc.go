// Package bytemix is the built-in predictor: a context-mixing model of bytes
// that learns while it predicts and needs nothing to download.
//
// Every byte is predicted as eight binary decisions. Some twenty contexts (the
// last one to eight bytes, the current word with the words before it, sparse
// and indirect contexts, the place in the line, what an earlier occurrence of
// the present context was followed by) each keep, for every decision, a short
// history of the bits seen there; adaptive maps turn histories into
// probabilities; a gated network of logistic mixers weighs them; adaptive
// probability maps correct the result. The architecture follows the PAQ
// family (Mahoney, "Adaptive weighing of context models for lossless data
// compression", Florida Tech report CS-2005-16); the code is our own.
//
// Input are tokens below 256, output natural logarithms of probabilities in
// nats. The probability of a byte is the product of its eight binary
// probabilities, each an integer between 1 and 65535 over 65536, so the 256
// values sum to one exactly and none is zero. All arithmetic on the way is in
// integers: scores are the same on every machine.
//
// A request starts from the trained state (Train) or from nothing (New), with
// no context, and leaves no trace: everything it overwrites is journaled and
// taken back, at a cost proportional to the bytes scored. Branches that leave
// at the same place share the prefix.
package bytemix
