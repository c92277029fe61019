package info

// Progress is a progress report of a long job. Done and Total count units of
// the named stage; Total is 0 while unknown. Resumed is the part of Done that
// an earlier, interrupted run had finished, which estimates of the time left
// must leave out.
type Progress struct {
	Stage   string // "reading", "training", "scoring", "counting", "fitting"
	Done    int64
	Total   int64
	Resumed int64
	Unit    string // "B" (bytes) or "tokens"
}

// ProgressFunc receives progress reports. It may be called from several
// goroutines, but never concurrently, and must return quickly. It may be nil.
type ProgressFunc func(Progress)

// Stage returns a reporting function for one stage.
func (f ProgressFunc) Stage(name, unit string) func(done, total, resumed int64) {
	if f == nil {
		return func(int64, int64, int64) {}
	}
	return func(done, total, resumed int64) {
		f(Progress{Stage: name, Done: done, Total: total, Resumed: resumed, Unit: unit})
	}
}
