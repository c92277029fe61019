package sample

import (
	"math"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/result"
)

// Audit audits small configurations of every growth class against a law with or without
// a known uncertainty.
func Audit(t testing.TB, known bool, ask ...int64) *result.Audit {
	t.Helper()
	l := law.PublishedEnglish()
	if known {
		l = law.PowerLaw{A: 2.3, Beta: 0.74, Unit: "token", Source: "run", CovLogABeta: [2][2]float64{{0.01, -0.0014}, {-0.0014, 0.0002}}}
	}
	a := &result.Audit{Command: "l2m audit configs", Version: "v0.0.0", Law: l, Level: 0.95, DType: "bfloat16", Capacities: []float64{1, 0.01}, Lengths: []int64{1024, 131072}}
	for _, L := range ask {
		a.Questions = append(a.Questions, result.NewQuestion(l, L, a.Capacities, a.Level))
	}
	for _, m := range []struct{ name, policy, config string }{
		{"org/dense", "", `{"model_type":"llama","num_hidden_layers":2,"num_attention_heads":4,"hidden_size":64,"max_position_embeddings":4096}`},
		{"org/hybrid", "", `{"model_type":"jamba","num_hidden_layers":8,"num_attention_heads":4,"num_key_value_heads":4,"hidden_size":64,"attn_layer_period":8,"attn_layer_offset":4,"mamba_d_state":16,"mamba_d_conv":4,"mamba_expand":2}`},
		{"org/windowed", "", `{"model_type":"mistral","num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":4,"hidden_size":64,"sliding_window":512}`},
		{"org/recurrent-with-a-name-that-is-too-long-for-a-column", "", `{"model_type":"mamba","num_hidden_layers":2,"hidden_size":64,"expand":2,"state_size":16,"conv_kernel":4}`},
		{"org/tree", "log-linear", `{"model_type":"gla","num_hidden_layers":2,"hidden_size":64,"num_heads":2}`},
		{"org/slots", "power:0.8", `{"model_type":"gpt2","n_layer":2,"n_head":2,"n_embd":64}`},
		{"=cmd|' /C calc'!A0\x1b[31m<script>", "", `{"model_type":"gpt2","n_layer":1,"n_head":2,"n_embd":64}`},
	} {
		model, err := arch.Parse(strings.NewReader(m.config))
		if err != nil {
			t.Fatal(err)
		}
		model.Name = m.name
		if m.policy != "" {
			p, err := arch.ParsePolicy(m.policy)
			if err != nil {
				t.Fatal(err)
			}
			if model, err = model.With(p); err != nil {
				t.Fatal(err)
			}
		}
		x, err := model.Audit(l, arch.AuditOptions{Lengths: a.Lengths, Capacities: a.Capacities, Ask: ask})
		if err != nil {
			t.Fatal(err)
		}
		a.Models = append(a.Models, x)
	}
	a.Failures = []result.AuditFailure{{Path: "broken/config.json", Error: "line 3: key \"a\" occurs twice"}}
	a.Warnings = []info.Warning{{Code: "files-skipped", Text: "2 other JSON files are not configurations", Fix: "name a file"}}
	return a
}

// Comparison has a model that gains at all lengths and one that stops at 200, whose
// name is hostile.
func Comparison() *result.Comparison {
	e := func(v float64) info.Estimate {
		return info.Estimate{Value: v, SE: v / 20, Interval: &info.Interval{Lo: v * 0.9, Hi: v * 1.1, Level: 0.95, Method: "test"}}
	}
	p := func(v float64) *info.Estimate { x := e(v); return &x }
	c := &result.Comparison{Schema: result.CompareSchema, Command: "l2m compare full cut", Version: "v1", Unit: "byte", Paired: true, Length: 4096, Documents: 40, Level: 0.95}
	full := result.ComparedRun{Run: "full", Model: "bytemix", Loss: e(1.2), Estimator: "paired", Stop: result.Stop{Longest: 2048, Level: 0.95}}
	cut := result.ComparedRun{Run: "cut", Model: "within <script>alert(1)</script>", Loss: e(1.3), Difference: p(0.1), Estimator: "paired",
		Stop:     result.Stop{Found: true, At: 203.4, Lo: 150, Hi: 290, Longest: 2048, Share: 1, Level: 0.95},
		Capacity: &result.ComparedCapacity{Config: "config.json", Ell: 256, Elements: 1024, NatsPerElement: e(0.0123)}}
	for ell := 2.0; ell <= 2048; ell *= 2 {
		a, b := 1.5*math.Pow(ell, 0.7), 1.5*math.Pow(min(ell, 203), 0.7)
		full.Information = append(full.Information, result.ComparedPoint{Ell: ell, Nats: e(a)})
		x := result.ComparedPoint{Ell: ell, Nats: e(b)}
		if a > b {
			x.Lost, x.Difference = p(100*(a-b)/a), p(b-a)
		}
		cut.Information = append(cut.Information, x)
		full.Positions = append(full.Positions, result.ComparedBin{From: ell, To: 2*ell - 1, Loss: e(1 + 2/ell)})
		cut.Positions = append(cut.Positions, result.ComparedBin{From: ell, To: 2*ell - 1, Loss: e(1 + 2/min(ell, 200)), Difference: p(0.01 + 2/min(ell, 200) - 2/ell)})
	}
	c.Runs = []result.ComparedRun{full, cut}
	c.Models = &result.Extrapolation{
		Runs:   []result.LossLaw{{Run: 1, Loss: e(1.3), A: e(2), Beta: e(0.4), Nats: e(60)}, {Run: 0, Loss: e(1.2), A: e(1.5), Beta: e(0.6), Nats: e(300)}},
		Lowest: &result.LossLaw{Run: -1, Loss: e(1.2), A: e(1.6), Beta: e(0.6), Nats: e(290)}, Ideal: &result.LossLaw{Run: -1, Loss: e(1), A: e(1.4), Beta: e(0.7), Nats: e(350)},
		Gain: e(300), BetaGain: e(0.5), Missing: p(0.1), Reach: 2, Residual: result.Residual{Run: 1, Nats: e(10)},
	}
	return c
}
