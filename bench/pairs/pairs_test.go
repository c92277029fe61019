package pairs

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/l2m-lab/l2m/count"
	"github.com/l2m-lab/l2m/token"
)

// The corpus: 20 million tokens, one document, as the peers have no documents.
const tokens = 20_000_000

var distances = []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096}

// rounds is how often each method runs; methods take turns, and the median
// counts.
const rounds = 3

// measurement is one run of a method over all distances, or some of them.
type measurement struct{ wall, cpu time.Duration }

func cpuTime(who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
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
// NumPy; without it Python's peers are left out.
func TestPeers(t *testing.T) {
	if os.Getenv("L2M_PEERS") == "" {
		t.Skip("takes minutes: set L2M_PEERS=1")
	}
	ids, what := text(t, tokens)
	t.Logf("%d tokens, vocabulary %d: %s", len(ids), vocabulary(ids), what)
	db := openDuck(t, ids)
	methods := []struct {
		name string
		ds   []int
		run  func(ds []int) []int64
	}{
		{"count", distances, func(ds []int) []int64 { return countPairs(t, ids, ds) }},
		{"duckdb", []int{1, 64, 4096}, func(ds []int) []int64 { return duckPairs(t, db, ds) }},
	}
	results := make([][]measurement, len(methods))
	distinct := map[int]int64{}
	for range rounds {
		for i, m := range methods {
			runtime.GC()
			wall, cpu := time.Now(), cpuTime(syscall.RUSAGE_SELF)
			got := m.run(m.ds)
			results[i] = append(results[i], measurement{time.Since(wall), cpuTime(syscall.RUSAGE_SELF) - cpu})
			for j, d := range m.ds {
				if want, seen := distinct[d]; seen && want != got[j] {
					t.Errorf("%s finds %d distinct pairs at distance %d, another method %d", m.name, got[j], d, want)
				}
				distinct[d] = got[j]
			}
		}
	}
	for i, m := range methods {
		report(t, m.name, len(ids)*len(m.ds), results[i])
	}
	if python := os.Getenv("L2M_PYTHON"); python != "" {
		pythonPeers(t, python, ids, distinct)
	}
}

func report(t *testing.T, name string, pairs int, runs []measurement) {
	slices.SortFunc(runs, func(a, b measurement) int { return int(a.wall - b.wall) })
	wall := runs[len(runs)/2].wall
	slices.SortFunc(runs, func(a, b measurement) int { return int(a.cpu - b.cpu) })
	cpu := runs[len(runs)/2].cpu
	t.Logf("%-16s %8.1f Mtok/s  %8.1f Mtok/cpu-s", name, float64(pairs)/wall.Seconds()/1e6, float64(pairs)/cpu.Seconds()/1e6)
}

func countPairs(t testing.TB, ids []token.ID, ds []int) []int64 {
	r, err := count.Pairs(context.Background(), count.Documents{ids}, count.Options{Distances: ds, Vocabulary: 0})
	if err != nil {
		t.Fatal(err)
	}
	var out []int64
	for _, d := range r.Distances {
		out = append(out, d.Joint.Types())
	}
	return out
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
	exec("SET threads = " + strconv.Itoa(runtime.GOMAXPROCS(0)))
	exec("CREATE TABLE corpus (i UBIGINT, w UINTEGER)")
	var conn driver.Conn
	if conn, err = connector.Connect(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	appender, err := duckdb.NewAppenderFromConn(conn, "", "corpus")
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		if err := appender.AppendRow(uint64(i), uint32(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := appender.Close(); err != nil {
		t.Fatal(err)
	}
	// What it is given: the keys of every distance, ready made.
	for _, d := range []int{1, 64, 4096} {
		exec(fmt.Sprintf(`CREATE TABLE pairs%d AS
			SELECT (a.w::UBIGINT << 32) | b.w::UBIGINT AS k FROM corpus a POSITIONAL JOIN (SELECT w FROM corpus ORDER BY i OFFSET %d) b
			WHERE b.w IS NOT NULL`, d, d))
	}
	return db
}

// duckPairs makes the histogram of counts.
func duckPairs(t testing.TB, db *sql.DB, ds []int) []int64 {
	var out []int64
	for _, d := range ds {
		rows, err := db.Query(fmt.Sprintf("SELECT n, count(*) FROM (SELECT count(*) AS n FROM pairs%d GROUP BY k) GROUP BY n", d))
		if err != nil {
			t.Fatal(err)
		}
		total := int64(0)
		for rows.Next() {
			var n, types int64
			if err := rows.Scan(&n, &types); err != nil {
				t.Fatal(err)
			}
			total += types
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		out = append(out, total)
	}
	return out
}

// pythonPeers runs peers.py, which prints method, distance, tokens, seconds on
// the wall, of processor time, and distinct pairs.
func pythonPeers(t *testing.T, python string, ids []token.ID, distinct map[int]int64) {
	out, err := exec.Command(python, "peers.py", save(t, ids)).Output()
	if err != nil {
		t.Fatalf("peers.py: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		var name string
		var d, n int
		var wall, cpu float64
		var types int64
		if _, err := fmt.Sscan(line, &name, &d, &n, &wall, &cpu, &types); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if want, seen := distinct[d]; seen && n == len(ids) && want != types {
			t.Errorf("%s finds %d distinct pairs at distance %d, count %d", name, types, d, want)
		}
		t.Logf("%-16s %8.1f Mtok/s  %8.1f Mtok/cpu-s  (d = %d, %d tokens)", name, float64(n)/wall/1e6, float64(n)/cpu/1e6, d, n)
	}
}
