package option

import "testing"

func TestParseSize(t *testing.T) {
	for in, want := range map[string]int64{
		"": 0, "0": 0, "17": 17, "-1": -1, "2k": 2048, "2K": 2048, "3M": 3 << 20, "1G": 1 << 30, "1GiB": 1 << 30, "1gib": 1 << 30,
		"1TiB": 1 << 40, "1GB": 1e9, "5kB": 5000, "2TB": 2e12, "-3M": -3 << 20, "1.5G": 3 << 29, "0.5kB": 500,
	} {
		if got, err := ParseSize(in); err != nil || got != want {
			t.Errorf("%q is %d (%v), want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"G", "1X", "1iB", "1BG", "1GG", "1.5", "1.5.5G", "1e3M", "infG", "x", "1 G", "9999999999999G", "--1"} {
		if got, err := ParseSize(in); err == nil {
			t.Errorf("%q is read as %d", in, got)
		}
	}
}
