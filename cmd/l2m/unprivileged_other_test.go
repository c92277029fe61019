//go:build !unix

package main

import (
	"os/exec"
	"testing"
)

// unprivileged says why no command is run without rights.
func unprivileged(*testing.T) (prepare func(t *testing.T, cmd *exec.Cmd, dir string), why string) {
	return nil, "folders have no permissions here"
}

func sharedDir(t *testing.T) string { return t.TempDir() }
