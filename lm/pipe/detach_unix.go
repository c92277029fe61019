//go:build unix

package pipe

import (
	"os/exec"
	"syscall"
)

// detach puts the program into a process group of its own.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
