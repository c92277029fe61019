package fit

import (
	"fmt"
	"math"
	"os"
)

// covariance reads the covariance matrix of the estimates, nats² (or bits² where the
// table is in bits), rows and columns in the order of the table's rows.
func (o Options) covariance(t *Table) ([][]float64, error) {
	f, err := os.Open(o.Covariance)
	if err != nil {
		return nil, fmt.Errorf("--covariance: %w", err)
	}
	defer f.Close()
	g, err := readGrid(f)
	var c [][]float64
	if err == nil {
		c, err = g.matrix(len(t.Length))
	}
	if err == nil {
		c, err = t.arrange(c)
	}
	if err != nil {
		return nil, fmt.Errorf("--covariance %s: %w", o.Covariance, err)
	}
	return c, nil
}

// matrix reads n rows of n numbers.
func (g *grid) matrix(n int) ([][]float64, error) {
	if g.head != nil {
		return nil, fmt.Errorf("a matrix has no names of columns, and here they are %v", g.head)
	}
	if len(g.rows) != n || g.width != n {
		return nil, fmt.Errorf("it has %d × %d numbers for %d estimates", len(g.rows), g.width, n)
	}
	m := make([][]float64, n)
	for i, row := range g.rows {
		m[i] = make([]float64, n)
		for j := range n {
			x, err := row.number(j, g.title(j))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", row.at, err)
			}
			m[i][j] = x
		}
	}
	return m, nil
}

// tolerance is how far two numbers that are rounded to three digits may differ.
const tolerance = 0.01

// arrange puts a covariance in the order of lengths, in nats², and checks it: it is
// symmetric, and agrees with the standard errors if there are any.
func (t *Table) arrange(c [][]float64) ([][]float64, error) {
	out := make([][]float64, len(c))
	for i, a := range t.order {
		out[i] = make([]float64, len(c))
		if c[a][a] <= 0 {
			return nil, fmt.Errorf("the variance in row %d is %g", a+1, c[a][a])
		}
		for j, b := range t.order {
			if limit := math.Sqrt(c[a][a] * c[b][b]); math.Abs(c[a][b]-c[b][a]) > tolerance*limit {
				return nil, fmt.Errorf("it is not symmetric: %g in row %d, column %d, and %g in row %d, column %d", c[a][b], a+1, b+1, c[b][a], b+1, a+1)
			}
			out[i][j] = t.scale * t.scale * (c[a][b] + c[b][a]) / 2
		}
		if t.SE == nil {
			continue
		}
		if se := math.Sqrt(out[i][i]); math.Abs(se-t.SE[i]) > tolerance*se {
			return nil, fmt.Errorf("the standard error at length %g is %.4g nats by the matrix and %.4g by the table", t.Length[i], se, t.SE[i])
		}
	}
	return out, nil
}
