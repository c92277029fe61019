package report_test

import (
	"fmt"
	"os"

	"github.com/l2m-lab/l2m/report"
)

// A figure is described once and drawn for pages and for papers.
func ExampleFigure() {
	fig := &report.Figure{
		ID:    "squares",
		Title: "Squares grow twice as fast as their roots",
		X:     report.Axis{Label: "n", Scale: report.Log2},
		Y:     report.Axis{Label: "n²", Scale: report.Log10},
		Curves: []report.Curve{{
			Name: "n²", Label: "n²", Hue: report.HueOf(0), Marker: report.MarkerOf(0), Line: report.Solid,
			Points: []report.Point{{X: 1, Y: 1}, {X: 2, Y: 4}, {X: 4, Y: 16}, {X: 8, Y: 64}},
		}},
	}
	dir, err := os.MkdirTemp("", "figures")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := report.WriteFigures(dir, []*report.Figure{fig}, []string{"svg", "pdf"}); err != nil {
		fmt.Println(err)
		return
	}
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		fmt.Println(f.Name())
	}
	// Output:
	// squares.pdf
	// squares.svg
}
