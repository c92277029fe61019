package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/l2m-lab/l2m/beam/twopoint"
)

// What makes no sense is refused in a line, before anything runs.
func TestBadFlags(t *testing.T) {
	for want, c := range map[string]struct {
		sample    float64
		distances string
	}{
		"--sample: 0 counts no documents":           {0, "1"},
		"the sample must be between 0 and 1, not 2": {2, "1"},
		`--distances: "" is not a number`:           {1, "1,,2"},
	} {
		out := filepath.Join(t.TempDir(), "counts.json")
		o := twopoint.Options{Input: "*.go", Output: out, Tokens: "words", Sample: c.sample}
		if err := run(o, c.distances); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: a file of counts was written", want)
		}
	}
}

// Prism and Flink write the same file, byte by byte. L2M_FLINK=1 starts Beam's
// job server with an embedded Flink, which needs Java, Maven and a registry.
func TestFlink(t *testing.T) {
	if os.Getenv("L2M_FLINK") == "" {
		t.Skip("set L2M_FLINK=1 to run on an embedded Flink (Java, Maven, 160 MB of jars)")
	}
	server := exec.Command("../flink/jobserver.sh")
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	defer server.Process.Kill()
	for {
		c, err := net.Dial("tcp", "localhost:8099")
		if err == nil {
			c.Close()
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("the job server ended: %v\n%s", err, log.Bytes())
		case <-time.After(100 * time.Millisecond):
		}
	}

	dir := t.TempDir()
	command := filepath.Join(dir, "l2m-twopoint-beam")
	if out, err := exec.Command("go", "build", "-o", command, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 20 {
		var b bytes.Buffer
		for range 2000 {
			fmt.Fprintf(&b, "w%d ", rng.IntN(1+rng.IntN(300)))
		}
		if i == 0 { // what is not UTF-8 must come through
			for range 2000 {
				b.WriteByte(byte(rng.IntN(256)))
			}
		}
		name, content := fmt.Sprintf("%d.txt", i), b.Bytes()
		if i%2 == 1 {
			z, err := zstd.NewWriter(nil)
			if err != nil {
				t.Fatal(err)
			}
			name, content = name+".zst", z.EncodeAll(content, nil)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) []byte {
		out := filepath.Join(dir, name)
		args = append(args, "--input", filepath.Join(dir, "*.txt*"), "--distances", "1,7,500", "--output", out)
		if log, err := exec.Command(command, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, log)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, tokens := range [][]string{
		{"--tokens=words"},
		{"--tokens=bytes"},
		{"--tokens=../../token/vocabulary/testdata/cl100k_base.tiktoken", "--sample=0.6", "--seed=2"},
	} {
		prism := run("prism.json", append(tokens, "--runner=prism")...)
		flink := run("flink.json", append(tokens, "--runner=universal", "--endpoint=localhost:8099", "--environment_type=LOOPBACK")...)
		if !bytes.Equal(prism, flink) {
			t.Errorf("%v: Prism wrote\n%s\nand Flink\n%s", tokens, prism, flink)
		}
	}
}
