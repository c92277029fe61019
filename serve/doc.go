// Package serve shows the runs of a folder in a browser: a list with live
// progress, their reports, and chosen runs side by side.
//
// It only reads, and only what runs are known to consist of: requests name a run
// (a folder below the root) and one of its files from a fixed list, and the
// system resolves both inside the root ([os.Root]), so that no link, dot or
// encoding leads out of it. Pages get a content security policy that allows their
// own style and script, by hash, and nothing else.
package serve
