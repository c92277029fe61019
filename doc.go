// Package l2m measures how fast the information that the past of a sequence
// carries about its future grows with length, says how much memory a model
// needs to keep up (the L²M condition, arXiv 2503.04725), and tests whether a
// given model does.
//
// Each verb of the command is a function here; a verb's options are one
// struct whose zero value asks for the defaults:
//
//	result, err := l2m.Measure(ctx, l2m.MeasureOptions{Paths: []string{"books/"}, Out: "run"})
//
// Data flows one way through the packages, and each can be used alone:
//
//	corpus → windows of tokens → score (plan, run, store) → mi (estimates) → law → report
//
// Information is in nats, lengths are in tokens, and every estimate carries
// its standard error and its warnings.
package l2m
