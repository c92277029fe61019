//go:build ignore

// Prints what docs/studies.md says of the studies together, and writes the capacities
// that l2m audit --capacity measured takes: go run lab/study/tables.go
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/audit"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/stats"
)

func main() {
	log.SetFlags(0)
	recall, memory := read("recall"), read("memory")
	capacities := audit.LargestCapacities(recall.Capacities("main"))
	b, err := json.MarshalIndent(capacities, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("audit/measured.json", append(b, '\n'), 0o644); err != nil {
		log.Fatal(err)
	}
	for _, length := range []int{32, 64, 128, 248} {
		accuracy, state := at(recall, length)
		var models []string
		for _, m := range recall.Models {
			if accuracy[m.Name] > 0 {
				models = append(models, m.Name)
			}
		}
		ranks(fmt.Sprintf("accuracy at %d by numbers kept", length), models, state, accuracy)
		fixed := slices.DeleteFunc(slices.Clone(models), func(m string) bool { return strings.HasPrefix(m, "attention") })
		ranks("the same without attention", fixed, state, accuracy)
		for _, panel := range []string{"L64-c3", "L64-c3-copies16"} {
			captured, paired := map[string]float64{}, []string{}
			for there, here := range same {
				if v, ok := gap(memory, panel, there); ok && accuracy[here] > 0 {
					captured[here] = 1 - v
					paired = append(paired, here)
				}
			}
			slices.Sort(paired)
			ranks(fmt.Sprintf("accuracy at %d by captured information, %s", length, panel), paired, captured, accuracy)
		}
	}
}

// same are models of the study memory, and those of recall with the same mechanism; their
// shapes differ.
var same = map[string]string{
	"attention": "attention", "memory-0.5": "memory-0.5",
	"ssd": "ssd-16", "window": "window-16", "delta": "delta",
}

func read(name string) *result.Study {
	file := "docs/studies/" + name + "/study.json"
	b, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	s, err := result.Read[result.Study](bytes.NewReader(b), file)
	if err != nil {
		log.Fatal(err)
	}
	return s
}

// at are the mean accuracy and the state of the models at a length.
func at(s *result.Study, length int) (accuracy, state map[string]float64) {
	accuracy, state = map[string]float64{}, map[string]float64{}
	seeds := map[string]float64{}
	for i := range s.Cells {
		c := &s.Cells[i]
		for _, e := range append([]result.StudyEvaluation{c.Evaluation()}, c.Others...) {
			if c.Panel == "main" && e.Length == length {
				n := seeds[c.Model]
				accuracy[c.Model] = (n*accuracy[c.Model] + *e.Accuracy) / (n + 1)
				state[c.Model], seeds[c.Model] = float64(e.State), n+1
			}
		}
	}
	return accuracy, state
}

func gap(s *result.Study, panel, model string) (float64, bool) {
	sum, n := 0.0, 0.0
	for _, c := range s.Cells {
		if c.Panel == panel && c.Model == model {
			sum, n = sum+*c.Gap, n+1
		}
	}
	return sum / n, n > 0
}

// ranks prints the rank correlation, and how many ranks each model is above what x
// says.
func ranks(what string, models []string, x, y map[string]float64) {
	if len(models) < 3 {
		return
	}
	var a, b []float64
	for _, m := range models {
		a, b = append(a, x[m]), append(b, y[m])
	}
	v := stats.SpearmanInterval(a, b, 0.95, 4000, 1)
	fmt.Printf("%s: %.2f (%.2f … %.2f), %d models\n ", what, stats.Spearman(a, b), v.Lo, v.Hi, len(models))
	for i, m := range models {
		fmt.Printf(" %s %+.1f", m, rank(b, i)-rank(a, i))
	}
	fmt.Println()
}

// rank is the rank of value i; equal ones have the mean of theirs.
func rank(values []float64, i int) float64 {
	r := 0.5
	for _, v := range values {
		switch {
		case v < values[i]:
			r++
		case v == values[i]:
			r += 0.5
		}
	}
	return math.Round(2*r) / 2
}
