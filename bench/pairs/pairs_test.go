package pairs

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/token"
)

// The corpus: 20 million tokens, one document, as the peers have no documents.
const tokens = 20_000_000

var (
	distances = []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096}
	few       = []int{1, 64, 4096} // for methods that take their time
)

// rounds is how often each method runs; methods take turns, and the median
// counts.
const rounds = 3

// measurement is one run of a method, as the peers in other processes print it.
type measurement struct {
	method    string
	distance  int // tokens; 0: all of distances
	tokens    int // times distances
	wall, cpu float64
	sums
}

// sums are what methods must agree on at a distance: the number of distinct
// pairs, and the sum of their squared counts.
type sums struct{ distinct, squares int64 }

func sumsOf(h info.Histogram) (s sums) {
	for _, b := range h {
		s.distinct += b.Types
		s.squares += b.Types * b.Count * b.Count
	}
	return s
}

// measure runs a method in this process.
func measure(method string, distance, tokens int, run func() sums) measurement {
	runtime.GC()
	wall, cpu := time.Now(), cpuTime()
	s := run()
	return measurement{method, distance, tokens, time.Since(wall).Seconds(), (cpuTime() - cpu).Seconds(), s}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestPeers prints the table of docs/twopoint.md. It asserts that all methods
// count the same pairs, and no times.
//
//	cd bench && L2M_PEERS=1 go test -v -run Peers ./pairs
//
// L2M_TEXT lists folders of text, separated as in PATH, whose words are
// counted; without it tokens are synthetic. L2M_PYTHON names a Python with
// NumPy and, for its newest version, DuckDB; without it Python's peers are left
// out. Those in C++ are when there is no compiler.
func TestPeers(t *testing.T) {
	if os.Getenv("L2M_PEERS") == "" {
		t.Skip("takes minutes: set L2M_PEERS=1")
	}
	ids, what := text(t, tokens)
	t.Logf("%d tokens, vocabulary %d: %s; %d threads", len(ids), vocabulary(ids), what, threads)
	path := save(t, ids)
	db := openDuck(t, ids)
	truth := map[int]sums{}
	methods := []func() []measurement{
		func() []measurement {
			var r *count.Result
			m := measure("count", 0, len(ids)*len(distances), func() sums { r = countPairs(t, ids, distances); return sums{} })
			for _, d := range r.Distances {
				truth[d.Distance] = sumsOf(d.Joint)
			}
			return []measurement{m}
		},
		each("count", len(ids), func(d int) sums { return sumsOf(countPairs(t, ids, []int{d}).Distances[0].Joint) }),
		each("duckdb-keys", len(ids), func(d int) sums { return duckPairs(t, db, readyMade(d)) }),
		each("duckdb-tokens", len(ids), func(d int) sums { return duckPairs(t, db, formed(d)) }),
	}
	if peers := compile(t); peers != "" {
		for _, method := range []string{"partition", "limit"} {
			methods = append(methods, func() []measurement { return cppPeers(t, peers, threads, path, method, distances) })
		}
	}
	if python := os.Getenv("L2M_PYTHON"); python != "" {
		methods = append(methods, func() []measurement { return peers(t, exec.Command(python, "peers.py", strconv.Itoa(threads), path)) })
	}
	var all []measurement
	for range rounds {
		for _, run := range methods {
			for _, m := range run() {
				all = append(all, m)
				// Some peers count a part of the tokens, or nothing at all.
				if want, known := truth[m.distance]; known && m.tokens == len(ids) && m.distinct > 0 && m.sums != want {
					t.Errorf("%s finds %+v at distance %d, count %+v", m.method, m.sums, m.distance, want)
				}
			}
		}
	}
	t.Log("\n" + table(all))
	logPeak(t, path)
}

var threads = runtime.GOMAXPROCS(0)

// each runs a method at few distances, one after the other.
func each(method string, tokens int, run func(d int) sums) func() []measurement {
	return func() []measurement {
		var out []measurement
		for _, d := range few {
			out = append(out, measure(method, d, tokens, func() sums { return run(d) }))
		}
		return out
	}
}

// table holds the medians of all measurements against those of count: at all
// distances, which share its index, and at the same distance alone.
func table(all []measurement) string {
	type row struct {
		method   string
		distance int
	}
	var rows []row
	runs := map[row][]measurement{}
	for _, m := range all {
		r := row{m.method, m.distance}
		if runs[r] == nil {
			rows = append(rows, r)
		}
		runs[r] = append(runs[r], m)
	}
	rate := func(r row, seconds func(measurement) float64) float64 {
		list := slices.SortedFunc(slices.Values(runs[r]), func(a, b measurement) int { return cmp.Compare(seconds(a), seconds(b)) })
		m := list[len(list)/2]
		return float64(m.tokens) / seconds(m) / 1e6
	}
	wall := func(m measurement) float64 { return m.wall }
	cpu := func(m measurement) float64 { return m.cpu }
	var out strings.Builder
	out.WriteString("| method | d | million tokens/s per distance | per processor second | `count` is … times as fast | …, at this distance alone |\n")
	out.WriteString("|---|---:|---:|---:|---:|---:|\n")
	for _, r := range rows {
		name, alone := "all", ""
		if r.distance > 0 {
			name = strconv.Itoa(r.distance)
			alone = fmt.Sprintf("%.2f", rate(row{"count", r.distance}, wall)/rate(r, wall))
		}
		fmt.Fprintf(&out, "| %s | %s | %.1f | %.1f | %.2f | %s |\n", r.method, name, rate(r, wall), rate(r, cpu), rate(row{"count", 0}, wall)/rate(r, wall), alone)
	}
	return out.String()
}

func countPairs(t testing.TB, ids []token.ID, ds []int) *count.Result {
	r, err := count.Pairs(context.Background(), count.Documents{ids}, count.Options{Distances: ds})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// openDuck loads the tokens into a table of an in-memory database.
func openDuck(t testing.TB, ids []token.ID) *sql.DB {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	exec := func(query string) {
		if _, err := db.Exec(query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec("SET threads = " + strconv.Itoa(threads))
	exec("CREATE TABLE corpus (w UINTEGER)")
	var conn driver.Conn
	if conn, err = connector.Connect(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	appender, err := duckdb.NewAppenderFromConn(conn, "", "corpus")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if err := appender.AppendRow(uint32(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := appender.Close(); err != nil {
		t.Fatal(err)
	}
	for _, d := range few {
		exec(fmt.Sprintf("CREATE TABLE pairs%d AS %s", d, formed(d)))
	}
	return db
}

// formed are the keys of a distance, formed from the column of tokens;
// readyMade are the same from a table.
func formed(d int) string {
	return fmt.Sprintf(`SELECT (a.w::UBIGINT << 32) | b.w::UBIGINT AS k
		FROM corpus a POSITIONAL JOIN (SELECT w FROM corpus OFFSET %d) b WHERE b.w IS NOT NULL`, d)
}

func readyMade(d int) string { return fmt.Sprintf("SELECT k FROM pairs%d", d) }

// duckPairs makes the histogram of counts.
func duckPairs(t testing.TB, db *sql.DB, keys string) sums {
	rows, err := db.Query("SELECT n, count(*) FROM (SELECT count(*) AS n FROM (" + keys + ") GROUP BY k) GROUP BY n")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var h info.Histogram
	for rows.Next() {
		var b info.Bin
		if err := rows.Scan(&b.Count, &b.Types); err != nil {
			t.Fatal(err)
		}
		h = append(h, b)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return sumsOf(h)
}

// compile builds the peers in C++ and returns their path, or "" where there is
// no compiler.
func compile(t testing.TB) string {
	compiler, err := exec.LookPath("c++")
	if err != nil {
		t.Log("no c++: the peers in C++ are left out")
		return ""
	}
	// From standard input, so that the go command knows which file the result
	// of the test depends on.
	source, err := os.ReadFile("testdata/peers.cpp")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "peers")
	c := exec.Command(compiler, "-std=c++17", "-O3", "-march=native", "-pthread", "-Wall", "-Wextra", "-o", path, "-x", "c++", "-")
	c.Stdin = bytes.NewReader(source)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("compiling peers.cpp: %v\n%s", err, out)
	}
	return path
}

// cppPeers runs a method of peers.cpp; where that is at all distances, their
// sum comes first.
func cppPeers(t testing.TB, path string, threads int, tokens, method string, ds []int) []measurement {
	args := []string{strconv.Itoa(threads), tokens, method}
	for _, d := range ds {
		args = append(args, strconv.Itoa(d))
	}
	out := peers(t, exec.Command(path, args...))
	if len(ds) < len(distances) {
		return out
	}
	sum := measurement{method: out[0].method}
	for _, m := range out {
		sum.tokens += m.tokens
		sum.wall += m.wall
		sum.cpu += m.cpu
	}
	out = slices.DeleteFunc(out, func(m measurement) bool { return !slices.Contains(few, m.distance) })
	return slices.Insert(out, 0, sum)
}

// peers runs a program that prints method, distance, tokens, seconds on the
// wall, of processor time, distinct pairs, and the sum of their squared counts.
func peers(t testing.TB, c *exec.Cmd) []measurement {
	var stderr bytes.Buffer
	c.Stderr = &stderr
	text, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", c, err, &stderr)
	}
	var out []measurement
	for line := range strings.Lines(string(text)) {
		var m measurement
		if _, err := fmt.Sscan(line, &m.method, &m.distance, &m.tokens, &m.wall, &m.cpu, &m.distinct, &m.squares); err != nil {
			t.Fatalf("%s: %q: %v", c, line, err)
		}
		out = append(out, m)
	}
	return out
}

// TestPartition holds the peer in C++ to what count counts: a peer that were
// wrong would be no peer.
func TestPartition(t *testing.T) {
	program := compile(t)
	if program == "" {
		t.Skip("no compiler")
	}
	ids := synthetic(200_000)
	clear(ids[:2000])                          // one pair far more frequent than all others, and of token 0
	ds := []int{1, 64, len(ids) - 1, len(ids)} // the last without pairs
	path := save(t, ids)
	for _, threads := range []int{1, 3} {
		got := cppPeers(t, program, threads, path, "partition", ds)
		if len(got) != len(ds) {
			t.Fatalf("%d lines for %d distances", len(got), len(ds))
		}
		for i, d := range countPairs(t, ids, ds).Distances {
			if want := sumsOf(d.Joint); got[i].sums != want {
				t.Errorf("%d threads, distance %d: %+v, want %+v", threads, d.Distance, got[i].sums, want)
			}
		}
	}
	if got := cppPeers(t, program, 2, path, "limit", ds[:2]); len(got) != 2 {
		t.Errorf("limit printed %d lines for 2 distances", len(got))
	}
}
