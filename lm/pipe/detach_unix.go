//go:build unix

package pipe

import (
	"os/exec"
	"syscall"
)

// detach puts the program into its own process group.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
