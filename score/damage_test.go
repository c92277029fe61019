package score

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestDamagedPartsAreNoticed truncates a part and flips its bits, at a sample
// of places all over the file: the run must be refused by an error that names
// the file.
func TestDamagedPartsAreNoticed(t *testing.T) {
	dir, key, names := stored(t)
	path := filepath.Join(dir, "scores", names[1])
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, content []byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := Read(dir)
		if err == nil {
			t.Fatalf("%s: no error; %d requests", what, s.Done())
		}
		if !strings.Contains(err.Error(), path) {
			t.Fatalf("%s: error %q does not name %s", what, err, path)
		}
	}
	for n := 0; n < len(good); n += 23 {
		refused(fmt.Sprintf("cut to %d bytes", n), good[:n])
	}
	refused("longer", append(bytes.Clone(good), 0))
	for bit := 0; bit < 8*len(good); bit += 41 {
		damaged := bytes.Clone(good)
		damaged[bit/8] ^= 1 << (bit % 8)
		refused(fmt.Sprintf("bit %d flipped", bit), damaged)
	}
	if err := os.WriteFile(path, good, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, dir, key)
}

// TestDamageBehindTheName gives damaged content a name that fits it, so that
// only the checks inside the part are left: there must be no panic, what is
// accepted must lie inside the file, and after one flipped bit it must be what
// was written.
func TestDamageBehindTheName(t *testing.T) {
	plan, windows, partners := example(t, 15, 6, 16, 1, true)
	key := keyOf(newModel(), plan, windows, partners)
	var rows []row
	for _, r := range answers(t, plan, windows, partners) {
		rows = append(rows, r...)
	}
	good, err := encodePart(key, rows)
	if err != nil {
		t.Fatal(err)
	}
	want, err := decodePart(good, key)
	if err != nil {
		t.Fatal(err)
	}
	values := func(content []byte, r rowRef) []byte { return content[r.offset : r.offset+4*uint32(r.Tokens)] }
	rng := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for i := range 3000 {
		damaged := bytes.Clone(good)
		flips := 1 + i%3
		for range flips {
			damaged[rng.IntN(len(damaged))] ^= 1 << rng.IntN(8)
		}
		refs, ok := checkDecoded(t, damaged, key)
		if !ok {
			continue
		}
		accepted++
		if flips > 1 { // two flips can switch a page's checksum off and damage the page
			continue
		}
		if !slices.EqualFunc(refs, want, func(a, b rowRef) bool {
			same := a.offset == b.offset && bytes.Equal(values(damaged, a), values(good, b))
			a.LogProb, b.LogProb = nil, nil
			return same && reflect.DeepEqual(a, b)
		}) {
			t.Errorf("a flipped bit changed what was read")
		}
	}
	for n := 0; n < len(good); n += 11 {
		if _, ok := checkDecoded(t, good[:n], key); ok {
			t.Errorf("accepted after a cut to %d of %d bytes", n, len(good))
		}
	}
	// Pages carry checksums; what is accepted was hit in statistics or names.
	t.Logf("%d of 3000 damaged parts accepted", accepted)
}

// checkDecoded decodes a part of doubtful origin and checks what is promised
// about accepted ones.
func checkDecoded(t *testing.T, content []byte, key Key) (refs []rowRef, accepted bool) {
	t.Helper()
	refs, err := decodePart(content, key)
	if err != nil {
		return nil, false
	}
	for _, r := range refs {
		if err := r.validate(key); err != nil {
			t.Fatal(err)
		}
		if end := int64(r.offset) + 4*int64(r.Tokens); end > int64(len(content)) {
			t.Fatalf("values end at byte %d of %d", end, len(content))
		}
	}
	return refs, true
}

// FuzzDecodePart feeds the part reader. The seeds in testdata/fuzz are a whole
// part, a cut one, and ones with damaged footers; the target's own seed is a
// part of the key in use.
func FuzzDecodePart(f *testing.F) {
	key := Key{Model: "m", Count: 2, Plan: Plan{Length: 4, Splits: []int{2}, MaxRatio: 2, Cross: 1}}
	part, err := encodePart(key, []row{
		{Window: 0, Cluster: 0, Pass: "joint", K: -1, Context: -1, Tokens: 4, LogProb: []float32{-1, -2, -3, -4}},
		{Window: 1, Cluster: 1, Pass: "cross", Split: 2, K: 0, Context: 0, Start: 2, Tokens: 2, LogProb: []float32{-1, float32(math.Pi)}},
	})
	if err != nil {
		f.Fatal(err)
	}
	if refs, err := decodePart(part, key); err != nil || len(refs) != 2 {
		f.Fatalf("the seed is not a part: %v", err)
	}
	f.Add(part)
	f.Fuzz(func(t *testing.T, content []byte) { checkDecoded(t, content, key) })
}
