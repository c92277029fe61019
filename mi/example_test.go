package mi_test

import (
	"context"
	"fmt"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
)

// two is a Source of two windows of four tokens, from two documents.
type two struct{}

func (two) Length() int { return 4 }

func (two) Each(yield func(mi.Window) error) error {
	for i, w := range []mi.Window{
		{Joint: []float32{-2.1, -1.9, -1.2, -0.9}, Marginal: map[int][]float32{2: {-2.3, -1.8}}},
		{Joint: []float32{-2.4, -1.7, -1.1, -1.0}, Marginal: map[int][]float32{2: {-2.0, -1.6}}},
	} {
		w.Cluster = i
		if err := yield(w); err != nil {
			return err
		}
	}
	return nil
}

func ExampleCollect() {
	stats, err := mi.Collect(context.Background(), two{}, mi.CollectOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range stats.Available() {
		s, err := stats.Series(e, 2)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, p := range s.Points {
			fmt.Printf("%-6s ell = %d, L = %d: %.2f nats\n", e, p.Ell, p.Length, p.Value)
		}
	}
	// Output:
	// paired ell = 2, L = 4: 1.75 nats
	// direct ell = 2, L = 4: 2.00 nats
	// block  ell = 2, L = 4: 1.95 nats
}

func ExampleEntropy() {
	// Ten different symbols seen once each: plug-in calls it ln 10.
	h := info.HistogramOf([]int64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1})
	for _, e := range []mi.EntropyEstimator{mi.PlugIn, mi.Grassberger} {
		x, err := mi.Entropy(h, e)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: %.3f nats\n", e, x.Value)
	}
	// Output:
	// plug-in: 2.303 nats
	// grassberger: 3.573 nats
}
