package openai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

var _ lm.Model[token.ID] = (*Model)(nil)

func mustOpen(t *testing.T, o Options) *Model {
	t.Helper()
	m, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// window is request number i of a small run: a sequence, a marginal branch, a
// cross branch, an empty one, and the vocabulary's last token.
func window(i int) lm.Request[token.ID] {
	ids := make([]token.ID, 12)
	for j := range ids {
		ids[j] = token.ID((5*i + 7*j*j + 2) % vocabulary)
	}
	return lm.Request[token.ID]{Tokens: ids, Branches: []lm.Branch[token.ID]{
		{At: 0, Tokens: ids[6:]}, {At: 4, Tokens: []token.ID{9, vocabulary - 1, 2}}, {At: 12, Tokens: nil}, {At: 12, Tokens: []token.ID{3}}}}
}

// checkWindow compares with the closed form of the bigram model.
func checkWindow(t *testing.T, seed, i int, s lm.Scores) {
	t.Helper()
	r := window(i)
	if want := truth(seed, r.Tokens, 0); !slices.Equal(s.Tokens, want) {
		t.Errorf("window %d: got %v, want %v", i, s.Tokens, want)
	}
	if len(s.Branches) != len(r.Branches) {
		t.Fatalf("window %d: %d branches, want %d", i, len(s.Branches), len(r.Branches))
	}
	for b, br := range r.Branches {
		want := truth(seed, slices.Concat(r.Tokens[:br.At], br.Tokens), br.At)
		if !slices.Equal(s.Branches[b], want) {
			t.Errorf("window %d, branch %d: got %v, want %v", i, b, s.Branches[b], want)
		}
	}
}

// run scores n windows from several goroutines.
func run(ctx context.Context, m *Model, n, workers int) ([]lm.Scores, error) {
	out := make([]lm.Scores, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	next := make(chan int)
	for range workers {
		wg.Go(func() {
			for i := range next {
				out[i], errs[i] = m.LogProbs(ctx, window(i))
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return out, errors.Join(errs...)
}

func TestDialectsGiveTheModelsOwnLogProbs(t *testing.T) {
	for mode, want := range map[string]Dialect{"vllm": VLLM, "sglang": SGLang, "echo": Echo, "prepends": VLLM} {
		t.Run(mode, func(t *testing.T) {
			p := startServer(t, mode)
			m := mustOpen(t, quick(p))
			if m.Dialect() != want {
				t.Errorf("dialect %q found, want %q", m.Dialect(), want)
			}
			if i := m.Info(); i.Name != "bigram" || i.BOS != lm.BOSPrepended || i.Context != 62 || i.Fingerprint == "" {
				t.Errorf("info %+v", i)
			}
			out, err := run(t.Context(), m, 8, 3)
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range out {
				checkWindow(t, 3, i, s)
			}
			if mode == "prepends" {
				return // it has no tokenizer to ask, nor a need to know BOS
			}
			ids, err := m.Tokenize(t.Context(), "ab")
			if want := []token.ID{'a' % vocabulary, 'b' % vocabulary}; err != nil || !slices.Equal(ids, want) {
				t.Errorf("Tokenize: %v, %v, want %v", ids, err, want)
			}
		})
	}
}

// SGLang is asked only for the tail of a branch: 12 + 6 + 3 + 1 tokens and, of
// each of the four prompts, the token before them.
func TestSGLangReturnsOnlyTails(t *testing.T) {
	p := startServer(t, "sglang")
	m := mustOpen(t, quick(p))
	before := p.stats(t)
	if _, err := m.LogProbs(t.Context(), window(0)); err != nil {
		t.Fatal(err)
	}
	after := p.stats(t)
	if got, want := after.Positions-before.Positions, 12+6+3+1+4; got != want {
		t.Errorf("%d positions returned, want %d", got, want)
	}
}

func TestFingerprintIsOfTheModelNotOfTheDialect(t *testing.T) {
	v, s := mustOpen(t, quick(startServer(t, "vllm"))), mustOpen(t, quick(startServer(t, "sglang")))
	if v.Info().Fingerprint != s.Info().Fingerprint {
		t.Error("the same model has two fingerprints in two dialects")
	}
	o := quick(startServer(t, "vllm"))
	o.Revision = "abc"
	p := o
	p.Revision, p.BOS = "", "2"
	for _, o := range []Options{o, p} {
		if mustOpen(t, o).Info().Fingerprint == v.Info().Fingerprint {
			t.Errorf("revision %q and BOS %v do not change the fingerprint", o.Revision, o.BOS)
		}
	}
}

func TestServersWithoutPromptLogProbsAreNamed(t *testing.T) {
	for mode, want := range map[string]string{
		"llamacpp": "llama-server, which has no such answer; give the GGUF file itself (--model FILE.gguf)",
		"chat":     "chat-only servers cannot",
		"text":     "llama-cpp-python takes no token ids",
		"pydantic": "llama-cpp-python takes no token ids; for a GGUF file, give the file itself: --model FILE.gguf",
	} {
		o := quick(startServer(t, mode))
		if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "gave up after") {
			t.Errorf("%s: error %v does not say %q at once", mode, err, want)
		} else if advice, _, found := strings.Cut(err.Error(), "It was asked"); !found || !strings.Contains(advice, want) {
			t.Errorf("%s: error %v: the server's words stand before the advice", mode, err)
		}
	}
}

// Without a known BOS the first token of a sequence has no log-probability.
func TestBOSIsFoundOrAskedFor(t *testing.T) {
	for mode, want := range map[string]string{"vllm-tokenless": "the server has no /tokenize", "vllm-bosless": "puts no token before a text"} {
		o := quick(startServer(t, mode))
		if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--bos") {
			t.Errorf("%s: error %v does not say %q", mode, err, want)
		}
		o.BOS = lm.BOSChoice(fmt.Sprint(testBOS))
		m := mustOpen(t, o)
		s, err := m.LogProbs(t.Context(), window(2))
		if err != nil {
			t.Fatal(err)
		}
		checkWindow(t, 3, 2, s)
		_, err = m.Tokenize(t.Context(), "a")
		if has := mode == "vllm-bosless"; has != (err == nil) || !has && !strings.Contains(err.Error(), "use a local tokenizer") {
			t.Errorf("%s: Tokenize: %v", mode, err)
		}
	}
}

// What precedes a prompt may be named by its number, 0 too, and by its name; or
// nothing does, and first tokens have the probability 1/vocabulary.
func TestBOSIsChosen(t *testing.T) {
	p := startServer(t, "vllm")
	tokens := []token.ID{5, 9, 2}
	for choice, first := range map[lm.BOSChoice]int{"0": 0, "7": 7, "a": 'a' % vocabulary, lm.BOSNone: -1} {
		o := quick(p)
		o.BOS, o.Vocabulary = choice, vocabulary
		m := mustOpen(t, o)
		s, err := m.LogProbs(t.Context(), lm.Request[token.ID]{Tokens: tokens, Branches: []lm.Branch[token.ID]{{At: 0, Tokens: tokens[1:]}, {At: 1, Tokens: tokens[2:]}, {At: 0, Tokens: tokens[:1]}}})
		if err != nil {
			t.Fatal(err)
		}
		start := func(id int) float64 {
			if first < 0 {
				return -math.Log(vocabulary)
			}
			return bigram(3, first, id)
		}
		want := [][]float64{{start(5), bigram(3, 5, 9), bigram(3, 9, 2)}, {start(9), bigram(3, 9, 2)}, {bigram(3, 5, 2)}, {start(5)}}
		for i, got := range append([][]float32{s.Tokens}, s.Branches...) {
			if len(got) != len(want[i]) {
				t.Fatalf("--bos %s: %d log-probabilities, want %d", choice, len(got), len(want[i]))
			}
			for j := range got {
				if math.Abs(float64(got[j])-want[i][j]) > 1e-5 {
					t.Errorf("--bos %s: row %d, token %d: %g, want %g", choice, i, j, got[j], want[i][j])
				}
			}
		}
		rule, known := lm.BOSPrepended, fmt.Sprint(first)
		if first < 0 {
			rule, known = lm.FirstUniform, ""
		}
		if i := m.Info(); i.BOS != rule || i.BOSToken != known {
			t.Errorf("--bos %s: info %+v", choice, i)
		}
	}
	for choice, want := range map[lm.BOSChoice]string{lm.BOSNone: "--tokenizer", "-1": "not the id of a token", "ab": "is not one token"} {
		o := quick(p)
		o.BOS = choice
		if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--bos %s: %v, want …%s…", choice, err, want)
		}
	}
}

// An endpoint that is away leaves the work to the other one.
func TestAnAbsentEndpointIsNoObstacle(t *testing.T) {
	p := startServer(t, "vllm")
	o := quick(p)
	o.Endpoints = append([]string{"http://127.0.0.1:1"}, o.Endpoints...)
	out, err := run(t.Context(), mustOpen(t, o), 4, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range out {
		checkWindow(t, 3, i, s)
	}
	o.Endpoints, o.RetryFor = o.Endpoints[:1], 10*time.Millisecond
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "gave up after") || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("no server at all: %v", err)
	}
}

// Every passing fault leaves the results as they are without it.
func TestPassingFaultsChangeNothing(t *testing.T) {
	for _, mode := range []string{"vllm", "sglang", "echo"} {
		p := startServer(t, mode)
		for _, f := range []fault{
			{Kind: "429", Count: 3}, {Kind: "429", Count: 1, RetryAfter: "0.05"}, {Kind: "500", Count: 2}, {Kind: "503", Count: 2, RetryAfter: "0"},
			{Kind: "hang", Count: 1}, {Kind: "reset", Count: 3}, {Kind: "truncated", Count: 2}, {Kind: "html", Count: 1},
		} {
			t.Run(mode+"/"+f.Kind, func(t *testing.T) {
				p.set(t, fault{})
				o := quick(p)
				if f.Kind == "hang" {
					o.Timeout = 300 * time.Millisecond
				}
				m := mustOpen(t, o)
				f.Skip = 5
				before := p.stats(t)
				p.set(t, f)
				out, err := run(t.Context(), m, 6, 3)
				if err != nil {
					t.Fatal(err)
				}
				for i, s := range out {
					checkWindow(t, 3, i, s)
				}
				after := p.stats(t)
				if bad := after.Received - before.Received - (after.Scored - before.Scored); bad != f.Count {
					t.Errorf("%d faults happened, want %d", bad, f.Count)
				}
			})
		}
	}
}

// Every fault that lasts ends the run, and the error says what the server did.
func TestLastingFaultsAreTold(t *testing.T) {
	for _, mode := range []string{"vllm", "sglang", "echo"} {
		for kind, want := range map[string]string{
			"count":    "returned log-probabilities of 11 tokens, 12 were sent",
			"null":     "returned null for the log-probability at position",
			"nan":      "holds NaN in place of a number",
			"positive": "above 0",
			"clamped":  "minus infinity",
			"ids":      "token",
			"swap":     `from model "other", the first answer was from "bigram"`,
			"400":      "maximum context length is 64 tokens (choose a shorter length",
			"401":      "check the API key",
			"reseed":   "differ by",
		} {
			t.Run(mode+"/"+kind, func(t *testing.T) {
				t.Parallel()
				p := startServer(t, mode)
				m := mustOpen(t, quick(p))
				before := p.stats(t).Received
				p.set(t, fault{Kind: kind, Count: 1})
				r := lm.Request[token.ID]{Tokens: window(1).Tokens[:11]}
				s, err := m.LogProbs(t.Context(), r)
				if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), p.url) {
					t.Fatalf("got %v, %v; the error must say %q and name the server", s, err, want)
				}
				var e *ServerError
				if !errors.As(err, &e) || e.Temporary {
					t.Errorf("%v is not a lasting *ServerError", err)
				}
				// A weight change shows at the test prompt after the lost
				// connection; everything else at the first answer.
				allowed := 1
				if kind == "reseed" {
					allowed = 2
				}
				if got := p.stats(t).Received - before; got != allowed {
					t.Errorf("%d scoring requests made, want %d", got, allowed)
				}
			})
		}
	}
}

func TestAServerThatStaysAwayIsGivenUp(t *testing.T) {
	p := startServer(t, "vllm")
	o := quick(p)
	o.RetryFor = 60 * time.Millisecond
	m := mustOpen(t, o)
	p.set(t, fault{Kind: "500", Count: 1 << 30})
	_, err := m.LogProbs(t.Context(), window(0))
	if err == nil || !strings.Contains(err.Error(), "gave up after") || !strings.Contains(err.Error(), "out of order") {
		t.Errorf("got %v", err)
	}
}

func TestSeveralServersShareTheWorkAndCoverForEachOther(t *testing.T) {
	a, b := startServer(t, "vllm"), startServer(t, "vllm")
	m := mustOpen(t, quick(a, b))
	if _, err := run(t.Context(), m, 30, 6); err != nil {
		t.Fatal(err)
	}
	if x, y := a.stats(t).Scored, b.stats(t).Scored; x < 10 || y < 10 {
		t.Errorf("%d and %d requests: not shared", x, y)
	}
	b.set(t, fault{Kind: "reset", Count: 1 << 30})
	out, err := run(t.Context(), m, 10, 4)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range out {
		checkWindow(t, 3, i, s)
	}
}

func TestServersOfDifferentModelsAreRefused(t *testing.T) {
	a, b := startServer(t, "vllm"), startServer(t, "vllm+8")
	_, err := Open(t.Context(), quick(a, b))
	if err == nil || !strings.Contains(err.Error(), "not the same weights") {
		t.Errorf("got %v", err)
	}
}

// A server that is replaced while nothing is asked breaks no request: its successor is
// known by the new connection, and nothing it says is taken.
func TestAServerReplacedBetweenRequestsIsNoticed(t *testing.T) {
	for successor, want := range map[string]string{"vllm": "", "vllm+8": "not the same weights"} {
		first, second := startServer(t, "vllm"), startServer(t, successor)
		router := listen(t, strings.TrimPrefix(first.url, "http://"))
		m := mustOpen(t, quick(&process{"http://" + router.Addr().String()}))
		if _, err := m.LogProbs(t.Context(), window(0)); err != nil {
			t.Fatal(err)
		}
		router.moveTo(strings.TrimPrefix(second.url, "http://"))
		s, err := m.LogProbs(t.Context(), window(1))
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("then %s: %v", successor, err)
		case want == "":
			checkWindow(t, 3, 1, s)
		}
	}
}

// router passes connections on to an address.
type router struct {
	net.Listener
	mu   sync.Mutex
	to   string
	open []net.Conn
}

func listen(t *testing.T, to string) *router {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	r := &router{Listener: l, to: to}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			out, err := net.Dial("tcp", r.to)
			r.open = append(r.open, in)
			r.mu.Unlock()
			if err != nil {
				in.Close()
				continue
			}
			go func() { io.Copy(out, in); out.Close() }()
			go func() { io.Copy(in, out); in.Close() }()
		}
	}()
	return r
}

// moveTo ends all connections, and passes new ones on to another address.
func (r *router) moveTo(to string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to = to
	for _, c := range r.open {
		c.Close()
	}
	time.Sleep(100 * time.Millisecond) // until the client has noticed
}

func TestAKeyIsSentAndNeverShown(t *testing.T) {
	p := startServer(t, "vllm")
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("sesame-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("L2M_TEST_KEY", "sesame-secret")
	for _, o := range []Options{{APIKeyEnv: "L2M_TEST_KEY"}, {APIKeyFile: file}} {
		q := quick(p)
		q.APIKeyEnv, q.APIKeyFile = o.APIKeyEnv, o.APIKeyFile
		before := p.stats(t)
		m := mustOpen(t, q)
		if s := p.stats(t); s.Authorised == before.Authorised || s.Authorised-before.Authorised != s.Received-before.Received {
			t.Errorf("%d of %d requests carried the key", s.Authorised-before.Authorised, s.Received-before.Received)
		}
		p.set(t, fault{Kind: "401", Count: 1})
		_, err := m.LogProbs(t.Context(), window(0))
		if err == nil || !strings.Contains(err.Error(), "[API key]") || strings.Contains(fmt.Sprintf("%v %+v", err, m.Info()), "sesame") {
			t.Errorf("got %v", err)
		}
	}
	t.Setenv("L2M_TEST_KEY", "sesame secret")
	for _, o := range []Options{{APIKeyEnv: "L2M_TEST_KEY"}, {APIKeyEnv: "L2M_TEST_NONE"}, {APIKeyFile: file + "x"}, {APIKeyEnv: "A", APIKeyFile: file}} {
		o.Endpoints = []string{p.url}
		if _, err := Open(t.Context(), o); err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestBadOptionsAndRequests(t *testing.T) {
	for _, e := range [][]string{nil, {"localhost:8000"}, {"http://user:sesame@h/v1"}, {"http://h/v1?key=sesame"}, {"http://h/v1", "http://h/"}} {
		if _, err := Open(t.Context(), Options{Endpoints: e}); err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: %v", e, err)
		}
	}
	p := startServer(t, "vllm")
	o := quick(p)
	o.Model = "other"
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "it serves: bigram") {
		t.Errorf("wrong model: %v", err)
	}
	m := mustOpen(t, quick(p))
	if _, err := m.LogProbs(t.Context(), lm.Request[token.ID]{Tokens: make([]token.ID, 63)}); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("too long: %v", err)
	}
	if _, err := m.LogProbs(t.Context(), lm.Request[token.ID]{Branches: []lm.Branch[token.ID]{{At: 1}}}); err == nil {
		t.Error("a branch past the end is accepted")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	p.set(t, fault{Kind: "hang", Count: 1 << 30})
	stop := errors.New("enough")
	time.AfterFunc(20*time.Millisecond, func() { cancel(stop) })
	if _, err := m.LogProbs(ctx, window(0)); !errors.Is(err, stop) {
		t.Errorf("cancelled: %v", err)
	}
}
