// Package bytemix is the built-in predictor: a context-mixing model of bytes
// that learns while it predicts and needs nothing to download.
//
// Every byte is predicted as eight binary decisions. Some twenty contexts (the last one
// to eight bytes, the current word with the words before it, sparse and indirect
// contexts, the column, and what followed an earlier occurrence of the current context)
// each keep, for every decision, a short history of the bits seen there. Adaptive maps
// turn histories into probabilities, a gated network of logistic mixers combines them,
// and adaptive probability maps correct the result. The architecture follows the PAQ
// family (Mahoney, "Adaptive weighing of context models for lossless data compression",
// Florida Tech report CS-2005-16); the code is our own.
//
// The input is tokens below 256, the output log-probabilities in nats. The probability
// of a byte is the product of its eight binary probabilities, each an integer between 1
// and 65535 over 65536, so that the 256 values sum to exactly one and none is zero. All
// arithmetic is in integers: scores are the same on every machine.
//
// A request starts from the trained state ([Train]) or from nothing ([New]), without
// context, and leaves the state unchanged: everything it overwrites is logged and
// restored, at a cost proportional to the bytes scored. Branches that leave at the same
// place share the prefix.
package bytemix
