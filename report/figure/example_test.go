package figure_test

import (
	"fmt"
	"strings"

	"github.com/l2m-lab/l2m/report/figure"
)

// A figure is described once and drawn for pages and for papers.
func ExampleFigure() {
	fig := &figure.Figure{
		ID:    "squares",
		Title: "Squares grow twice as fast as their roots",
		X:     figure.Axis{Label: "n", Scale: figure.Log2},
		Y:     figure.Axis{Label: "n²", Scale: figure.Log10},
		Curves: []figure.Curve{{
			Name: "n²", Label: "n²", Hue: figure.HueOf(0), Marker: figure.MarkerOf(0), Line: figure.Solid,
			Points: []figure.Point{{X: 1, Y: 1}, {X: 2, Y: 4}, {X: 4, Y: 16}, {X: 8, Y: 64}},
		}},
	}
	var svg strings.Builder
	if err := fig.Encode(&svg, "svg"); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Contains(svg.String(), "<title>Squares grow"))
	// Output: true
}
