package result

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/arch/serving"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
)

// csvColumns are the columns of estimates.csv; docs/format.md explains them.
var csvColumns = []string{
	"quantity", "estimator", "ratio", "ell", "length", "distance",
	"nats", "se", "lo95", "hi95", "bits", "samples", "clusters", "fitted",
	"covariance_norm", "covariance_se",
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
	normal := func(v, se info.Nats) *info.Interval {
		if !(se > 0) {
			return nil
		}
		return &info.Interval{Lo: float64(v - info.Z95*se), Hi: float64(v + info.Z95*se)}
	}
	row := func(quantity, estimator string, ratio, ell, length, distance int, v, se info.Nats, interval *info.Interval, samples int64, clusters int, fitted string, c *mi.LagCovariance) error {
		record := []string{quantity, estimator, whole(ratio), whole(ell), whole(length), whole(distance), number(float64(v)), "", "", "",
			number(v.Bits()), strconv.FormatInt(samples, 10), whole(clusters), fitted, "", ""}
		if se > 0 {
			record[7] = number(float64(se))
		}
		if interval != nil {
			record[8], record[9] = number(interval.Lo), number(interval.Hi)
		}
		if c != nil {
			record[14], record[15] = number(c.Norm), number(c.SE)
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
				err = row("bipartite", string(s.Estimator), s.Ratio, p.Ell, p.Length, 0, p.Value, p.SE, s.Bounds(i), int64(p.Windows), s.Clusters, fitted(used, i), nil)
			}
		}
	}
	for _, p := range r.Triangle {
		if err == nil {
			err = row("triangle", "block", 0, p.Ell, p.Length, 0, p.Value, p.SE, normal(p.Value, p.SE), int64(p.Windows), r.Windows.Clusters, "", nil)
		}
	}
	if t := r.TwoPoint; t != nil {
		var used []bool
		if t.Law != nil {
			used = t.Law.Used
		}
		for i, p := range t.Points {
			if err == nil {
				err = row("two-point", t.Estimator, 0, 0, 0, p.Distance, p.Value, p.SE, normal(p.Value, p.SE), p.Pairs, int(math.Round(p.Blocks)), fitted(used, i), p.Covariance)
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

// AuditCSV writes one row for each model and length: elements by kind, bytes,
// and the verdict with its crossovers, which are empty where the state is never
// too small.
func AuditCSV(w io.Writer, a *Audit) error {
	c := csv.NewWriter(w)
	head := []string{"model", "path", "model_type", "class", "verdict", "max_length", "length"}
	for _, k := range arch.Kinds() {
		head = append(head, string(k)+"_elements")
	}
	head = append(head, "total_elements", "float32_elements", "bytes", "hard_crossover")
	for _, cap := range a.Capacities {
		head = append(head, "crossover_at_"+formatFloat(cap)+"_nats")
	}
	if a.Evidence != nil {
		head = append(head, "law_measured_to")
	}
	if a.Memory != nil {
		head = append(head, planColumns()...)
	}
	rows := [][]string{head}
	whole := func(n int64) string { return strconv.FormatInt(n, 10) }
	for i, m := range a.Models {
		for _, s := range m.States {
			row := []string{m.Name, m.Path, m.Type, string(m.Growth.Class), string(m.Verdict), whole(m.MaxLength), whole(s.Length)}
			for _, k := range arch.Kinds() {
				row = append(row, whole(s.Elements.Of(k)))
			}
			row = append(row, whole(s.Total), whole(s.Float32), whole(s.Bytes))
			for _, x := range m.Crossovers {
				cell := ""
				if x.At != nil {
					cell = formatFloat(*x.At)
				}
				row = append(row, cell)
			}
			if a.Evidence != nil {
				row = append(row, formatFloat(a.Evidence.To))
			}
			if a.Memory != nil {
				row = append(row, a.Memory.cells(i)...)
			}
			rows = append(rows, row)
		}
	}
	for _, row := range rows {
		for i, cell := range row {
			row[i] = spreadsheetSafe(cell)
		}
	}
	if err := c.WriteAll(rows); err != nil {
		return fmt.Errorf("writing the audit as CSV: %w", err)
	}
	return nil
}

// spreadsheetSafe keeps a name from being taken for a formula, and on one line.
func spreadsheetSafe(cell string) string {
	cell = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, cell)
	if cell != "" && (cell[0] == '=' || cell[0] == '@' || cell[0] == '+') {
		return "'" + cell
	}
	return cell
}

func formatFloat(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// ComparisonCSV writes every estimate of a comparison, a row each: the loss at a
// position or the information at a length, with its interval, and the difference
// to the first run.
func ComparisonCSV(w io.Writer, c *Comparison) error {
	out := csv.NewWriter(w)
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	row := func(run ComparedRun, what string, from, to float64, e info.Estimate, d *info.Estimate) {
		cells := func(e info.Estimate) []string {
			lo, hi := e.Bounds()
			return []string{number(e.Value), number(e.SE), number(lo), number(hi)}
		}
		fields := append([]string{run.Run, run.Model, what, number(from), number(to)}, cells(e)...)
		if d != nil {
			fields = append(fields, cells(*d)...)
		} else {
			fields = append(fields, "", "", "", "")
		}
		out.Write(fields) // errors wait for out.Error
	}
	out.Write([]string{"run", "model", "quantity", "from", "to", "nats", "se", "lo", "hi", "difference", "difference_se", "difference_lo", "difference_hi"})
	for _, r := range c.Runs {
		for _, b := range r.Positions {
			row(r, "loss", b.From, b.To, b.Loss, b.Difference)
		}
		for _, p := range r.Information {
			row(r, "information", p.Ell, 2*p.Ell, p.Nats, p.Difference)
		}
	}
	out.Flush()
	return out.Error()
}

// planColumns head what a row says of the memory plan: bytes on each device, of
// all sequences together.
func planColumns() []string {
	head := []string{"plan_context", "plan_batch", "weights_bytes", "available_bytes", "fits", "longest_context", "largest_batch", "read_bytes"}
	for _, e := range serving.Engines() {
		head = append(head, "plan_"+strings.ReplaceAll(string(e), ".", "_")+"_bytes")
	}
	return head
}

// cells are the columns of one model, empty where it could not be planned. A
// context or a batch without bound is empty too.
func (p *MemoryPlan) cells(i int) []string {
	out := make([]string, len(planColumns()))
	if i >= len(p.Models) || len(p.Models[i].Engines) != len(serving.Engines()) {
		return out
	}
	m := p.Models[i]
	bounded := func(n int64) string {
		if n == serving.Unbounded {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	x := m.Needed()
	copy(out, []string{
		bounded(m.Context), bounded(m.Batch), bounded(m.Weights), bounded(m.Available), strconv.FormatBool(x.Fits), bounded(x.Longest), bounded(x.Sequences), bounded(m.Read.Bytes),
	})
	for j, e := range m.Engines {
		out[8+j] = bounded(e.Total)
	}
	return out
}
