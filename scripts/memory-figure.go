//go:build ignore

// Draws the figure of docs/memory.md: go run scripts/memory-figure.go
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"

	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/report/figure"
)

func main() {
	log.SetFlags(0)
	f, err := share()
	if err != nil {
		log.Fatal(err)
	}
	var svg bytes.Buffer
	if err := f.Encode(&svg, "svg"); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("docs/memory/share.svg", svg.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

// share is what merged Fenwick memories hold of the past of the hierarchical
// process, c = 3, before the worst cut.
func share() (*figure.Figure, error) {
	f := &figure.Figure{
		ID: "share", Title: "A memory of L^b numbers holds a constant share from b = β = 0.79 on",
		X: figure.Axis{Label: "window length L", Unit: "tokens", Scale: figure.Log2}, Y: figure.Axis{Label: "share of the information captured", Scale: figure.Log10},
	}
	hierarchical, err := process.Parse("hierarchical:c=3")
	if err != nil {
		return nil, err
	}
	for i, b := range []float64{0.7925, 0.7, 0.6, 0.5, 0.4, 0.2} {
		c := figure.Curve{Name: fmt.Sprint("b = ", b), Label: fmt.Sprint("b = ", b), Hue: figure.HueOf(i), Marker: figure.MarkerOf(i), Line: figure.Solid}
		m, err := process.ParseMemory(fmt.Sprint("fenwick:1.5,", b))
		if err != nil {
			return nil, err
		}
		for _, L := range []int{16, 64, 256, 1024} {
			s, err := process.NewStudy(hierarchical.(process.Covarier), L/2-1, L)
			if err != nil {
				return nil, err
			}
			held, err := s.Hold(m)
			if err != nil {
				return nil, err
			}
			y := held[1].Share() // merged
			c.Points = append(c.Points, figure.Point{X: float64(L), Y: y, Lo: y, Hi: y})
		}
		f.Curves = append(f.Curves, c)
	}
	return f, nil
}
