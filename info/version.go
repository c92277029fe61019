package info

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version identifies a build of l2m.
type Version struct {
	Module   string // module version, "(devel)" for a build from a checkout
	Revision string // version-control revision, empty when unknown
	Modified bool   // built from a checkout with uncommitted changes
	Go       string // toolchain
	Platform string // operating system and architecture
}

// release is the version of a release, which its build sets with the linker's -X; the
// build information of one that is not made by go install does not say it.
var release string

// BuildVersion reads the version from the running binary.
func BuildVersion() Version {
	v := Version{Module: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	bi, ok := debug.ReadBuildInfo()
	if ok && bi.Main.Version != "" {
		v.Module = bi.Main.Version
	}
	if release != "" {
		v.Module = release
	}
	if !ok {
		return v
	}
	for _, s := range bi.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// Short is the version as written into results: module version and revision,
// independent of the machine.
func (v Version) Short() string {
	s := v.Module
	if v.Revision != "" && v.Module == "(devel)" {
		s += " " + v.Revision[:min(12, len(v.Revision))]
	}
	if v.Modified {
		s += "+dirty"
	}
	return s
}

// String is one line for people.
func (v Version) String() string {
	return fmt.Sprintf("l2m %s (%s, %s)", v.Short(), v.Go, v.Platform)
}
