package arch

import (
	"path/filepath"
	"strings"
	"testing"
)

// checkpoint is a configuration of testdata/checkpoints: the keys that decide
// the state, with the values that the checkpoint publishes. want derives the
// elements by hand, in numbers, from the formula and the implementation named
// beside it; w(W) is what a window of W holds of L tokens of the past.
type checkpoint struct {
	file   string
	source string
	class  Class
	want   func(L int64, w func(W int64) int64) Elements
}

var checkpoints = []checkpoint{
	{"openai-community--gpt2", "GPT2Attention: 2·768 in 12 layers = 18,432 per token", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 18_432 * L} }},
	{"openai-community--gpt2-xl", "GPT2Attention: 2·1600 in 48 layers", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 48 * 2 * 1600 * L} }},
	{"EleutherAI--pythia-1.4b", "GPTNeoXAttention: 2·16 heads·128 in 24 layers", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 24 * 2 * 16 * 128 * L} }},
	{"EleutherAI--gpt-j-6b", "GPTJAttention: 2·16·256 in 28 layers", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 28 * 2 * 16 * 256 * L} }},
	{"facebook--opt-6.7b", "OPTAttention: 2·32·128 in 32 layers", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 32 * 2 * 32 * 128 * L} }},
	{"bigscience--bloom-7b1", "BloomAttention: 2·32·128 in 30 layers", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 30 * 2 * 32 * 128 * L} }},
	{"tiiuae--falcon-7b", "FalconAttention, multi_query: one head of 4544/71 = 64 in 32 layers", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 32 * 2 * 64 * L} }},
	{"meta-llama--Llama-2-70b-hf", "LlamaAttention: 2·8·128 in 80 layers", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 80 * 2 * 8 * 128 * L} }},
	{"meta-llama--Llama-3.1-8B", "LlamaAttention: 2·8·128 in 32 layers = 65,536 per token", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 65_536 * L} }},
	{"meta-llama--Llama-3.1-405B", "LlamaAttention: 2·8·128 in 126 layers = 258,048 per token", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 258_048 * L} }},
	{"meta-llama--Llama-4-Scout-17B-16E", "Llama4TextConfig: 12 of 48 layers full, 36 in chunks of 8,192 (peak 8,191); 2·8·128", Mixed,
		func(L int64, w func(int64) int64) Elements {
			return Elements{KV: 12 * 2048 * L, Window: 36 * 2048 * w(8192)}
		}},
	{"mistralai--Mistral-7B-v0.1", "MistralAttention: 32 layers slide, window 4,096; 2·8·128", Saturating,
		func(L int64, w func(int64) int64) Elements { return Elements{Window: 32 * 2048 * w(4096)} }},
	{"mistralai--Mistral-Nemo-Base-2407", "MistralAttention: head_dim 128, not 5120/32; 2·8·128 in 40 layers", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 40 * 2048 * L} }},
	{"mistralai--Mixtral-8x7B-v0.1", "MixtralAttention: sliding_window null; 2·8·128 in 32 layers", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 32 * 2048 * L} }},
	{"Qwen--Qwen2.5-7B", "Qwen2Attention: use_sliding_window false; 2·4·128 in 28 layers", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 28 * 1024 * L} }},
	{"Qwen--Qwen3-8B", "Qwen3Attention: 2·8·128 in 36 layers", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 36 * 2048 * L} }},
	{"Qwen--Qwen3-Next-80B-A3B", "Qwen3NextGatedDeltaNet: 32·128·128 and 3 columns of 2·16·128 + 32·128 in 36 layers; 2·2·256 in 12", Mixed,
		func(L int64, _ func(int64) int64) Elements {
			return Elements{KV: 12 * 1024 * L, Recurrent: 36 * 32 * 128 * 128, Conv: 36 * 3 * (2*16*128 + 32*128)}
		}},
	{"google--gemma-7b", "GemmaAttention: head_dim 256, not 3072/16; 2·16·256 in 28 layers", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 28 * 2 * 16 * 256 * L} }},
	{"google--gemma-2-9b", "Gemma2Attention: 21 full, 21 sliding of 4,096; 2·8·256", Mixed,
		func(L int64, w func(int64) int64) Elements {
			return Elements{KV: 21 * 4096 * L, Window: 21 * 4096 * w(4096)}
		}},
	{"google--gemma-3-4b-it", "Gemma3TextConfig defaults, 8 heads, 4 key–value heads of 256, pattern 6: 5 of 34 full, 29 sliding of 1,024", Mixed,
		func(L int64, w func(int64) int64) Elements {
			return Elements{KV: 5 * 2048 * L, Window: 29 * 2048 * w(1024)}
		}},
	{"google--gemma-3n-E4B", "Gemma3nTextAttention: the last 15 of 35 share; of the first 20, 4 full and 16 sliding of 512; 2·2·256", Mixed,
		func(L int64, w func(int64) int64) Elements {
			return Elements{KV: 4 * 1024 * L, Window: 16 * 1024 * w(512)}
		}},
	{"openai--gpt-oss-120b", "GptOssAttention: 18 sliding of 128, 18 full; 2·8·64", Mixed,
		func(L int64, w func(int64) int64) Elements {
			return Elements{KV: 18 * 1024 * L, Window: 18 * 1024 * w(128)}
		}},
	{"CohereLabs--c4ai-command-r7b-12-2024", "Cohere2Config: 8 of 32 full, 24 sliding of 4,096; 2·8·128", Mixed,
		func(L int64, w func(int64) int64) Elements {
			return Elements{KV: 8 * 2048 * L, Window: 24 * 2048 * w(4096)}
		}},
	{"HuggingFaceTB--SmolLM3-3B", "SmolLM3Attention: layers without rotary positions keep keys too; 2·4·128 in 36 layers", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 36 * 1024 * L} }},
	{"allenai--Olmo-3-1025-7B", "Olmo3Config: 8 of 32 full, 24 sliding of 4,096; 2·32·128", Mixed,
		func(L int64, w func(int64) int64) Elements {
			return Elements{KV: 8 * 8192 * L, Window: 24 * 8192 * w(4096)}
		}},
	{"bigcode--starcoder2-7b", "Starcoder2Attention: 32 layers slide, window 4,096; 2·4·128", Saturating,
		func(L int64, w func(int64) int64) Elements { return Elements{Window: 32 * 1024 * w(4096)} }},
	{"microsoft--Phi-3-mini-4k-instruct", "Phi3Attention: 32 layers slide, window 2,047; 2·32·96", Saturating,
		func(L int64, w func(int64) int64) Elements { return Elements{Window: 32 * 6144 * w(2047)} }},
	{"LGAI-EXAONE--EXAONE-4.0-32B", "Exaone4Config, LLLG: 16 of 64 full, 48 sliding of 4,096; 2·8·128", Mixed,
		func(L int64, w func(int64) int64) Elements {
			return Elements{KV: 16 * 2048 * L, Window: 48 * 2048 * w(4096)}
		}},
	{"apple--OpenELM-270M", "OpenELM: 5 layers of 3, 7 of 4, 4 of 5 key–value heads of 64", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: (5*3 + 7*4 + 4*5) * 2 * 64 * L} }},
	{"deepseek-ai--DeepSeek-V2", "DeepSeek-V2, table 1: 512 + 64 in 60 layers", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{Latent: 60 * 576 * L} }},
	{"deepseek-ai--DeepSeek-V3", "DeepSeek-V3: 512 + 64 in 61 layers = 35,136 per token; the extra prediction layer does not count", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{Latent: 35_136 * L} }},
	{"moonshotai--Kimi-K2-Instruct", "as DeepSeek-V3", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{Latent: 35_136 * L} }},
	{"moonshotai--Kimi-Linear-48B-A3B", "fla kda.py: 32·128·128 and 3 columns of 3·32·128 in 20 layers; 512 + 64 in 7", Mixed,
		func(L int64, _ func(int64) int64) Elements {
			return Elements{Latent: 7 * 576 * L, Recurrent: 20 * 32 * 128 * 128, Conv: 20 * 3 * 3 * 32 * 128}
		}},
	{"MiniMaxAI--MiniMax-Text-01", "MiniMaxLightningAttention: 64·128·128 in 70 layers; 2·8·128 in 10", Mixed,
		func(L int64, _ func(int64) int64) Elements {
			return Elements{KV: 10 * 2048 * L, Recurrent: 70 * 64 * 128 * 128}
		}},
	{"state-spaces--mamba-2.8b-hf", "MambaMixer: 5120·16 and 3 columns of 5120 in 64 layers", Constant,
		func(int64, func(int64) int64) Elements {
			return Elements{Recurrent: 64 * 5120 * 16, Conv: 64 * 3 * 5120}
		}},
	{"state-spaces--mamba2-2.7b", "Mamba2Mixer: 80·64·128 and 3 columns of 5120 + 2·128 in 64 layers", Constant,
		func(int64, func(int64) int64) Elements {
			return Elements{Recurrent: 64 * 80 * 64 * 128, Conv: 64 * 3 * 5376}
		}},
	{"tiiuae--falcon-mamba-7b", "FalconMambaMixer: intermediate_size 8192, not expand·hidden; 8192·16 and 3 columns in 64 layers", Constant,
		func(int64, func(int64) int64) Elements {
			return Elements{Recurrent: 64 * 8192 * 16, Conv: 64 * 3 * 8192}
		}},
	{"ai21labs--Jamba-v0.1", "JambaMambaMixer: 8192·16 and 3 columns of 8192 in 28 layers; 2·8·128 in 4", Mixed,
		func(L int64, _ func(int64) int64) Elements {
			return Elements{KV: 4 * 2048 * L, Recurrent: 28 * 8192 * 16, Conv: 28 * 3 * 8192}
		}},
	{"Zyphra--Zamba-7B-v1", "ZambaConfig: hybrid at layer 2 and at 7, 13, …, 73, 13 in all; 7424·16 and 3 columns of 7424 in 76; 2·16·(2·3712/16)", Mixed,
		func(L int64, _ func(int64) int64) Elements {
			return Elements{KV: 13 * 2 * 7424 * L, Recurrent: 76 * 7424 * 16, Conv: 76 * 3 * 7424}
		}},
	{"Zyphra--Zamba2-2.7B", "Zamba2: 5120·64 and 3 columns of 5120 + 2·64 in 54 layers; 2·32·160 in 9", Mixed,
		func(L int64, _ func(int64) int64) Elements {
			return Elements{KV: 9 * 2 * 32 * 160 * L, Recurrent: 54 * 5120 * 64, Conv: 54 * 3 * 5248}
		}},
	{"ibm-ai-platform--Bamba-9B", "BambaMixer: 128·64·128 and 3 columns of 8192 + 2·128 in 29 layers; 2·8·128 in 3", Mixed,
		func(L int64, _ func(int64) int64) Elements {
			return Elements{KV: 3 * 2048 * L, Recurrent: 29 * 128 * 64 * 128, Conv: 29 * 3 * 8448}
		}},
	{"ibm-granite--granite-4.0-h-small", "GraniteMoeHybridMambaLayer: as Bamba in 36 layers; 2·8·128 in 4", Mixed,
		func(L int64, _ func(int64) int64) Elements {
			return Elements{KV: 4 * 2048 * L, Recurrent: 36 * 128 * 64 * 128, Conv: 36 * 3 * 8448}
		}},
	{"ibm-granite--granite-4.0-micro", "GraniteMoeHybridAttention in all 40 layers; 2·8·64", Linear,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 40 * 1024 * L} }},
	{"nvidia--Nemotron-H-8B-Base-8K", "NemotronHMamba2Mixer: 128·64·128 and 3 columns of 8192 + 2·8·128 in 24 layers; 2·8·128 in 4; 24 keep nothing", Mixed,
		func(L int64, _ func(int64) int64) Elements {
			return Elements{KV: 4 * 2048 * L, Recurrent: 24 * 128 * 64 * 128, Conv: 24 * 3 * 10240}
		}},
	{"tiiuae--Falcon-H1-7B-Base", "FalconH1DecoderLayer: in all 44 layers 24·128·256, 3 columns of 3072 + 2·256, and 2·2·128", Mixed,
		func(L int64, _ func(int64) int64) Elements {
			return Elements{KV: 44 * 512 * L, Recurrent: 44 * 24 * 128 * 256, Conv: 44 * 3 * 3584}
		}},
	{"nvidia--Hymba-1.5B-Base", "HybridMambaAttentionDynamicCache: 3200·16 and 3 columns in 32 layers; 15 share, 3 full, 14 sliding of 1,024; 5·(64 + 128), after 128 memory tokens", Mixed,
		func(L int64, w func(int64) int64) Elements {
			return Elements{KV: 960 * (3*L + 17*128), Window: 14 * 960 * w(1024), Recurrent: 32 * 3200 * 16, Conv: 32 * 3 * 3200}
		}},
	{"google--recurrentgemma-2b", "RecurrentGemmaRglru: 2560 and 3 columns of 2560 in 18 layers; window 2,048 of 2·256 in 8", Saturating,
		func(L int64, w func(int64) int64) Elements {
			return Elements{Window: 8 * 512 * w(2048), Recurrent: 18 * 2560, Conv: 18 * 3 * 2560}
		}},
	{"google--recurrentgemma-9b", "the same with 4096 (lru_width null: hidden_size) in 26 layers and 2·256 in 12", Saturating,
		func(L int64, w func(int64) int64) Elements {
			return Elements{Window: 12 * 512 * w(2048), Recurrent: 26 * 4096, Conv: 26 * 3 * 4096}
		}},
	{"LiquidAI--LFM2-1.2B", "Lfm2ShortConv: 2 columns of 2048 in 10 layers; 2·8·64 in 6", Mixed,
		func(L int64, _ func(int64) int64) Elements { return Elements{KV: 6 * 1024 * L, Conv: 10 * 2 * 2048} }},
	{"RWKV--rwkv-4-169m-pile", "RwkvSelfAttention: 3·768 and two shifts of 768 in 12 layers", Constant,
		func(int64, func(int64) int64) Elements { return Elements{Recurrent: 12 * 3 * 768, Conv: 12 * 2 * 768} }},
	{"RWKV--rwkv-6-world-1b6", "Rwkv6SelfAttention: 32·64·64 and two shifts of 2048 in 24 layers", Constant,
		func(int64, func(int64) int64) Elements {
			return Elements{Recurrent: 24 * 32 * 64 * 64, Conv: 24 * 2 * 2048}
		}},
	{"fla-hub--rwkv7-2.9B-world", "fla rwkv7.py: 40·64·64 and two shifts of 2560 in 32 layers", Constant,
		func(int64, func(int64) int64) Elements {
			return Elements{Recurrent: 32 * 40 * 64 * 64, Conv: 32 * 2 * 2560}
		}},
	{"NX-AI--xLSTM-7b", "xLSTMCache: 8·(256·512 + 256 + 1) in 32 layers", Constant,
		func(int64, func(int64) int64) Elements { return Elements{Recurrent: 32 * 8 * (256*512 + 256 + 1)} }},
	{"fla-hub--gla-1.3B-100B", "fla gla.py: 4·256·512 in 24 layers", Constant,
		func(int64, func(int64) int64) Elements { return Elements{Recurrent: 24 * 4 * 256 * 512} }},
	{"fla-hub--retnet-1.3B-100B", "fla multiscale_retention.py: 8·256·512 in 24 layers", Constant,
		func(int64, func(int64) int64) Elements { return Elements{Recurrent: 24 * 8 * 256 * 512} }},
	{"fla-hub--delta_net-1.3B-100B", "fla delta_net.py: 16·128·128 and 3 columns of 3·2048 in 24 layers", Constant,
		func(int64, func(int64) int64) Elements {
			return Elements{Recurrent: 24 * 16 * 128 * 128, Conv: 24 * 3 * 3 * 2048}
		}},
	{"fla--gated_deltanet-class-defaults", "fla gated_deltanet.py: 6·256·512 and 3 columns of 2·1536 + 3072 in 21 layers", Constant,
		func(int64, func(int64) int64) Elements {
			return Elements{Recurrent: 21 * 6 * 256 * 512, Conv: 21 * 3 * 6144}
		}},
}

func TestCheckpoints(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range checkpoints {
		tested[c.file+".json"] = true
		m := parseFile(t, filepath.Join("testdata", "checkpoints", c.file+".json"))
		if m == nil {
			continue
		}
		if got := m.Growth().Class; got != c.class {
			t.Errorf("%s: class %s, want %s", c.file, got, c.class)
		}
		for _, L := range []int64{1024, 4096, 32768, 131072} {
			s, err := m.State(L)
			if err != nil {
				t.Errorf("%s: %v", c.file, err)
				continue
			}
			want := c.want(L, func(W int64) int64 { return min(L, W-1) })
			if s.Elements != want {
				t.Errorf("%s at L = %d: %+v, want %+v (%s)", c.file, L, s.Elements, want, c.source)
			}
			if s.Total != want.Total() {
				t.Errorf("%s at L = %d: total %d, want %d", c.file, L, s.Total, want.Total())
			}
			var sum Elements
			for _, l := range s.Layers {
				for _, k := range Kinds() {
					*sum.of(k) += l.Of(k)
				}
			}
			if sum != s.Elements {
				t.Errorf("%s at L = %d: the layers sum to %+v, the model to %+v", c.file, L, sum, s.Elements)
			}
		}
	}
	if len(checkpoints) < 40 {
		t.Errorf("only %d checkpoints", len(checkpoints))
	}
	files, err := filepath.Glob("testdata/checkpoints/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !tested[filepath.Base(f)] {
			t.Errorf("%s is not tested", f)
		}
	}
}

// TestEveryFamilyIsTested keeps descriptions without a checkpoint from
// slipping in. Those that only the real configurations beside the checkout
// cover are named.
func TestEveryFamilyIsTested(t *testing.T) {
	covered := map[string]bool{}
	for _, c := range checkpoints {
		if m := parseFile(t, filepath.Join("testdata", "checkpoints", c.file+".json")); m != nil {
			covered[m.Family] = true
		}
	}
	small := []string{"gpt_neo", "gpt_bigcode", "mpt", "chatglm", "qwen", "deci", "nemotron-nas", "mimo_v2_flash", "gemma4_text", "mllama_text_model", "glm_moe_dsa", "deepseek_v4", "ministral3", "hgrn2",
		"gsa", "gated_deltaproduct", "mesa_net", "mom", "hgrn", "lightnet", "forgetting_transformer", "rodimus", "mamba3", "log_linear_mamba2", "samba",
		"phi4flash", "hunyuan", "step3p5", "params.json", "minimax_m3", "l2m-lab", "l2m-lab-learned",
		"granite_swa", "inkling2_text", "bailing_hybrid", "axk2", "jetmoe", "plamo2", "nemotron_flash"}
	for _, name := range small {
		covered[name] = true // in TestSmallConfigurations
	}
	for _, f := range families() {
		any := false
		for _, name := range f.types {
			any = any || covered[name]
		}
		if !any {
			t.Errorf("no configuration tests any of %s", strings.Join(f.types, ", "))
		}
	}
}
