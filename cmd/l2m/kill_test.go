package main

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestKilledRunsContinue kills a run at ten random instants with SIGKILL and
// continues it: nothing is lost, nothing is counted twice, and the result is
// that of an undisturbed run, byte for byte.
func TestKilledRunsContinue(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	dir := t.TempDir()
	l2m := filepath.Join(dir, "l2m")
	if out, err := exec.Command("go", "build", "-o", l2m, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	src := filepath.Join(goroot(t), "src")
	run := func(ctx context.Context, out string) error {
		cmd := exec.CommandContext(ctx, l2m, "measure", filepath.Join(src, "strings"), filepath.Join(src, "bytes"),
			"--length", "1024", "--windows", "80", "--draws", "200", "--figures", "svg", "--training-bytes", "100k", "-o", filepath.Join(dir, out))
		output, err := cmd.CombinedOutput() // the context kills with SIGKILL
		if err != nil && ctx.Err() == nil {
			t.Fatalf("%v\n%s", err, output)
		}
		return err
	}
	begin := time.Now()
	if err := run(context.Background(), "whole"); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(begin)
	const seed = 1 // printed on failure; instants also depend on the machine
	rng := rand.New(rand.NewPCG(seed, 0))
	for kills := 0; kills < 10; {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rng.Float64()*float64(whole)))
		err := run(ctx, "killed")
		cancel()
		var exit *exec.ExitError
		switch {
		case err == nil:
			// It ended before the kill: start the work again from nothing.
			compareFiles(t, dir, "results.json")
			if err := os.RemoveAll(filepath.Join(dir, "killed")); err != nil {
				t.Fatal(err)
			}
		case errors.As(err, &exit):
			kills++
		case errors.Is(err, context.DeadlineExceeded):
			// The kill came before the process began, or after all its work was done,
			// while it was exiting: it met nothing, and does not count.
		default:
			t.Fatal(err)
		}
	}
	if err := run(context.Background(), "killed"); err != nil {
		t.Fatal(err)
	}
	compareFiles(t, dir, "results.json")
	compareFiles(t, dir, "estimates.csv")
	compareFiles(t, dir, "report.html")
}

// compareFiles compares a file of the undisturbed and of the killed run.
func compareFiles(t *testing.T, dir, name string) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join(dir, "whole", name))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "killed", name))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s of the killed run differs from that of the whole one", name)
	}
}
