// Rivals compares estimators that ignore the sequence structure (KSG, CCA, contrastive
// bounds with the exact critic, a universal code) with paired and the exact model, on
// processes and tasks of known information. It prints a table in Markdown; see
// README.md for results.
//
//	go run ./rivals
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"runtime"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/stat"
)

// options says what to compare.
type options struct {
	samples     int // pairs (X, Y) per estimate
	repetitions int // estimates per row
	largest     int // window length of the largest task, tokens
	seed        uint64
}

// row is one estimator on one task. If the estimator cannot do it, the remark says why.
type row struct {
	estimator, process string
	length             int // tokens of X and Y together; 0 for tasks that are no sequences
	dimensions         int // numbers, or symbols, in X and Y together
	samples            int // pairs per estimate
	truth              float64
	mean, spread       float64 // nats, over repetitions
	remark             string
}

func main() {
	log.SetFlags(0)
	var o options
	flag.IntVar(&o.samples, "samples", 500, "pairs (X, Y) per estimate")
	flag.IntVar(&o.repetitions, "repetitions", 10, "estimates per row")
	flag.IntVar(&o.largest, "largest", 16384, "window length of the largest task, in tokens")
	flag.Uint64Var(&o.seed, "seed", 0, "seed of the samples")
	flag.Parse()
	rows, err := compare(context.Background(), o)
	if err != nil {
		log.Fatal("rivals: ", err)
	}
	print(os.Stdout, rows)
}

// compare runs every estimator on every task. The rows do not depend on the number
// of cores.
func compare(ctx context.Context, o options) ([]row, error) {
	if o.samples < 10 || o.repetitions < 2 || o.largest < 16 {
		return nil, fmt.Errorf("%d samples, %d repetitions, length %d: at least 10, 2 and 16 are needed", o.samples, o.repetitions, o.largest)
	}
	todo, err := jobs(o.largest)
	if err != nil {
		return nil, err
	}
	rows := make([]row, len(todo))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, j := range todo {
		group.Go(func() error {
			p := j.row
			var values []float64
			for r := range o.repetitions {
				v, used, err := j.run(ctx, o.samples, o.seed+uint64(1000*i+r))
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if p.samples = used; err != nil {
					p.remark = err.Error()
					break
				}
				values = append(values, v)
			}
			if len(values) > 1 {
				p.mean, p.spread = stat.MeanStdDev(values, nil)
			} else {
				p.mean, p.spread = math.NaN(), math.NaN()
			}
			rows[i] = p
			return nil
		})
	}
	return rows, group.Wait()
}

func print(w io.Writer, rows []row) {
	fmt.Fprintln(w, "| process | L | dimensions | estimator | samples | true nats | estimate | spread | remark |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s | %d | %d | %s | %d | %.5g | %.5g | %.3g | %s |\n", r.process, r.length, r.dimensions, r.estimator, r.samples, r.truth, r.mean, r.spread, r.remark)
	}
}
