// Package serve shows the runs of a folder in a browser: a list with live
// progress, their reports, their files, and chosen runs side by side.
//
// It only reads, and only what runs are known to consist of: requests name a run
// (a folder below the root) and one of its files from a fixed list, and the
// system resolves both inside the root ([os.Root]), so that no link, dot or
// encoding leads out of it. Every page gets a content security policy; reports,
// which may have been made elsewhere, are also put into a sandbox, from where they
// can neither read other runs nor send anything. Requests that name this machine
// by a name it does not have are refused, so that no page of another site can
// have its own name resolved to here.
//
// Progress is read from what runs leave while they work: of l2m measure the
// number of windows in run.json and the rows of the parts in scores/, of l2m
// calibrate the files in repetitions/, of l2m twopoint only that it is counting.
// What was read of a file is kept until its size or date change; parts of scores
// never change, so that a look at a running measurement reads only new parts.
package serve
