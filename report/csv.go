package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/l2m-lab/l2m/info"
)

// csvColumns are the columns of estimates.csv; docs/format.md explains them.
var csvColumns = []string{
	"quantity", "estimator", "ratio", "ell", "length", "distance",
	"nats", "se", "lo95", "hi95", "bits", "samples", "clusters", "fitted",
}

// CSV writes every estimate of a result, one per line, with full precision:
// estimates.csv. A column that does not apply to a line is empty.
func CSV(w io.Writer, r *Result) error {
	out := csv.NewWriter(w)
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	whole := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	row := func(quantity, estimator string, ratio, ell, length, distance int, v, se info.Nats, samples int64, clusters int, fitted string) error {
		record := []string{quantity, estimator, whole(ratio), whole(ell), whole(length), whole(distance), number(float64(v)), "", "", "",
			number(v.Bits()), strconv.FormatInt(samples, 10), whole(clusters), fitted}
		if se > 0 {
			record[7], record[8], record[9] = number(float64(se)), number(float64(v-z95*se)), number(float64(v+z95*se))
		}
		return out.Write(record)
	}
	fitted := func(used []bool, i int) string {
		if i >= len(used) {
			return ""
		}
		return strconv.FormatBool(used[i])
	}
	err := out.Write(csvColumns)
	for _, s := range r.Series {
		var used []bool
		if s.Law != nil {
			used = s.Law.Used
		}
		for i, p := range s.Points {
			if err == nil {
				err = row("bipartite", string(s.Estimator), s.Ratio, p.Ell, p.Length, 0, p.Value, p.SE, int64(p.Windows), s.Clusters, fitted(used, i))
			}
		}
	}
	for _, p := range r.Triangle {
		if err == nil {
			err = row("triangle", "block", 0, p.Ell, p.Length, 0, p.Value, p.SE, int64(p.Windows), r.Windows.Clusters, "")
		}
	}
	if t := r.TwoPoint; t != nil {
		var used []bool
		if t.Law != nil {
			used = t.Law.Used
		}
		for i, p := range t.Points {
			if err == nil {
				err = row("two-point", t.Estimator, 0, 0, 0, p.Distance, p.Value, p.SE, p.Pairs, int(math.Round(p.Blocks)), fitted(used, i))
			}
		}
	}
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("writing estimates: %w", err)
	}
	return nil
}
