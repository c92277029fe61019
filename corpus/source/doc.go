// Package source recognizes files and streams the documents in them:
//
//  1. It unpacks the file: gzip, Zstandard, bzip2, xz or LZ4, also nested.
//  2. It recognizes the format by the first bytes or, if they are ambiguous, by the
//     name. Archives (tar, ZIP) are read like folders.
//  3. It decodes the text to UTF-8 and passes on one document after another.
//
// [Read] returns a [Report] of what was found. A file that is not text gives a
// [Refusal], never a document.
//
// Memory is bounded by the largest record, which [Options].MaxRecord limits, and by the
// compression window; plain text and sequences are streamed. Lengths that a file claims
// are not allocated before the data arrives.
package source
