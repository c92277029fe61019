package law_test

import (
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/law"
)

// Estimates at six lengths with errors of 3 %, independent of each other.
func ExampleAnalyze() {
	d := law.Data{Unit: "token"}
	for i, noise := range []float64{0.01, -0.02, 0.02, -0.01, 0, 0.01} {
		length := float64(int(64) << i)
		nats := 2.3 * math.Pow(length, 0.75) * (1 + noise)
		d.L, d.I = append(d.L, length), append(d.I, nats)
		row := make([]float64, 6)
		row[i] = 0.03 * nats * 0.03 * nats
		d.Cov = append(d.Cov, row)
	}
	a, err := law.Analyze(d, law.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(a.Verdict)
	fmt.Printf("I(L) = %.2f·L^%.3f nats\n", a.Law.A, a.Law.Beta)
	i := a.Law.Interval(1e5, 0.95)
	fmt.Printf("I(100,000) = %.0f … %.0f nats\n", i.Lo, i.Hi)
	// Output:
	// power-law
	// I(L) = 2.28·L^0.751 nats
	// I(100,000) = 11612 … 14669 nats
}

func ExamplePowerLaw_Inverse() {
	english := law.PublishedEnglish()
	fmt.Printf("%.0f tokens carry 1,000 nats into the next as many\n", english.Inverse(1000)/2)
	// Output: 1506 tokens carry 1,000 nats into the next as many
}
