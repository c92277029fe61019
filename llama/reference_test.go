package llama

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// A llama computed in a few lines of float64, straight from its definition:
// what comes back through the library are the right numbers of the right
// tokens, not only consistent ones.
func TestAgainstAFewLinesOfLlama(t *testing.T) {
	needLibrary(t)
	path, weights := randomModel(t, "llama", small)
	m := open(t, Options{Path: path, KeyType: "f32", ValueType: "f32", FlashAttn: "off"})
	ids := randomTokens(rand.New(rand.NewPCG(7, 8)), 48)
	got, _, err := m.LogProbs(t.Context(), ids, nil)
	if err != nil {
		t.Fatal(err)
	}
	logits := forward(weights, small, append([]int32{258}, ids[:len(ids)-1]...))
	for i, id := range ids {
		sum := 0.0
		for _, v := range logits[i] {
			sum += math.Exp(v - logits[i][id])
		}
		if want := -math.Log(sum); math.Abs(float64(got[i])-want) > 1e-4 {
			t.Fatalf("token %d: %.6f, by definition %.6f", i, got[i], want)
		}
	}
}

func forward(weights map[string]tensor, s shape, ids []int32) [][]float64 {
	head, group := s.width/s.heads, s.heads/s.kvHeads
	mul := func(name string, x []float64) []float64 {
		w := weights[name]
		in := w.dims[0]
		y := make([]float64, w.dims[1])
		for o := range y {
			for i, v := range x {
				y[o] += float64(w.data[o*in+i]) * v
			}
		}
		return y
	}
	norm := func(name string, x []float64) []float64 {
		square := 0.0
		for _, v := range x {
			square += v * v / float64(len(x))
		}
		y := make([]float64, len(x))
		for i, v := range x {
			y[i] = v / math.Sqrt(square+1e-5) * float64(weights[name].data[i])
		}
		return y
	}
	rotate := func(x []float64, pos int) { // pairs of neighbours in each head
		for i := 0; i < len(x); i += 2 {
			angle := float64(pos) * math.Pow(10000, -float64(i%head)/float64(head))
			c, sn := math.Cos(angle), math.Sin(angle)
			x[i], x[i+1] = x[i]*c-x[i+1]*sn, x[i]*sn+x[i+1]*c
		}
	}
	state := make([][]float64, len(ids))
	for p, id := range ids {
		for _, v := range weights["token_embd.weight"].data[int(id)*s.width:][:s.width] {
			state[p] = append(state[p], float64(v))
		}
	}
	for l := range s.layers {
		b := fmt.Sprintf("blk.%d.", l)
		var keys, values [][]float64
		for p := range ids {
			x := norm(b+"attn_norm.weight", state[p])
			q, k := mul(b+"attn_q.weight", x), mul(b+"attn_k.weight", x)
			rotate(q, p)
			rotate(k, p)
			keys, values = append(keys, k), append(values, mul(b+"attn_v.weight", x))
			mixed := make([]float64, s.heads*head)
			for h := range s.heads {
				from := h / group * head
				scores, total := make([]float64, p+1), 0.0
				for past := range scores {
					for i := range head {
						scores[past] += q[h*head+i] * keys[past][from+i] / math.Sqrt(float64(head))
					}
					scores[past] = math.Exp(scores[past])
					total += scores[past]
				}
				for past, w := range scores {
					for i := range head {
						mixed[h*head+i] += w / total * values[past][from+i]
					}
				}
			}
			for i, v := range mul(b+"attn_output.weight", mixed) {
				state[p][i] += v
			}
			x = norm(b+"ffn_norm.weight", state[p])
			gate, up := mul(b+"ffn_gate.weight", x), mul(b+"ffn_up.weight", x)
			for i, g := range gate {
				up[i] *= g / (1 + math.Exp(-g))
			}
			for i, v := range mul(b+"ffn_down.weight", up) {
				state[p][i] += v
			}
		}
	}
	out := make([][]float64, len(ids))
	for p := range ids {
		out[p] = mul("output.weight", norm("output_norm.weight", state[p]))
	}
	return out
}
