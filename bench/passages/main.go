// Passages makes a large corpus from a small one, for timing: documents of random
// passages of about 2,000 words, with the words and pairs of words of the originals.
//
//	go run ./passages -documents 2000 -megabytes 2.7 -o FOLDER PATH…
package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/l2m-lab/l2m/corpus"
)

// meanPassage is the mean length of a passage, in bytes.
const meanPassage = 11_000

func main() {
	log.SetFlags(0)
	documents := flag.Int("documents", 2000, "number of documents")
	megabytes := flag.Float64("megabytes", 2.7, "size of a document, in millions of bytes")
	out := flag.String("o", "", "folder to make")
	flag.Parse()
	if *out == "" || flag.NArg() == 0 || *documents < 1 || !(*megabytes >= 0.001) {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(*out, *documents, int(*megabytes*1e6), flag.Args()); err != nil {
		log.Fatal("passages: ", err)
	}
}

func write(dir string, documents, size int, paths []string) error {
	texts, err := read(paths)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i := range documents {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%06d.txt", i)))
		if err != nil {
			return err
		}
		w := bufio.NewWriterSize(f, 1<<20)
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		tries := 0
		for n := 0; n < size; {
			p := passage(texts[rng.IntN(len(texts))], rng)
			if tries++; len(p) == 0 && tries > 1000 {
				return fmt.Errorf("no words between spaces in %v", paths)
			} else if len(p) == 0 {
				continue
			}
			w.Write(p) // errors show in Flush
			w.WriteByte('\n')
			n, tries = n+len(p)+1, 0
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// read returns the documents that paths name.
func read(paths []string) (texts [][]byte, err error) {
	c, err := corpus.Index(context.Background(), paths, corpus.Options{})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	err = c.Each(context.Background(), func(_ int, r io.Reader) error {
		text, err := io.ReadAll(r)
		texts = append(texts, text)
		return err
	})
	return texts, err
}

// passage is a piece of text of random length that begins and ends between words.
func passage(text []byte, rng *rand.Rand) []byte {
	p := text[rng.IntN(len(text)):]
	p = p[:min(len(p), int(rng.ExpFloat64()*meanPassage))]
	p = p[bytes.IndexByte(p, ' ')+1:]
	return p[:max(0, bytes.LastIndexByte(p, ' '))]
}
