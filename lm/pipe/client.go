package pipe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Client is a running program, seen from l2m. Its methods are safe for concurrent use.
type Client struct {
	name string // of the program
	cmd  *exec.Cmd
	in   io.WriteCloser

	writing sync.Mutex
	to      *json.Encoder

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan reply
	ended   error         // why there will be no more answers
	gone    chan struct{} // closed when ended is set
	words   tail
}

// tail keeps the end of what the program writes to standard error, before any stack
// trace of the Go runtime.
type tail struct {
	mu   sync.Mutex
	text []byte
	over bool
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return len(p), nil
	}
	t.text = append(t.text, p...)
	for _, mark := range []string{"\nPC=", "\ngoroutine "} {
		if i := bytes.Index(t.text, []byte(mark)); i >= 0 {
			t.text, t.over = t.text[:i], true
		}
	}
	t.text = t.text[max(0, len(t.text)-2000):]
	return len(p), nil
}

// String is the last three distinct lines.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := slices.Compact(strings.Split(strings.TrimSpace(string(t.text)), "\n"))
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}

// Start runs a program that calls Serve. It must be closed.
func Start(command string) (*Client, error) {
	c := &Client{name: filepath.Base(command), cmd: exec.Command(command), waiting: map[uint64]chan reply{}, gone: make(chan struct{})}
	// Ctrl-C is for l2m, which stops the program after saving.
	detach(c.cmd)
	c.cmd.Env = append(os.Environ(), "GGML_NO_BACKTRACE=1") // its messages are enough
	c.cmd.Stderr = &c.words
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", command, err)
	}
	c.to = json.NewEncoder(c.in)
	go c.listen(out)
	return c, nil
}

// Open opens a model. It must be the first request.
func (c *Client) Open(ctx context.Context, o Options) (Info, error) {
	a, err := c.ask(ctx, request{Open: &o})
	if err != nil {
		return Info{}, err
	}
	if a.Info == nil {
		return Info{}, fmt.Errorf("%s opened a model but did not describe it", c.name)
	}
	return *a.Info, nil
}

// Tokenize returns the tokens of a text, without special tokens. Invalid UTF-8 is read
// as U+FFFD.
func (c *Client) Tokenize(ctx context.Context, text string) ([]int32, error) {
	text = strings.ToValidUTF8(text, "\uFFFD")
	a, err := c.ask(ctx, request{Text: &text})
	return a.Tokens, err
}

// LogProbs returns ln q along tokens and branches, one value per token.
func (c *Client) LogProbs(ctx context.Context, tokens []int32, branches []Branch) (Scores, error) {
	a, err := c.ask(ctx, request{Tokens: tokens, Branches: branches})
	if err != nil {
		return Scores{}, err
	}
	if a.Scores == nil {
		return Scores{}, fmt.Errorf("%s answered without log-probabilities", c.name)
	}
	s := *a.Scores
	if len(s.Along) != len(tokens) || len(s.Off) != len(branches) {
		return Scores{}, fmt.Errorf("%d log-probabilities for %d tokens and %d branches for %d", len(s.Along), len(tokens), len(s.Off), len(branches))
	}
	for i, b := range branches {
		if len(s.Off[i]) != len(b.Tokens) {
			return Scores{}, fmt.Errorf("%d log-probabilities for the %d tokens of branch %d", len(s.Off[i]), len(b.Tokens), i)
		}
	}
	return s, nil
}

// listen dispatches the answers until the program ends.
func (c *Client) listen(out io.Reader) {
	err := greeting(out)
	from := json.NewDecoder(out)
	from.DisallowUnknownFields()
	for err == nil {
		var r reply
		if err = from.Decode(&r); err != nil {
			break
		}
		c.mu.Lock()
		if answer := c.waiting[r.ID]; answer != nil {
			delete(c.waiting, r.ID)
			answer <- r
		}
		c.mu.Unlock()
	}
	c.in.Close()
	if errors.Is(err, io.ErrUnexpectedEOF) { // it ended in the middle of an answer
		err = io.EOF
	}
	if err != io.EOF {
		c.cmd.Process.Kill()
	}
	state := c.cmd.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == io.EOF && state != nil:
		c.ended = fmt.Errorf("it ended with %v", state)
	case err == io.EOF:
		c.ended = errors.New("it ended")
	default:
		c.ended = fmt.Errorf("its answers cannot be read: %v (install the program that belongs to this l2m)", err)
	}
	if s := c.words.String(); s != "" {
		c.ended = fmt.Errorf("%w, saying: %s", c.ended, s)
		if strings.Contains(s, "libffi") {
			c.ended = fmt.Errorf("%w (install libffi: apt install libffi8, dnf install libffi, brew install libffi)", c.ended)
		}
	}
	for _, answer := range c.waiting {
		close(answer)
	}
	c.waiting = nil
	close(c.gone)
}

// greeting checks the line by which the program identifies itself.
func greeting(out io.Reader) error {
	line := make([]byte, len(Greeting)+1)
	switch _, err := io.ReadFull(out, line); {
	case err == io.EOF:
		return err
	case err != nil || string(line) != Greeting+"\n":
		return fmt.Errorf("they begin with %q, not %q", line, Greeting)
	}
	return nil
}

// ask sends a request and waits for its answer.
func (c *Client) ask(ctx context.Context, r request) (reply, error) {
	answer := make(chan reply, 1)
	c.mu.Lock()
	if c.ended != nil {
		defer c.mu.Unlock()
		return reply{}, fmt.Errorf("%s is gone: %w", c.name, c.ended)
	}
	c.last++
	r.ID = c.last
	c.waiting[r.ID] = answer
	c.mu.Unlock()
	err := c.send(r)
	select {
	case a, ok := <-answer:
		if !ok {
			c.mu.Lock()
			defer c.mu.Unlock()
			return reply{}, fmt.Errorf("%s is gone: %w", c.name, c.ended)
		}
		if a.Error != "" {
			return reply{}, errors.New(a.Error)
		}
		return a, nil
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.waiting, r.ID)
		c.mu.Unlock()
		if err == nil {
			c.send(request{ID: r.ID, Cancel: true})
		}
		return reply{}, context.Cause(ctx)
	}
}

func (c *Client) send(r request) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.to.Encode(r)
}

// patience is how long the program may take to end after its input is closed.
const patience = 5 * time.Second

// Close ends the program and waits for it.
func (c *Client) Close() {
	c.in.Close()
	stop := time.AfterFunc(patience, func() { c.cmd.Process.Signal(os.Kill) })
	defer stop.Stop()
	<-c.gone
}
