package llama

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hybridgroup/yzma/pkg/llama"

	"github.com/l2m-lab/l2m/lm/pipe"
)

// Model is an open GGUF model with one context. It is safe for concurrent use; requests
// are computed one at a time, on all threads.
type Model struct {
	options Options
	model   llama.Model
	vocab   llama.Vocab
	info    Info
	bos     llama.Token // or noToken
	lead    int         // 1 with bos, else 0
	threads *tuner      // nil if the number of threads is given

	mu      sync.Mutex
	ctx     llama.Context
	mem     llama.Memory
	batch   llama.Batch
	cells   int                             // tokens that fit into the cache
	running atomic.Pointer[context.Context] // of the current request
	decoded atomic.Int64
	batches int64 // computed so far
}

// Info describes an open model.
type Info = pipe.Info

// ropeNone is the kind of rotary position of a model without any (llama.h).
const ropeNone = -1

// defaultContext bounds the default context: caches grow with it.
const defaultContext = 8192

// Open loads a model. Errors name the file and include messages of llama.cpp.
func Open(o Options) (_ *Model, err error) {
	o, err = withDefaults(o)
	if err != nil {
		return nil, err
	}
	fail := func(format string, args ...any) error {
		return fmt.Errorf("opening %s: %w", o.Path, fmt.Errorf(format, args...))
	}
	print, err := fingerprint(o.Path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fail("no such file")
		}
		return nil, fail("%w", err)
	}
	if err := Load(o.LibraryDir); err != nil {
		return nil, err
	}
	m := &Model{options: o}
	defer func() {
		if err != nil {
			m.Close()
		}
	}()
	size, err := m.load()
	if err != nil {
		return nil, fail("%w", err)
	}
	var reason string
	if m.bos, reason, err = m.findBOS(size); err != nil {
		return nil, fail("%w", err)
	}
	if m.bos != noToken {
		m.lead = 1
	}
	if m.options.Batch == 0 {
		m.options.Batch = defaultBatch(size)
	}
	recurrent := llama.ModelIsRecurrent(m.model) || llama.ModelIsHybrid(m.model)
	length, trained, err := m.contextLength(recurrent)
	if err != nil {
		return nil, fail("%w", err)
	}
	m.cells = length + m.options.Batch
	if recurrent {
		m.cells += length // branches wait while the sequence continues
	}
	rotation := ""
	if short := m.shortRotation(); short > 0 && length > short {
		rotation = fmt.Sprintf("rotations beyond %d", short)
	} else if short > 0 {
		m.cells = min(m.cells, short)
		m.options.Batch = min(m.options.Batch, m.cells)
	}
	if err := m.openContext(length); err != nil {
		return nil, fail("%w", err)
	}
	file := filepath.Base(o.Path)
	m.info = Info{
		Name: strings.TrimSuffix(file, ".gguf"), Description: llama.ModelDesc(m.model), File: file, FileType: m.fileType(),
		Vocabulary: size, Context: length, Trained: trained, Recurrent: recurrent,
		BOS: int32(m.bos), BOSReason: reason, Tokenizer: m.fingerprintVocabulary(size),
		Fingerprint: sum("llama.cpp 1", print, fmt.Sprint("bos ", m.bos), settings(o), rotation),
	}
	if m.bos != noToken {
		m.info.BOSText = m.text(m.bos)
	}
	if m.info.FileHash, err = hashWhole(o.Path, print); err != nil {
		return nil, fail("%w", err)
	}
	return m, nil
}

// contextLength is the longest sequence in tokens: as asked for, or by default. trained
// is the longest one in training, according to the file.
func (m *Model) contextLength(recurrent bool) (length, trained int, err error) {
	length, trained = m.options.Context, int(llama.ModelNCtxTrain(m.model))
	if length == 0 {
		length = defaultContext
		if trained > 0 {
			length = min(trained, defaultContext)
		}
	}
	switch {
	case length < 4:
		return 0, 0, fmt.Errorf("a context of %d tokens is too short", length)
	case llama.ModelRopeType(m.model) == ropeNone && !recurrent && length > trained:
		return 0, 0, fmt.Errorf("a context of %d tokens: its positions end at %d (choose a shorter one)", length, trained)
	}
	return length, trained, nil
}

// batchLogits bounds the logits of one batch, which llama.cpp keeps twice, to
// 128 MiB each: those of 512 tokens of a vocabulary of 262,144 are 512 MiB.
const batchLogits = 32 << 20

// defaultBatch is the number of tokens computed per call.
func defaultBatch(vocabulary int) int {
	return max(32, min(512, batchLogits/vocabulary&^31))
}

// load reads the model from its file, and returns the size of its vocabulary.
func (m *Model) load() (size int, err error) {
	complaints()
	p := llama.ModelDefaultParams() // all layers on the GPU
	switch n := m.options.GPULayers; {
	case n < 0:
		p.NGpuLayers = 0
	case n > 0:
		p.NGpuLayers = int32(n)
	}
	if m.model, err = llama.ModelLoadFromFile(m.options.Path, p); err != nil {
		return 0, fmt.Errorf("llama.cpp cannot load it%s", complaints())
	}
	if llama.ModelHasEncoder(m.model) || !llama.ModelHasDecoder(m.model) || llama.ModelIsDiffusion(m.model) {
		return 0, errors.New("it does not predict tokens from those before them")
	}
	m.vocab = llama.ModelGetVocab(m.model)
	size = int(llama.VocabNTokens(m.vocab))
	if size <= 0 || llama.GetVocabType(m.vocab) == llama.VocabTypeNone {
		return 0, errors.New("it has no vocabulary")
	}
	return size, nil
}

// shortRotation is the longest context, if any, up to which the model rotates keys by
// other angles than beyond: llama.cpp chooses by the size of the cache, for all
// sequences, however short.
func (m *Model) shortRotation() int {
	arch, _ := llama.ModelMetaValStr(m.model, "general.architecture")
	if kind, _ := llama.ModelMetaValStr(m.model, arch+".rope.scaling.type"); kind == "yarn" {
		return 0 // the same angles for any context
	}
	s, _ := llama.ModelMetaValStr(m.model, arch+".rope.scaling.original_context_length")
	n, _ := strconv.Atoi(s)
	return n
}

func (m *Model) openContext(length int) (err error) {
	p := llama.ContextDefaultParams()
	p.NCtx = uint32(m.cells)
	p.NSeqMax = uint32(m.options.Sequences + 1)
	p.NBatch = max(uint32(m.options.Batch), p.NSeqMax) // llama.cpp aborts if a batch cannot hold a token of each sequence
	p.NUbatch = p.NBatch
	p.FlashAttentionType = flashTypes[m.options.FlashAttn]
	p.TypeK, p.TypeV = cacheTypes[m.options.KeyType], cacheTypes[m.options.ValueType]
	p.KVUnified = 1 // branches share the cells of their prefix
	p.SwaFull = 1   // a branch from an early position needs what a sliding window has passed
	p.NoPerf = 1
	threads := m.options.Threads
	if threads == 0 {
		threads = defaultThreads()
		m.threads = newTuner(threads)
	}
	p.NThreads, p.NThreadsBatch = int32(threads), int32(threads)
	complaints()
	if m.ctx, err = llama.InitFromModel(m.model, p); err != nil || m.ctx == 0 {
		m.ctx = 0
		return fmt.Errorf("llama.cpp cannot open a context of %d tokens%s (choose a shorter one, or another type of cache)", length, complaints())
	}
	if err := understood(m.ctx, p); err != nil {
		return fmt.Errorf("the library of llama.cpp: %w", err)
	}
	if m.mem, err = llama.GetMemory(m.ctx); err != nil {
		return err
	}
	llama.SetAbortCallback(m.ctx, m.abandoned)
	m.batch = llama.BatchInit(int32(m.options.Batch), 0, 1)
	return nil
}

// abandoned tells llama.cpp, within a batch, that the request was cancelled.
func (m *Model) abandoned() bool {
	ctx := m.running.Load()
	return ctx != nil && (*ctx).Err() != nil
}

// Info describes the model.
func (m *Model) Info() Info { return m.info }

// Decoded is the number of tokens computed since the model was opened.
func (m *Model) Decoded() int64 { return m.decoded.Load() }

// Close frees the model.
func (m *Model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ctx != 0 {
		llama.BatchFree(m.batch)
		llama.Free(m.ctx)
		m.ctx = 0
	}
	if m.model != 0 {
		llama.ModelFree(m.model)
		m.model = 0
	}
	return nil
}

// Tokenize converts text to tokens, without special tokens. Zero bytes, which end a
// text for llama.cpp, are read as U+FFFD.
func (m *Model) Tokenize(text string) []int32 { return m.tokenize(text, false) }

// tokenize with names converts names of special tokens to those tokens.
func (m *Model) tokenize(text string, names bool) []int32 {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	if llama.GetVocabType(m.vocab) == llama.VocabTypeSPM {
		// this kind of vocabulary puts a space before every text
		if add, ok := llama.ModelMetaValStr(m.model, "tokenizer.ggml.add_space_prefix"); !ok || add == "true" {
			text = strings.TrimPrefix(text, " ")
		}
	}
	if text == "" {
		return nil
	}
	tokens := llama.Tokenize(m.vocab, text, false, names)
	ids := make([]int32, len(tokens))
	for i, t := range tokens {
		ids[i] = int32(t)
	}
	return ids
}

// parts are the files of a model, of which there may be several, numbered.
func parts(path string) ([]string, error) {
	base := filepath.Base(path)
	var n, of int
	i := strings.LastIndex(base, "-of-")
	if i < 6 {
		return []string{path}, nil
	}
	if _, err := fmt.Sscanf(base[i-5:], "%05d-of-%05d.gguf", &n, &of); err != nil {
		return []string{path}, nil
	}
	if n != 1 {
		return nil, fmt.Errorf("part %d of %d: name the first part", n, of)
	}
	var files []string
	for k := range of {
		f := filepath.Join(filepath.Dir(path), fmt.Sprintf("%s%05d-of-%05d.gguf", base[:i-5], k+1, of))
		if _, err := os.Stat(f); err != nil {
			return nil, fmt.Errorf("part %s is missing", filepath.Base(f))
		}
		files = append(files, f)
	}
	return files, nil
}
