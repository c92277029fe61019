package llamacpp

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// engine is the running program.
type engine struct {
	cmd *exec.Cmd
	in  io.WriteCloser

	writing sync.Mutex
	to      *gob.Encoder

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan reply
	ended   error // why there are no more answers
	words   tail
}

// tail keeps the end of what the program writes to standard error, up to where
// the Go runtime begins to say where in the program it ended.
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

// String is the last three lines that differ.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := slices.Compact(strings.Split(strings.TrimSpace(string(t.text)), "\n"))
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}

func start(command string) (*engine, error) {
	e := &engine{cmd: exec.Command(command), waiting: map[uint64]chan reply{}}
	// Ctrl-C is for l2m, which ends the program when it has saved.
	detach(e.cmd)
	e.cmd.Env = append(os.Environ(), "GGML_NO_BACKTRACE=1") // its words are enough
	e.cmd.Stderr = &e.words
	var err error
	if e.in, err = e.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := e.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", command, err)
	}
	e.to = gob.NewEncoder(e.in)
	go e.listen(out)
	return e, nil
}

// listen hands out the answers until the program ends.
func (e *engine) listen(out io.Reader) {
	err := greeting(out)
	from := gob.NewDecoder(out)
	for err == nil {
		var r reply
		if err = from.Decode(&r); err != nil {
			break
		}
		e.mu.Lock()
		if c := e.waiting[r.ID]; c != nil {
			delete(e.waiting, r.ID)
			c <- r
		}
		e.mu.Unlock()
	}
	e.in.Close()
	if err != io.EOF {
		e.cmd.Process.Kill()
	}
	state := e.cmd.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err == io.EOF && state != nil:
		e.ended = fmt.Errorf("it ended with %v", state)
	case err == io.EOF:
		e.ended = errors.New("it ended")
	default:
		e.ended = fmt.Errorf("its answers cannot be read: %v (install the l2m-llama that belongs to this l2m)", err)
	}
	if s := e.words.String(); s != "" {
		e.ended = fmt.Errorf("%w, saying: %s", e.ended, s)
		if strings.Contains(s, "libffi") {
			e.ended = fmt.Errorf("%w (install libffi: apt install libffi8, dnf install libffi, brew install libffi)", e.ended)
		}
	}
	for _, c := range e.waiting {
		close(c)
	}
	e.waiting = nil
}

// greeting reads the line by which the program shows that it is the right one.
func greeting(out io.Reader) error {
	line := make([]byte, len(hello)+1)
	switch _, err := io.ReadFull(out, line); {
	case err == io.EOF:
		return err
	case err != nil || string(line) != hello+"\n":
		return fmt.Errorf("they begin with %q, not %q", line, hello)
	}
	return nil
}

// ask sends a request and waits for its answer.
func (e *engine) ask(ctx context.Context, r request) (reply, error) {
	c := make(chan reply, 1)
	e.mu.Lock()
	if e.ended != nil {
		defer e.mu.Unlock()
		return reply{}, fmt.Errorf("l2m-llama is gone: %w", e.ended)
	}
	e.last++
	r.ID = e.last
	e.waiting[r.ID] = c
	e.mu.Unlock()
	err := e.send(r)
	select {
	case a, ok := <-c:
		if !ok {
			e.mu.Lock()
			defer e.mu.Unlock()
			return reply{}, fmt.Errorf("l2m-llama is gone: %w", e.ended)
		}
		if a.Error != "" {
			return reply{}, errors.New(a.Error)
		}
		return a, nil
	case <-ctx.Done():
		e.mu.Lock()
		delete(e.waiting, r.ID)
		e.mu.Unlock()
		if err == nil {
			e.send(request{ID: r.ID, Cancel: true})
		}
		return reply{}, context.Cause(ctx)
	}
}

func (e *engine) send(r request) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	return e.to.Encode(r)
}

// patience is how long the program may take to end once its input has.
const patience = 5 * time.Second

func (e *engine) close() {
	e.in.Close()
	stop := time.AfterFunc(patience, func() { e.cmd.Process.Signal(os.Kill) })
	defer stop.Stop()
	for {
		e.mu.Lock()
		ended := e.ended
		e.mu.Unlock()
		if ended != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
