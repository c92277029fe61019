// Package vocabulary reads the tokenizers of language models: tokenizer.json of
// Hugging Face (BPE, Unigram, WordLevel, WordPiece) and rank files of tiktoken.
//
//	file -> token.Tokenizer
//
// Encode gives the tokens that the reference implementations give without special
// tokens: no mark of beginning or end is added, and text that looks like a special
// token is text. A file with a part that is not known here is refused, with that
// part's name; nothing is guessed. Bytes that are not UTF-8 read as U+FFFD.
//
// Text goes through a normalizer (Unicode forms, replacements), a pre-tokenizer
// that cuts it into pieces, and a model that turns each piece into tokens. Pieces
// are remembered, since words recur.
package vocabulary
