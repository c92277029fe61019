// Package corpus holds documents: it finds them in files and folders, which package
// source reads, divides them into training and evaluation text, and draws windows.
//
// [Index] makes one streaming pass over the files and keeps, for each distinct
// document, its SHA-256, its length and where it stands (about 56 bytes);
// documents are sorted by hash, so that nothing downstream depends on the names
// or the order of files. [Corpus.Split] divides them into training and
// evaluation; [Corpus.Windows] and [Corpus.Training] stream the files again and
// keep only what was drawn.
//
// With a single document, its first half trains and blocks of its second half
// take the place of evaluation documents: see [Split].
package corpus
