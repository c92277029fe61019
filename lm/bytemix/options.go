package bytemix

import (
	"fmt"
	"runtime"
)

// Options of a model. The zero value is good for text and source code.
type Options struct {
	// TableBits is log2 of the number of 16-byte slots in the table of bit
	// histories: each worker holds 16·2^TableBits bytes and about 12 MB of
	// smaller tables. 0 means 23 (128 MB) for a trained model and 20 (16 MB)
	// for one that starts from nothing.
	TableBits int
	// Workers bounds the number of requests that are scored at the same time,
	// each on its own copy of the tables, made when it is first needed.
	// 0 means GOMAXPROCS. It does not change any result.
	Workers int
	// Restart is the mean number of bytes between two places, chosen at random
	// by Seed, where training forgets the context (not what it learnt): so the
	// state in which a request begins has been trained to mean "the middle of
	// some text". 0 means 16,384.
	Restart int
	// Seed chooses those places.
	Seed uint64
}

const (
	minTableBits = 12
	maxTableBits = 28
)

func (o Options) withDefaults(trained bool) (Options, error) {
	if o.TableBits == 0 {
		o.TableBits = 20
		if trained {
			o.TableBits = 23
		}
	}
	if o.TableBits < minTableBits || o.TableBits > maxTableBits {
		return o, fmt.Errorf("bytemix: TableBits is %d (choose %d to %d: tables of 2^bits slots of 16 bytes)", o.TableBits, minTableBits, maxTableBits)
	}
	if o.Workers < 0 || o.Restart < 0 {
		return o, fmt.Errorf("bytemix: Workers is %d and Restart %d (neither may be negative; 0 chooses the default)", o.Workers, o.Restart)
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Restart == 0 {
		o.Restart = 16384
	}
	return o, nil
}
