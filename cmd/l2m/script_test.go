package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	if os.Getenv(serverEnv) != "" {
		serveModel()
		return
	}
	if os.Getenv(mainEnv) != "" {
		main()
		return
	}
	testscript.Main(m, map[string]func(){"l2m": main})
}

// TestScripts types the commands of testdata/script as a user would.
func TestScripts(t *testing.T) {
	shared, err := filepath.Abs("../../../shared")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("SHARED", shared)
			env.Setenv("GOSRC", filepath.Join(goroot(t), "src"))
			env.Setenv("NO_COLOR", "1")
			vocabularies, err := filepath.Abs("../../token/vocabulary/testdata")
			if err != nil {
				return err
			}
			env.Setenv("VOCABULARIES", vocabularies)
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "shared": // real data beside the checkout
				_, err := os.Stat(shared)
				return err == nil, nil
			}
			return false, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exitcode":    exitCode,
			"stderrlines": stderrLines,
			"modelserver": modelServer,
			"runbatch":    runBatch,
			"runpasses":   runPasses,
			"nothing":     nothing,
		},
	})
}

// goroot is the folder of the Go toolchain, whose source tree is test data.
func goroot(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env GOROOT: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// exitCode: "exitcode N command args…" runs a command that must end with code N.
func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%v: exit code %d, want %d", args[1:], got, want)
	}
}

// stderrLines: "stderrlines N" says that the last command wrote N lines to
// standard error.
func stderrLines(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := strings.Count(ts.ReadFile("stderr"), "\n"); got != want {
		ts.Fatalf("%d lines on standard error, want %d", got, want)
	}
}
