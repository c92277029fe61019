//go:build !unix

package llamacpp

import "os/exec"

func detach(*exec.Cmd) {}
