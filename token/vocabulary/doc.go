// Package vocabulary reads the tokenizers of language models: tokenizer.json of
// Hugging Face (BPE, Unigram, WordLevel, WordPiece) and tiktoken rank files.
//
//	file -> token.Tokenizer
//
// Encoding takes these steps:
//
//  1. Match added tokens.
//  2. Normalize the text between them (Unicode forms, replacements), and match those
//     that are matched in normalized text.
//  3. Pre-tokenize: cut it into pieces.
//  4. Encode each piece with the model. Results are cached, since words recur.
//
// The tokens are those of the reference implementations without special tokens:
// no beginning or end is added, and text that looks like a special token is text.
// Bytes that are not UTF-8 read as U+FFFD. A file with an unsupported part is
// refused by that part's name; nothing is guessed.
package vocabulary
