package pipe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The program of these tests is this test binary, which plays a model well or
// badly.
const playEnv = "L2M_TEST_PLAY"

func TestMain(m *testing.M) {
	if mode := os.Getenv(playEnv); mode != "" {
		play(mode)
		return
	}
	os.Exit(m.Run())
}

// played is a model that describes itself by the options it was opened with, and
// scores a token by its number.
type played struct {
	options Options
	mode    string
}

func (p played) Info() Info {
	told, err := json.Marshal(p.options)
	if err != nil {
		panic(err)
	}
	return Info{Name: "played", Description: string(told), Vocabulary: 10, Context: p.options.Context}
}

func (p played) Tokenize(text string) (ids []int32) {
	for _, r := range text {
		ids = append(ids, r)
	}
	return ids
}

func (p played) LogProbs(ctx context.Context, tokens []int32, branches []Branch) (along []float32, off [][]float32, err error) {
	switch p.mode {
	case "crash":
		fmt.Fprint(os.Stderr, "GGML_ASSERT(n_tokens > 0) failed\nGGML_ASSERT(n_tokens > 0) failed\nSIGABRT: abort\nPC=0x7f15ee50feec m=0 sigcode=18446744073709551610\nsignal arrived during cgo execution\n\n"+strings.Repeat("rax 0x0\n", 1000))
		os.Exit(134)
	case "half":
		fmt.Print(`{"id":2,"scores":{"along":[-1`)
		os.Exit(1)
	case "hang":
		<-ctx.Done()
		os.WriteFile(os.Getenv("L2M_TEST_CANCELLED"), []byte("yes"), 0o600)
		return nil, nil, ctx.Err()
	case "short":
		tokens = tokens[1:]
	case "no number":
		return []float32{float32(math.NaN())}, nil, nil
	case "broken":
		return nil, nil, errors.New("its weights are broken")
	}
	along, off = []float32{}, [][]float32{}
	for _, id := range tokens {
		along = append(along, -math.Float32frombits(uint32(id)))
	}
	for _, b := range branches {
		row := []float32{}
		for range b.Tokens {
			row = append(row, -float32(b.At))
		}
		off = append(off, row)
	}
	return along, off, nil
}

func (p played) Decoded() int64 { return 7 }
func (p played) Close() error   { return nil }

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
	case "newer":
		fmt.Println(Greeting)
		fmt.Println(`{"id":1,"mood":"good"}`)
		io.Copy(io.Discard, os.Stdin)
	}
	err := Serve(os.Stdin, os.Stdout, func(o Options) (Engine, error) {
		if mode == "refuse" {
			return nil, errors.New("opening x.gguf: not a GGUF file")
		}
		return played{o, mode}, nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func start(t *testing.T, mode string) *Client {
	t.Helper()
	t.Setenv(playEnv, mode)
	c, err := Start(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// options draws a value for every field of Options, zeros among them.
func options(t *rapid.T) (o Options) {
	v := reflect.ValueOf(&o).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch f := v.Field(i); f.Kind() {
		case reflect.Int:
			f.SetInt(int64(rapid.IntRange(-1, 1).Draw(t, name)))
		case reflect.String:
			f.SetString(rapid.SampledFrom([]string{"", "0", "none", "<|endoftext|>", "ü\n\"", "q8_0"}).Draw(t, name))
		default:
			t.Fatalf("%s: options of kind %s have no values here", name, f.Kind())
		}
	}
	return o
}

// Whatever is asked for arrives in a real process, zeros too: --bos 0 is a token,
// not a missing option.
func TestEveryOptionArrives(t *testing.T) {
	t.Setenv(playEnv, "well")
	rapid.Check(t, func(t *rapid.T) {
		want := options(t)
		c, err := Start(os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		info, err := c.Open(context.Background(), want)
		if err != nil {
			t.Fatal(err)
		}
		var got Options
		if err := json.Unmarshal([]byte(info.Description), &got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Fatalf("sent %+v, arrived %+v", want, got)
		}
	})
}

// Every option but the path can be set by a flag, and no flag leaves what it says
// unset.
func TestFlagsCoverEveryOption(t *testing.T) {
	var o Options
	for _, f := range o.Flags() {
		for _, value := range []string{"q8_0,f32", "7"} {
			before := o
			if f.Set(value) == nil && o != before {
				break
			}
		}
		if f.Usage == "" || strings.ToLower(f.Name) != f.Name {
			t.Errorf("flag %+v", f)
		}
	}
	o.Path = "x.gguf"
	v := reflect.ValueOf(o)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("no flag sets %s", v.Type().Field(i).Name)
		}
	}
	for _, f := range o.Flags() {
		if f.Name == "threads" && f.Set("two") == nil {
			t.Error("two is taken for a number")
		}
		if f.Name == "bos" && (f.Set("-1") == nil || f.Set("0") != nil || o.BOS != "0") {
			t.Errorf("--bos: %q", o.BOS)
		}
	}
}

var tokens = []int32{1, 2, 3}

// Log-probabilities arrive bit by bit.
func TestNumbersArriveExactly(t *testing.T) {
	c := start(t, "well")
	if _, err := c.Open(t.Context(), Options{}); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		ask := rapid.SliceOf(rapid.Map(rapid.Float32Range(0, math.MaxFloat32), func(v float32) int32 { return int32(math.Float32bits(v)) })).Draw(t, "log-probabilities")
		s, err := c.LogProbs(context.Background(), ask, []Branch{{At: len(ask), Tokens: []int32{1, 2}}, {}})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range s.Along {
			if math.Float32bits(-v) != uint32(ask[i]) {
				t.Fatalf("%d: %g for %g", i, v, -math.Float32frombits(uint32(ask[i])))
			}
		}
		if len(s.Off[0]) != 2 || s.Off[0][1] != -float32(len(ask)) || len(s.Off[1]) != 0 || s.Decoded != 7 {
			t.Fatalf("%+v", s)
		}
	})
	ids, err := c.Tokenize(t.Context(), "aß\xff")
	if err != nil || !slices.Equal(ids, []int32{'a', 'ß', 0xFFFD}) {
		t.Errorf("tokens %v, %v", ids, err)
	}
}

func TestTroubleIsTold(t *testing.T) {
	for mode, want := range map[string]string{
		"old":       `they begin with "l2m-llama 0\n", not "l2m-llama 2"`,
		"bare":      "saying: panic: libffi.so.8: cannot open shared object file: No such file or directory (install libffi: apt install libffi8",
		"refuse":    "opening x.gguf: not a GGUF file",
		"garbage":   "its answers cannot be read",
		"newer":     `unknown field "mood" (install the program that belongs to this l2m)`,
		"crash":     "it ended with exit status 134, saying: GGML_ASSERT(n_tokens > 0) failed; SIGABRT: abort",
		"half":      "it ended with exit status 1",
		"short":     "2 log-probabilities for 3 tokens",
		"no number": "the model returned NaN for a log-probability",
		"broken":    "its weights are broken",
	} {
		c := start(t, mode)
		_, err := c.Open(t.Context(), Options{})
		if err == nil {
			_, err = c.LogProbs(t.Context(), tokens, nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want …%s…", mode, err, want)
		}
	}
	c := start(t, "well")
	c.Close()
	if _, err := c.LogProbs(t.Context(), tokens, nil); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a closed program: %v", err)
	}
	if _, err := Start("no-such-program"); err == nil {
		t.Error("a program that is not there was started")
	}
}

// Who stops waiting says so, and the others go on.
func TestCancelled(t *testing.T) {
	told := t.TempDir() + "/told"
	t.Setenv("L2M_TEST_CANCELLED", told)
	c := start(t, "hang")
	if _, err := c.Open(t.Context(), Options{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.LogProbs(ctx, tokens, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if _, err := c.Tokenize(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	c.Close() // ends the request too, and waits for it
	if _, err := os.Stat(told); err != nil {
		t.Error("the program was not told that nobody waits")
	}
}

func TestServeRefuses(t *testing.T) {
	open := func(Options) (Engine, error) { return nil, errors.New("no such file") }
	for _, in := range []string{"", `{"id":1,"tokens":[1]}`, "l2m measure, please, and quickly"} {
		if err := Serve(strings.NewReader(in), io.Discard, open); err == nil || !strings.Contains(err.Error(), "start this program from l2m") {
			t.Errorf("%q: %v", in, err)
		}
	}
	var out bytes.Buffer
	if err := Serve(strings.NewReader(`{"id":7,"open":{"path":"none.gguf"}}`), &out, open); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), Greeting+"\n"+`{"id":7,"error":"no such file"}`+"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
