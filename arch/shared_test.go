package arch

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// TestRealConfigurations checks every published configuration beside the
// checkout against its expected sizes.
func TestRealConfigurations(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "configs")
	f, err := os.Open(filepath.Join(dir, "expected.csv"))
	if err != nil {
		t.Skipf("no real configurations beside the checkout: %v", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	files := map[string]bool{}
	for _, row := range rows[1:] {
		number := func(name string) int64 {
			n, err := strconv.ParseInt(row[column[name]], 10, 64)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return n
		}
		name := row[column["file"]]
		files[name] = true
		m := parseFile(t, filepath.Join(dir, name))
		if m == nil {
			continue
		}
		if want := row[column["model_type"]]; m.Type != want {
			t.Errorf("%s: type %q, want %q", name, m.Type, want)
		}
		s, err := m.State(number("L"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e := s.Elements
		got := [5]int64{e.KV + e.Latent + e.Window, e.Recurrent, e.Conv, e.Other, s.Total}
		want := [5]int64{number("kv_elements"), number("recurrent_elements"), number("conv_elements"), number("other_elements"), number("total_elements")}
		if got != want {
			t.Errorf("%s at L = %d: kv, recurrent, conv, other, total = %v, want %v", name, s.Length, got, want)
		}
	}
	configs, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range configs {
		if !files[filepath.Base(path)] {
			t.Errorf("%s has no expected sizes", path)
		}
	}
	t.Logf("%d files, %d rows", len(files), len(rows)-1)
}

// parseFile parses a configuration file and reports failure to t.
func parseFile(t *testing.T, path string) *Model {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := Parse(f)
	if err != nil {
		t.Errorf("%s: %v", filepath.Base(path), err)
		return nil
	}
	return m
}
