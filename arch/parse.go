package arch

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// textConfigs are the names of the nested configuration of the language model
// in multimodal ones.
var textConfigs = []string{"text_config", "language_config", "llm_config", "thinker_config"}

// lengthKeys are the spellings of the declared longest sequence.
var lengthKeys = []string{
	"max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "context_length", "max_sequence_length", "max_context_length", "n_ctx", "model_max_length",
}

// Refusals of what keeps no history state of a text.
var (
	errEncoderDecoder = errors.New("an encoder–decoder model keeps its encoded input beside the decoder's state: only decoder-only models are described")
	errEncoder        = errors.New("an encoder reads the whole text at once and predicts nothing from its past: only causal language models keep a history state")
	errAdapter        = errors.New("this is an adapter, which keeps no state of its own: audit the model that it was trained for")
)

// encoders are the types of encoders that a text-only file may have; files that
// say is_decoder are causal.
var encoders = []string{
	"albert", "bert", "big_bird", "camembert", "convbert", "data2vec-text", "deberta", "deberta-v2", "distilbert", "electra", "ernie", "esm", "eurobert", "fnet", "funnel",
	"ibert", "layoutlm", "layoutlmv3", "longformer", "luke", "megatron-bert", "mobilebert", "modernbert", "mpnet", "mra", "neobert", "new", "nomic_bert", "nystromformer", "rembert",
	"roberta", "roberta-prelayernorm", "roc_bert", "roformer", "squeezebert", "xlm-roberta", "xlm-roberta-xl", "xmod", "yoso",
	"clip", "siglip", "siglip2", "vit", "dinov2", "wav2vec2", "hubert",
}

// encoderDecoders are types whose files need not say is_encoder_decoder.
var encoderDecoders = []string{
	"bart", "blenderbot", "bigbird_pegasus", "led", "longt5", "m2m_100", "marian", "mbart", "mt5", "mvp", "nllb-moe", "pegasus", "pegasus_x", "plbart", "prophetnet", "speech_to_text",
	"switch_transformers", "t5", "t5gemma", "t5gemma2", "umt5", "whisper",
}

// paramsFile is the model_type that stands for a params.json, in which Meta and
// Mistral describe their models and which names no type.
const paramsFile = "params.json"

func parseConfig(obj *value, o Options) (*Model, error) {
	if obj.kind != kindObject {
		return nil, &lineError{obj.line, fmt.Sprintf("the document is %s; want an object, as in config.json", obj.kind)}
	}
	c := &config{obj: obj, faults: &faults{}, read: map[string]bool{}}
	outer := c.text("model_type")
	c.typ = outer
	if outer == "" && c.has("dim") && c.has("n_layers") && c.has("n_heads") {
		c.typ, outer = paramsFile, paramsFile
	}
	m := &Model{Type: c.typ}
	if err := c.refuse(); err != nil {
		return nil, err
	}
	c = c.textModel()
	if c.nested {
		m.Type = outer + "/" + c.typ
	}
	if err := c.refuse(); err != nil {
		return nil, err
	}
	f := findFamily(c.typ)
	if f == nil && c.nested {
		if f = findFamily(outer); f != nil {
			c.typ = outer
		}
	}
	if o.Assume != "" {
		assumed := findFamily(o.Assume)
		if assumed == nil {
			return nil, fmt.Errorf("cannot assume %q: not a described model type", o.Assume)
		}
		if assumed != f {
			c.note("assumed", "check the layers against the model's own code", "model_type %q is read as %q because it was asked for", m.Type, o.Assume)
		}
		f, c.typ = assumed, o.Assume
	}
	if f == nil {
		e := &UnknownTypeError{Type: m.Type}
		e.Nearest, e.Reads, e.Unread = nearest(c.obj, c.typ)
		return nil, e
	}
	c.obj = withClassDefaults(c.obj, c.typ, c.nested)
	m.Layers = c.perLayerConfig(f, f.layers(c))
	m.Family, m.Reference, m.Learned = c.typ, f.reference, f.learned
	m.MaxLength = declaredLength(c)
	m.DType = c.text("torch_dtype")
	if m.DType == "" {
		m.DType = c.text("dtype")
	}
	if c.err != nil {
		return nil, c.err
	}
	c.remarks(o.Assume != "")
	m.Warnings = c.notes
	return m, m.check()
}

// refuse says why a file is not that of a causal language model.
func (c *config) refuse() error {
	if c.has("peft_type") {
		if base := c.text("base_model_name_or_path"); base != "" {
			return fmt.Errorf("%w (%s)", errAdapter, base)
		}
		return errAdapter
	}
	if c.flag(false, "is_encoder_decoder") || slices.Contains(encoderDecoders, c.typ) {
		return fmt.Errorf("%w (model_type %q)", errEncoderDecoder, c.typ)
	}
	if slices.Contains(encoders, c.typ) && !c.flag(false, "is_decoder") {
		return fmt.Errorf("%w (model_type %q)", errEncoder, c.typ)
	}
	return c.err
}

// textModel is the configuration of the language model in a multimodal one.
func (c *config) textModel() *config {
	for _, key := range textConfigs {
		inner := c.sub(key)
		if inner == nil {
			continue
		}
		inner.nested = true
		inner.typ = inner.text("model_type")
		if inner.typ == "" {
			inner.typ = classDefaults().inner[c.typ]
		}
		if inner.typ == "" {
			inner.typ = c.typ
		}
		return inner.textModel()
	}
	return c
}

// perLayerConfig applies the overrides that Transformers writes for models whose
// layers differ: the layer is what the whole model would have with its keys.
func (c *config) perLayerConfig(f *family, layers []Layer) []Layer {
	overrides := c.sub("per_layer_config")
	if overrides == nil || c.err != nil {
		return layers
	}
	layers = slices.Clone(layers)
	for k, name := range overrides.obj.names {
		item := &overrides.obj.items[k]
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || item.kind != kindObject {
			c.fail(item, "per_layer_config[%q]: want the number of a layer and an object of its keys", name)
			return layers
		}
		if i >= len(layers) {
			continue // a layer that predicts further tokens
		}
		one := c.at(item)
		obj := c.obj.clone()
		for j, key := range item.names {
			obj.set(key, item.items[j])
		}
		whole := &config{obj: obj, typ: c.typ, nested: c.nested, read: c.read, faults: &faults{}}
		changed := f.layers(whole)
		if whole.err != nil {
			c.fail(item, "per_layer_config[%q]: %v", name, whole.err)
			return layers
		}
		layers[i] = c.overridden(one, changed[i])
	}
	return layers
}

// overridden applies the overrides that no family reads: a sublayer that is
// skipped, and the window of a single layer.
func (c *config) overridden(one *config, l Layer) Layer {
	skip := one.words("skip")
	if slices.Contains(skip, "self_attn") || slices.Contains(skip, "attention") {
		l.Parts = slices.DeleteFunc(slices.Clone(l.Parts), Part.attention)
	}
	window := one.sizeOr(0, "sliding_window", "attention_chunk_size")
	if window == 0 || c.has("layer_types") {
		return l
	}
	l.Parts = slices.Clone(l.Parts)
	for j, p := range l.Parts {
		if p.Kind == KV && p.Rule == PerToken {
			p.Kind, p.Rule, p.N = Window, Bounded, window-1
			p.What += fmt.Sprintf(", window %d", window)
			l.Parts[j] = p
		}
	}
	return l
}

// attention reports whether a part is a cache of keys and values.
func (p Part) attention() bool { return p.Kind == KV || p.Kind == Latent || p.Kind == Window }

// remarks notes class defaults that were used and, where the type was assumed,
// keys that were not read.
func (c *config) remarks(assumed bool) {
	if len(c.used) > 0 {
		where := "the file"
		if c.nested {
			where = "text_config"
		}
		c.note("class-default", "compare with the configuration class of your Transformers release",
			"%s leaves keys out: defaults of the %s class used for %s", where, c.typ, strings.Join(c.used, ", "))
	}
	if unread := unreadKeys(c.obj, c.read); assumed && len(unread) > 0 {
		c.note("not-read", "check whether they change what a layer keeps",
			"keys that may decide what is kept were not read: %s", strings.Join(unread, ", "))
	}
}

// declaredLength reads the longest sequence, 0 when none is declared.
func declaredLength(c *config) int64 {
	for _, k := range lengthKeys {
		if v := c.get(k); v != nil && v.kind == kindNumber {
			return c.sizeOr(0, k)
		}
	}
	return 0
}
