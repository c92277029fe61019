package llamacpp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/pipe"
	"github.com/l2m-lab/l2m/token"
)

// The program of these tests is this test binary; llama/ tests the real one.
const playEnv = "L2M_TEST_PLAY"

func TestMain(m *testing.M) {
	if os.Getenv(playEnv) != "" {
		err := pipe.Serve(os.Stdin, os.Stdout, func(o pipe.Options) (pipe.Engine, error) { return played(o), nil })
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// played scores token n at −n along a sequence, and at −n/2 off it.
type played pipe.Options

func (p played) Info() pipe.Info {
	i := pipe.Info{Name: "played", File: "x.gguf", FileType: "Q4_1", FileHash: "sha256:00", Vocabulary: 10, Context: p.Context, Trained: 77,
		BOS: -1, BOSReason: "none was asked for", Fingerprint: "f" + p.KeyType, Tokenizer: "words"}
	if id, ok := p.BOS.ID(); ok {
		i.BOS, i.BOSText, i.BOSReason = int32(id), "<|start|>", "asked for"
	}
	return i
}

func (p played) Tokenize(text string) (ids []int32) {
	for _, b := range []byte(text) {
		ids = append(ids, int32(b%10))
	}
	return ids
}

func (p played) LogProbs(_ context.Context, tokens []int32, branches []pipe.Branch) (along []float32, off [][]float32, err error) {
	along = []float32{}
	for _, id := range tokens {
		along = append(along, -float32(id))
	}
	for _, b := range branches {
		row := []float32{}
		for _, id := range b.Tokens {
			row = append(row, -float32(id)/2)
		}
		off = append(off, row)
	}
	return along, off, nil
}

func (p played) Decoded() int64 { return 3 }
func (p played) Close() error   { return nil }

func open(t *testing.T, o pipe.Options) *Model {
	t.Helper()
	t.Setenv(playEnv, "yes")
	o.Path = "models/x.gguf"
	m, err := Open(t.Context(), Options{Options: o, Command: os.Args[0]})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func TestAnswersAreTakenAsTheyAre(t *testing.T) {
	m := open(t, pipe.Options{Context: 99, BOS: "0"})
	want := lm.Info{Name: "played", Vocabulary: 10, Context: 99, BOS: lm.BOSPrepended, BOSToken: "0 <|start|>",
		File: "x.gguf", FileType: "Q4_1", FileHash: "sha256:00", Fingerprint: "f"}
	if i := m.Info(); i != want {
		t.Errorf("info %+v, want %+v", i, want)
	}
	if m.TrainedContext() != 77 || m.TokenizerFingerprint() != "words" || m.BOSReason() != "asked for" {
		t.Errorf("trained on %d tokens, of %q; BOS %s", m.TrainedContext(), m.TokenizerFingerprint(), m.BOSReason())
	}
	asked := lm.Request[token.ID]{Tokens: []token.ID{1, 2, 3}, Branches: []lm.Branch[token.ID]{{At: 1, Tokens: []token.ID{4}}, {At: 0}}}
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
	if _, err := m.LogProbs(t.Context(), asked); err == nil || !strings.Contains(err.Error(), "scoring with models/x.gguf") || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a closed model: %v", err)
	}
}

func TestNothingBeforeASequence(t *testing.T) {
	if i := open(t, pipe.Options{BOS: lm.BOSNone}).Info(); i.BOS != lm.FirstUniform || i.BOSToken != "" {
		t.Errorf("info %+v", i)
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(t.Context(), Options{Command: "no-such-program"}); !errors.Is(err, ErrNoEngine) || !strings.Contains(err.Error(), "go -C llama install") {
		t.Errorf("not installed: %v", err)
	}
	if _, err := Open(t.Context(), Options{Options: pipe.Options{BOS: "-1"}, Command: os.Args[0]}); err == nil || !strings.Contains(err.Error(), "--bos") {
		t.Errorf("BOS -1: %v", err)
	}
}
