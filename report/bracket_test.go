package report

import (
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
)

// The estimate stands beside the limits, so that one sees how wide they are.
func TestBracket(t *testing.T) {
	const rest = " for a model that makes full use of the past"
	for _, c := range []struct {
		lower, upper info.Nats // 0: none
		by, want     string
	}{
		{2.079, 906.5, "vclub", "Between 2.1 and 910 nats at L = 16 384 (estimate: 818): the lower end holds for any model, the upper one (vCLUB)" + rest + "."},
		{2.079, 906.5, "entropy", "Between 2.1 and 910 nats at L = 16 384 (estimate: 818): both hold for any model."},
		{2.079, 0, "", "At least 2.1 nats at L = 16 384 (estimate: 818), for any model."},
		{0, 906.5, "entropy", "Between 0 and 910 nats at L = 16 384 (estimate: 818): both hold for any model."},
		{0, 906.5, "vclub", "At most 910 nats at L = 16 384 (estimate: 818), by vCLUB," + rest + "; no lower bound above zero."},
		{0, 0, "", ""},
	} {
		b := &mi.Bracket{Ell: 8192, Length: 16384, Lower: mi.End{Limit: c.lower}}
		if c.upper > 0 {
			b.Upper = &mi.End{By: c.by, Limit: c.upper}
		}
		r := &result.Result{Bracket: b, Series: []result.Series{{Series: mi.Series{Points: []mi.Point{
			{Ell: 4096, Length: 8192, Value: 486.6, SE: 19.7}, {Ell: 8192, Length: 16384, Value: 817.8, SE: 29.4},
		}}}}}
		if got := strings.Join(strings.Fields(bracket(r).String()), " "); got != c.want {
			t.Errorf("%q\nwant %q", got, c.want)
		}
	}
}
