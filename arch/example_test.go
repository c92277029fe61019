package arch_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/l2m-lab/l2m/arch"
	"github.com/l2m-lab/l2m/law"
)

const hybrid = `{
  "model_type": "jamba",
  "num_hidden_layers": 32, "hidden_size": 4096,
  "num_attention_heads": 32, "num_key_value_heads": 8,
  "attn_layer_period": 8, "attn_layer_offset": 4,
  "mamba_d_state": 16, "mamba_d_conv": 4, "mamba_expand": 2
}`

func ExampleParse() {
	m, err := arch.Parse(strings.NewReader(hybrid))
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range m.Groups() {
		fmt.Printf("%d layers:", len(g.Layers))
		for _, p := range g.Parts {
			fmt.Printf(" %s %d %s;", p.Kind, p.Width, p.Rule)
		}
		fmt.Println()
	}
	// Output:
	// 28 layers: recurrent 131072 fixed; conv 24576 fixed;
	// 4 layers: kv 2048 per-token;
}

func ExampleModel_State() {
	m, err := arch.Parse(strings.NewReader(hybrid))
	if err != nil {
		log.Fatal(err)
	}
	for _, L := range []int64{1024, 131072} {
		s, err := m.State(L)
		if err != nil {
			log.Fatal(err)
		}
		bytes, err := s.Bytes(arch.BFloat16())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("L = %d: %d elements (%d recurrent), %d bytes\n", L, s.Total, s.Elements.Recurrent, bytes)
	}
	// Output:
	// L = 1024: 12746752 elements (3670016 recurrent), 25493504 bytes
	// L = 131072: 1078099968 elements (3670016 recurrent), 2156199936 bytes
}

func ExampleModel_Audit() {
	config := `{"model_type": "mamba", "num_hidden_layers": 24, "hidden_size": 768, "intermediate_size": 1536, "state_size": 16, "conv_kernel": 4}`
	m, err := arch.Parse(strings.NewReader(config))
	if err != nil {
		log.Fatal(err)
	}
	a, err := m.Audit(law.PublishedEnglish(), arch.AuditOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Verdict, "because", a.Reason)
	for _, x := range a.Crossovers {
		fmt.Printf("%.3g nats per element: too small from %s\n", x.Capacity, x)
	}
	// Output:
	// falls-behind because the state has a fixed size, the information grows like L^0.76
	// 11.1 nats per element: too small from L = 3.96e+08
	// 1 nats per element: too small from L = 1.67e+07
	// 0.1 nats per element: too small from L = 8.07e+05
	// 0.01 nats per element: too small from L = 3.9e+04
}
