package count

import (
	"sync"
	"sync/atomic"
)

// each calls do for every i below n, on at most workers goroutines, and returns when
// all are done. worker is the number of the goroutine.
func each(workers, n int, do func(worker, i int)) {
	var (
		next atomic.Int64
		wg   sync.WaitGroup
	)
	for w := range min(workers, n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(w, i)
			}
		})
	}
	wg.Wait()
}
