package cli

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// A client that stalls has its connection closed, and holds nothing: one that sends
// its header or its body no further, one that does not read the answer, one that asks
// nothing more.
func TestStalledClientsAreLeft(t *testing.T) {
	if p := standardPatience; p.read <= 0 || p.write <= 0 || p.idle <= 0 {
		t.Errorf("%+v waits for ever", p)
	}
	const soon, never = 50 * time.Millisecond, time.Hour
	large := make([]byte, 64<<20) // more than two sockets keep
	for name, c := range map[string]struct {
		patience patience
		sends    string
		reads    bool
	}{
		"header":  {patience{soon, never, never}, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow", true},
		"body":    {patience{soon, never, never}, "POST /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nbeginning", true},
		"answer":  {patience{never, soon, never}, "GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", false},
		"silence": {patience{never, never, soon}, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan struct{}, 1)
			server := newHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/body":
					io.Copy(io.Discard, r.Body)
				case "/large":
					w.Write(large)
				}
				ended <- struct{}{}
			}), c.patience)
			closed := make(chan struct{})
			server.ConnState = func(_ net.Conn, s http.ConnState) {
				if s == http.StateClosed {
					close(closed)
				}
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go server.Serve(l)
			defer server.Close()
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, c.sends); err != nil {
				t.Fatal(err)
			}
			if c.reads {
				conn.SetReadDeadline(time.Now().Add(time.Minute))
				if _, err := io.Copy(io.Discard, bufio.NewReader(conn)); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatal("the connection stays open")
				}
			}
			wait := func(what string, c chan struct{}) {
				select {
				case <-c:
				case <-time.After(time.Minute):
					t.Fatal(what)
				}
			}
			if name != "header" {
				wait("the request does not end", ended)
			}
			wait("the server keeps the connection", closed)
		})
	}
}
