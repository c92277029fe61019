package source

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// alphabets are the letters beyond ASCII of languages that are written in Windows-1252.
var alphabets = [...]string{
	"àâæçéèêëîïôœùûüÿ",    // French
	"äöüßé",               // German
	"áéíóúüñ",             // Spanish
	"àéèíïóòúüç",          // Catalan
	"áâãàçéêíóôõúü",       // Portuguese
	"àèéìíîòóùú",          // Italian
	"åäöæøéüà",            // Danish, Finnish, Norwegian, Swedish
	"áéíóúýþæöðø",         // Faroese, Icelandic
	"éëïöüóèáíê",          // Dutch
	"äöõüšž",              // Estonian
	"áéíóúâêîôûïöäëàèìòù", // Irish, Scottish, Welsh
	"âêîôûñùü",            // Breton
}

// alphabetsOf are those that have the letter of a byte, a bit each; 0 if it is no letter.
var alphabetsOf = func() (of [256]uint16) {
	for b := utf8.RuneSelf; b < 256; b++ {
		for i, letters := range alphabets {
			if strings.ContainsRune(letters, unicode.ToLower(western(byte(b)))) {
				of[b] |= 1 << i
			}
		}
	}
	return of
}()

// spelling tells text in Windows-1252 from text in its relatives for other languages
// (Windows-1250, -1254, -1257, Latin-2), whose letters become other letters. ★ Words with
// two of them or more are odd if no one language has them all. Of the words of the Django
// project's translations 0 % are odd in 28 languages of Windows-1252, and 5 % (Hungarian)
// to 98 % (Slovenian) in ten others.
type spelling struct {
	letter      rune   // first in the word
	several     bool   // different ones
	common      uint16 // alphabets that have them all
	words, odds int64
}

// add continues a word with a byte that is not UTF-8, or ends it if that is no letter.
func (s *spelling) add(b byte) {
	r := unicode.ToLower(western(b))
	switch {
	case !unicode.IsLetter(r):
		s.end()
	case s.letter == 0:
		s.letter, s.common = r, alphabetsOf[b]
	default:
		s.several = s.several || r != s.letter
		s.common &= alphabetsOf[b]
	}
}

// pass ends the word at the first byte of valid text that is no letter of ASCII.
func (s *spelling) pass(text []byte) {
	for _, b := range text {
		if b|0x20 < 'a' || b|0x20 > 'z' {
			s.end()
			return
		}
	}
}

func (s *spelling) end() {
	if s.several {
		s.words++
		if s.common == 0 {
			s.odds++
		}
	}
	s.letter, s.several = 0, false
}

// strange reports whether the words are of another encoding.
func (s *spelling) strange(end bool) bool {
	least := int64(8)
	if end {
		s.end()
		least = 2
	}
	return s.odds >= least && s.odds*25 > s.words
}
