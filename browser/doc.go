// Package browser holds the tests of l2m's pages in a real browser. It is a module
// of its own, so that the packages that drive the browser stay out of l2m's.
//
// The tests build l2m, make a small run of every kind (measure with an audit,
// twopoint, audit, calibrate, compare), and use their pages as a reader would:
// from file:// and through l2m serve, narrow and wide, in light and dark, on paper
// and without script, by mouse, finger and keyboard. Whether the numbers of a page
// are those of its document needs no browser: internal/pagetest sees to that.
//
// Run them without naming packages. Go then never answers from its cache of results,
// which does not know of the pages: they come from the l2m that the tests build.
//
//	go test                                  # skips where no Chromium is found
//	L2M_SCREENSHOTS=/tmp/shots go test       # keep pictures of what was seen
//	L2M_CHROMIUM=/path/to/chrome go test
package browser
