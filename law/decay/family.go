package decay

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/info"
)

// Rival is another family fitted to the same points.
type Rival struct {
	Family string             `json:"family"` // "power" (no floor), "broken-power", "exponential"
	Params map[string]float64 `json:"params"`
	AICc   float64            `json:"aicc"`
	Weight float64            `json:"weight"`
}

// At is the rival at distance d, in nats.
func (r Rival) At(d float64) info.Nats {
	a := r.Params["a"]
	switch r.Family {
	case "power":
		return info.Nats(a * math.Pow(d, -r.Params["alpha"]))
	case "broken-power":
		b := r.Params["break"]
		return info.Nats(a * math.Pow(min(d, b), -r.Params["alpha"]) * math.Pow(max(1, d/b), -r.Params["alpha_beyond"]))
	case "exponential":
		return info.Nats(a * math.Exp(-d/r.Params["length"]))
	}
	return info.Nats(math.NaN())
}

// Name describes the rival with its parameters: "a broken power law, d^−1.9 up to d ≈
// 17 and d^−0.27 beyond".
func (r Rival) Name() string {
	power := func(name string) string {
		s := fmt.Sprintf("%+.2f", -r.Params[name])
		if strings.Trim(s, "+-0.") == "" {
			s = "0"
		}
		return "d^" + strings.Replace(s, "-", "−", 1)
	}
	switch r.Family {
	case "power":
		return "a power law without a constant, " + power("alpha")
	case "broken-power":
		return fmt.Sprintf("a broken power law, %s up to d ≈ %s and %s beyond", power("alpha"), twoDigits(r.Params["break"]), power("alpha_beyond"))
	case "exponential":
		return "an exponential of length " + twoDigits(r.Params["length"])
	}
	return r.Family
}

// twoDigits writes a length with two significant digits.
func twoDigits(x float64) string {
	scale := math.Pow(10, math.Floor(math.Log10(x))-1)
	return strconv.FormatFloat(math.Round(x/scale)*scale, 'f', max(0, -int(math.Round(math.Log10(scale)))), 64)
}

// family is a family of decay. Parameters are unbounded real numbers; the last one of a
// fit, ln τ, is the scatter.
type family struct {
	name   string
	starts func(d, y []float64) [][]float64
	at     func(theta []float64, d float64) float64
	params func(theta []float64) map[string]float64
}

// families are the power law with a constant and its rivals. lowest is the smallest
// fitted value, which bounds the constant.
func families(lowest float64) []family {
	sigmoid := func(u float64) float64 { return 1 / (1 + math.Exp(-u)) }
	power := func(d, y []float64) []float64 {
		a, b := logLine(d, y)
		return []float64{a, -b}
	}
	return []family{{
		name: "floored-power", // ln A, α, logit(c/lowest)
		starts: func(d, y []float64) [][]float64 {
			p := power(d, y)
			return [][]float64{{p[0], p[1], -6}, {p[0], 1.3 * p[1], 0}, {p[0], 1.5 * p[1], 3}}
		},
		at: func(t []float64, d float64) float64 {
			return math.Exp(t[0]-t[1]*math.Log(d)) + lowest*sigmoid(t[2])
		},
		params: func(t []float64) map[string]float64 {
			return map[string]float64{"a": math.Exp(t[0]), "alpha": t[1], "floor": lowest * sigmoid(t[2])}
		},
	}, {
		name:   "power", // ln A, α
		starts: func(d, y []float64) [][]float64 { return [][]float64{power(d, y)} },
		at:     func(t []float64, d float64) float64 { return math.Exp(t[0] - t[1]*math.Log(d)) },
		params: func(t []float64) map[string]float64 {
			return map[string]float64{"a": math.Exp(t[0]), "alpha": t[1]}
		},
	}, {
		name: "broken-power", // ln A, α before, α after, ln of the break
		starts: func(d, y []float64) [][]float64 {
			p := power(d, y)
			var list [][]float64
			for i := 1; i+1 < len(d); i += max(1, len(d)/4) {
				list = append(list, []float64{p[0], p[1], p[1], math.Log(d[i])})
			}
			return list
		},
		at: func(t []float64, d float64) float64 {
			x := math.Log(d)
			return math.Exp(t[0] - t[1]*min(x, t[3]) - t[2]*max(0, x-t[3]))
		},
		params: func(t []float64) map[string]float64 {
			return map[string]float64{"a": math.Exp(t[0]), "alpha": t[1], "alpha_beyond": t[2], "break": math.Exp(t[3])}
		},
	}, {
		name: "exponential", // ln A, ln ξ
		starts: func(d, y []float64) [][]float64 {
			var list [][]float64
			for _, xi := range []float64{d[0], d[len(d)/2], d[len(d)-1]} {
				list = append(list, []float64{math.Log(y[0]), math.Log(xi)})
			}
			return list
		},
		at: func(t []float64, d float64) float64 { return math.Exp(t[0] - d/math.Exp(t[1])) },
		params: func(t []float64) map[string]float64 {
			return map[string]float64{"a": math.Exp(t[0]), "length": math.Exp(t[1])}
		},
	}}
}

// finiteParams reports whether a fit stayed in range: parameters of a family may
// diverge where they are not needed (a decay length of points that do not decay).
func finiteParams(params map[string]float64) bool {
	for _, v := range params {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// logLine is the least-squares line ln y = a + b·ln d.
func logLine(d, y []float64) (a, b float64) {
	var sx, sy, sxx, sxy float64
	for i := range d {
		u, v := math.Log(d[i]), math.Log(y[i])
		sx, sy, sxx, sxy = sx+u, sy+v, sxx+u*u, sxy+u*v
	}
	n := float64(len(d))
	if den := n*sxx - sx*sx; den > 0 {
		b = (n*sxy - sx*sy) / den
	}
	return (sy - b*sx) / n, b
}
