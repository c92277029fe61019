// Package source says what a file is and streams the documents in it.
//
//	file -> unpacked -> recognized by its content -> documents in UTF-8
//
// [Read] unpacks a file (gzip, Zstandard, bzip2, xz, LZ4, also one inside
// another), decides by its first bytes what it holds and only then, where the
// bytes leave a choice, by its name, and hands over one document after another.
// Archives (tar, ZIP) are read like folders. What is not text is a [Refusal],
// never a document. What was decided comes back as a [Report].
//
// Memory is bounded by the largest record, which [Options].MaxRecord limits, and
// by the window of the compression; plain text and sequences are streamed. A
// length that a file claims allocates nothing until that much data has come.
package source
