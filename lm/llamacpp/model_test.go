package llamacpp

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// The program of these tests is this test binary, which plays l2m-llama well or
// badly; llama/ tests the real one.
const playEnv = "L2M_TEST_PLAY"

func TestMain(m *testing.M) {
	if mode := os.Getenv(playEnv); mode != "" {
		play(mode)
		return
	}
	os.Exit(m.Run())
}

func play(mode string) {
	switch mode {
	case "old":
		fmt.Println("l2m-llama 0")
	case "garbage":
		fmt.Println("llama_model_loader: loaded meta data with many words and no frame at all")
	case "bare":
		// What the Go runtime says where the binding does not find libffi.
		fmt.Fprint(os.Stderr, "panic: libffi.so.8: cannot open shared object file: No such file or directory\n\ngoroutine 1 [running]:\ngithub.com/jupiterrider/ffi.init.0()\n\t/root/ffi/init.go:26 +0x21d\n")
		os.Exit(2)
	default:
		fmt.Println(hello)
	}
	from, to := gob.NewDecoder(os.Stdin), gob.NewEncoder(os.Stdout)
	for {
		var r request
		if from.Decode(&r) != nil {
			return
		}
		a := reply{ID: r.ID}
		switch {
		case r.Cancel:
			os.WriteFile(os.Getenv("L2M_TEST_CANCELLED"), []byte("yes"), 0o600)
			continue
		case r.Open != nil:
			a.Info = modelInfo{Name: "played", Vocabulary: 10, Context: r.Open.Context, Trained: 77, Fingerprint: "f" + r.Open.KeyType, Tokenizer: "words"}
			if mode == "refuse" {
				a.Error = "opening x.gguf: not a GGUF file"
			}
		case r.Text != nil:
			for _, b := range []byte(*r.Text) {
				a.Tokens = append(a.Tokens, int32(b%10))
			}
		default:
			switch mode {
			case "crash":
				fmt.Fprint(os.Stderr, "GGML_ASSERT(n_tokens > 0) failed\nGGML_ASSERT(n_tokens > 0) failed\nSIGABRT: abort\nPC=0x7f15ee50feec m=0 sigcode=18446744073709551610\nsignal arrived during cgo execution\n\n"+strings.Repeat("rax 0x0\n", 1000))
				os.Exit(134)
			case "hang":
				continue
			case "short":
				r.Tokens = r.Tokens[1:]
			case "broken":
				a.Error = "the model gives token 1 the log-probability NaN: its weights or its computation are broken"
			}
			for _, id := range r.Tokens {
				a.Along = append(a.Along, -float32(id))
			}
			for _, b := range r.Branches {
				off := []float32{}
				for _, id := range b.Tokens {
					off = append(off, -float32(id)/2)
				}
				a.Off = append(a.Off, off)
			}
		}
		to.Encode(a)
	}
}

func openPlayed(t *testing.T, mode string) (*Model, error) {
	t.Helper()
	t.Setenv(playEnv, mode)
	m, err := Open(t.Context(), Options{Path: "x.gguf", Command: os.Args[0], Context: 99})
	if err == nil {
		t.Cleanup(func() { m.Close() })
	}
	return m, err
}

var asked = lm.Request[token.ID]{Tokens: []token.ID{1, 2, 3}, Branches: []lm.Branch[token.ID]{{At: 1, Tokens: []token.ID{4}}, {At: 0}}}

func TestAnswersAreTakenAsTheyAre(t *testing.T) {
	m, err := openPlayed(t, "well")
	if err != nil {
		t.Fatal(err)
	}
	if i := m.Info(); i.Name != "played" || i.Vocabulary != 10 || i.Context != 99 || i.BOS != lm.BOSPrepended || i.Fingerprint != "f" {
		t.Errorf("info %+v", i)
	}
	if m.TrainedContext() != 77 || m.TokenizerFingerprint() != "words" {
		t.Errorf("trained on %d tokens, of %q", m.TrainedContext(), m.TokenizerFingerprint())
	}
	for range 3 {
		s, err := m.LogProbs(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(s.Tokens, s.Branches); got != "[-1 -2 -3] [[-2] []]" {
			t.Errorf("scores %s", got)
		}
	}
	ids, err := m.Tokenize(t.Context(), []byte("ab"))
	if err != nil || fmt.Sprint(ids) != "[7 8]" {
		t.Errorf("tokens %v, %v", ids, err)
	}
	m.Close()
	if _, err := m.LogProbs(t.Context(), asked); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a closed model: %v", err)
	}
}

func TestTroubleIsTold(t *testing.T) {
	for mode, want := range map[string]string{
		"old":     `they begin with "l2m-llama 0\n", not "l2m-llama 1"`,
		"bare":    "saying: panic: libffi.so.8: cannot open shared object file: No such file or directory (install libffi: apt install libffi8",
		"refuse":  "opening x.gguf: not a GGUF file",
		"garbage": "its answers cannot be read",
		"crash":   "it ended with exit status 134, saying: GGML_ASSERT(n_tokens > 0) failed; SIGABRT: abort",
		"short":   "2 log-probabilities for 3 tokens",
		"broken":  "scoring with x.gguf: the model gives token 1",
	} {
		m, err := openPlayed(t, mode)
		if err == nil {
			_, err = m.LogProbs(t.Context(), asked)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want …%s…", mode, err, want)
		}
	}
	if _, err := Open(t.Context(), Options{Path: "x.gguf", Command: "no-such-program"}); !errors.Is(err, ErrNoEngine) || !strings.Contains(err.Error(), "go install") {
		t.Errorf("not installed: %v", err)
	}
}

// Who stops waiting says so, and the others go on.
func TestCancelled(t *testing.T) {
	told := t.TempDir() + "/told"
	t.Setenv("L2M_TEST_CANCELLED", told)
	m, err := openPlayed(t, "hang")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := m.LogProbs(ctx, asked); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if _, err := m.Tokenize(t.Context(), []byte("a")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(told); err != nil {
		t.Error("the program was not told that nobody waits")
	}
}
