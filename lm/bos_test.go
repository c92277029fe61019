package lm

import (
	"testing"

	"github.com/l2m-lab/l2m/token"
)

func TestBOSChoice(t *testing.T) {
	for c, want := range map[BOSChoice]struct {
		id   token.ID
		isID bool
		good bool
	}{
		"": {0, false, true}, "0": {0, true, true}, "151643": {151643, true, true}, "7": {7, true, true},
		BOSNone: {0, false, true}, "<|endoftext|>": {0, false, true},
		"-1": {0, false, false}, "1.5": {0, false, false}, "4294967296": {0, false, false}, "1e3": {0, false, false},
	} {
		id, ok := c.ID()
		if ok != want.isID || ok && id != want.id || (c.Check() == nil) != want.good {
			t.Errorf("%q: id %d %t, %v", c, id, ok, c.Check())
		}
	}
}
