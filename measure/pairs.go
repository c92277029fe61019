package measure

import "github.com/l2m-lab/l2m/result"

// twoPointJob measures two-point information in the background.
type twoPointJob struct {
	done   chan struct{}
	result *result.TwoPoint
	err    error
}

func startTwoPoint(measure func() (*result.TwoPoint, error)) *twoPointJob {
	j := &twoPointJob{done: make(chan struct{})}
	go func() {
		defer close(j.done)
		j.result, j.err = measure()
	}()
	return j
}

// wait waits for the result and returns it; it may be called again.
func (j *twoPointJob) wait() (*result.TwoPoint, error) {
	<-j.done
	return j.result, j.err
}
