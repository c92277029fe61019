package bytemix

import (
	"fmt"
	"math/bits"
	"runtime"
	"slices"
)

// Alphabet chooses the predictor for a kind of tokens.
type Alphabet string

const (
	// Bytes: text, source code, anything; tokens 0 to 255.
	Bytes Alphabet = ""
	// DNA: nucleotides A, C, G, T as tokens 0 to 3, so that 3-t is the
	// complement of t. The predictor also learns the reverse strand.
	DNA Alphabet = "dna"
	// Protein: amino acids as the letters A to Z, tokens 0 to 25.
	Protein Alphabet = "protein"
)

// Size is the number of tokens of the alphabet.
func (a Alphabet) Size() int {
	switch a {
	case DNA:
		return 4
	case Protein:
		return 26
	}
	return 256
}

func (a Alphabet) valid() bool { return a == Bytes || a == DNA || a == Protein }

func (a Alphabet) hint() string {
	if a == Bytes {
		return "use the byte tokenizer"
	}
	return "use the " + string(a) + " tokenizer"
}

// Options of a model. The zero value is good for text and source code.
type Options struct {
	// Alphabet says what the tokens are: Bytes, DNA or Protein.
	Alphabet Alphabet
	// TableBits is log2 of the number of 16-byte slots in the table of histories. Each
	// worker takes about 24·2^TableBits bytes and 20 MB of smaller tables, and twice
	// that during a request of more than 524,288 tokens. 0 means 23 (220 MB) for a
	// trained model and 20 (40 MB) for an untrained one; [TableBits] has what little
	// training text needs.
	TableBits int
	// Workers bounds the number of concurrent requests, each on its own copy of the
	// tables, made when first needed. 0 means GOMAXPROCS. It does not change results.
	Workers int
	// Restart is the largest distance in bytes between the random positions, chosen by
	// Seed, where training forgets the context (but not what it learnt). This trains
	// the state in which a request begins, and those soon after, to mean "the middle of
	// a text". 0 means 32,768.
	Restart int
	// Seed chooses those positions.
	Seed uint64
	// Without leaves parts out, to see what they contribute. Such a model cannot be
	// saved.
	Without []Part
}

const (
	minTableBits = 12
	maxTableBits = 28
	trainedBits  = 23 // of a trained model
)

// TableBits is [Options.TableBits] for a model that is trained on so many bytes of text,
// at most its default. Of books, 8 KB in the tables that it chooses cost 0.002 bits a
// byte more than in the largest, in a quarter of the memory.
func TableBits(training int64) int {
	const slots, window = 64, 16384 // slots a byte; bytes of a window, which need slots, too
	if training >= 1<<trainedBits/slots {
		return trainedBits
	}
	return min(trainedBits, bits.Len64(uint64(slots*(training+window)-1)))
}

func (o Options) withDefaults(trained bool) (Options, error) {
	if !o.Alphabet.valid() {
		return o, fmt.Errorf("bytemix: unknown alphabet %q (%q for bytes, %q or %q)", string(o.Alphabet), string(Bytes), string(DNA), string(Protein))
	}
	if o.TableBits == 0 {
		o.TableBits = 20
		if trained {
			o.TableBits = trainedBits
		}
	}
	if o.TableBits < minTableBits || o.TableBits > maxTableBits {
		return o, fmt.Errorf("bytemix: TableBits is %d (choose %d to %d: tables of 2^bits slots of 16 bytes)", o.TableBits, minTableBits, maxTableBits)
	}
	if o.Workers < 0 || o.Restart < 0 {
		return o, fmt.Errorf("bytemix: Workers is %d and Restart %d (neither may be negative; 0 chooses the default)", o.Workers, o.Restart)
	}
	if err := checkParts(o.Alphabet, o.Without); err != nil {
		return o, err
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Restart == 0 {
		o.Restart = 32768
	}
	if slices.Contains(o.Without, Restarts) {
		o.Restart = maxText
	}
	return o, nil
}
