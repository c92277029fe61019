package l2m

import "github.com/l2m-lab/l2m/info"

// Progress is one report of a long job.
type Progress = info.Progress

// ProgressFunc receives progress.
type ProgressFunc = info.ProgressFunc

// Version says which l2m this is.
type Version = info.Version

// BuildVersion reads the version from the running binary.
func BuildVersion() Version { return info.BuildVersion() }
