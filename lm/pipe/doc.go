// Package pipe is the protocol between l2m and a model in another process, with both
// ends of it.
//
//  1. [Start] runs the program. The program calls [Serve], which writes the line
//     Greeting to its standard output.
//  2. Messages follow, one JSON value per line: requests on the program's standard
//     input, replies on its standard output. The first request opens a model with
//     [Options]; every field is sent, zeros too.
//  3. Later requests tokenize text or ask for log-probabilities along tokens and
//     branches. Several may be in progress; replies have the number of their request
//     and come in any order.
//  4. The program ends when its input does.
//
// Log-probabilities are in nats. Numbers are transmitted exactly.
package pipe
