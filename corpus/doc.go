// Package corpus finds documents in files and folders, splits them into training
// and evaluation text, and draws windows:
//
//  1. [Index] streams all files once, through package source, and keeps about 56
//     bytes for each distinct document: SHA-256, length and place. Documents are
//     sorted by hash, so that no result depends on the names or order of files.
//  2. [Corpus.Split] divides documents into training and evaluation text. Of a
//     single document the first half trains, and blocks of the second half take
//     the place of evaluation documents.
//  3. [Split.Windows] and [Split.Excerpts] stream the files again and keep only
//     what was drawn.
package corpus
