"""The models of lab/mixer in torch: what PyTorch or Transformers have, from there; the rest written out."""
import json
import math

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch.func import functional_call
from transformers import Lfm2Config, Mamba2Config, MambaConfig
from transformers.models.lfm2.modeling_lfm2 import Lfm2ShortConv
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb
from transformers.models.mamba.modeling_mamba import MambaMixer
from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer
from transformers.models.qwen3_next.modeling_qwen3_next import torch_chunk_gated_delta_rule

RMS = 1e-6


def rms(x, w):
    return F.rms_norm(x, (x.shape[-1],), w, RMS)


def split(x, heads):  # [B T H·n] to [B H T n]
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def join(x):
    return x.transpose(1, 2).flatten(2)


def conv(x, w, bias):
    y = F.conv1d(F.pad(x.transpose(1, 2), (w.shape[0] - 1, 0)), w.T[:, None], bias, groups=w.shape[1])
    return y.transpose(1, 2)


def decay(p, step):  # [B T H]
    return -torch.exp(p["A_log"]) * F.softplus(step + p["dt_bias"])


def causal(n):
    return torch.ones(n, n, dtype=torch.bool).tril()


def attention(c, p, x):
    q, k, v = (split(x @ p[f"{n}.weight"], c["num_attention_heads"]) for n in "qkv")
    T, size = q.shape[2:]
    if c["positions"] == "rope":
        angles = torch.outer(torch.arange(T, dtype=torch.float64), 10000.0 ** (-torch.arange(size // 2, dtype=torch.float64) / (size // 2)))
        angles = torch.cat([angles, angles], -1)[None]
        q, k = apply_rotary_pos_emb(q, k, angles.cos().float(), angles.sin().float())
    if c["layer_types"][0] == "full_attention":
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    else:
        i = torch.arange(T)
        mask = causal(T) & ((i[:, None] - i < c["sliding_window"]) | (i < c.get("attention_sinks", 0)))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return join(y) @ p["o.weight"]


def linear_attention(c, p, x):
    h = c["num_attention_heads"]
    q, k = (split(F.silu(x @ p[f"{n}.weight"]), h) for n in "qk")
    v = split(x @ p["v.weight"], h)
    y = (q @ k.mT / math.sqrt(q.shape[3])).masked_fill(~causal(x.shape[1]), 0) @ v
    return join(rms(y, p["norm.weight"])) @ p["o.weight"]


def gated_linear_attention(c, p, x):
    h = c["num_attention_heads"]
    q, k, v = (split(x @ p[f"{n}.weight"], h) for n in "qkv")
    fade = F.logsigmoid(x @ p["fade.0.weight"] @ p["fade.1.weight"] + p["fade.1.bias"])
    fade = split((fade / 16).clamp(min=-5), h).exp()
    state, out = torch.zeros(*q.shape[:2], q.shape[3], v.shape[3]), []
    for t in range(x.shape[1]):
        state = state * fade[:, :, t, :, None] + k[:, :, t, :, None] * v[:, :, t, None]
        out.append((q[:, :, t, None] @ state / math.sqrt(q.shape[3]))[:, :, 0])
    y = rms(torch.stack(out, 2), p["norm.weight"])
    return (F.silu(x @ p["g.weight"]) * join(y)) @ p["o.weight"]


def log_linear_attention(c, p, x):
    h, T = c["num_attention_heads"], x.shape[1]
    q, k = (split(F.silu(x @ p[f"{n}.weight"]), h) for n in "qk")
    v = split(x @ p["v.weight"], h)
    total = decay(p, x @ p["a.weight"]).transpose(1, 2).cumsum(2)  # [B H T]
    weights = split(F.softplus(x @ p["level.weight"] + p["level.bias"]), h)
    level = torch.tensor([[(t ^ s).bit_length() if s <= t else 0 for s in range(T)] for t in range(T)])
    share = weights.gather(3, level.expand(*weights.shape[:2], T, T))
    fade = (total[..., :, None] - total[..., None, :]).masked_fill(~causal(T), -math.inf).exp()
    y = (q @ k.mT / math.sqrt(q.shape[3]) * fade * share) @ v
    return join(rms(y, p["norm.weight"])) @ p["o.weight"]


def gated_delta(c, p, x):
    h = c["num_attention_heads"]
    q, k, v = (y.unflatten(-1, (h, -1)) for y in F.silu(conv(x @ p["qkv.weight"], p["conv.weight"], p["conv.bias"])).chunk(3, -1))
    y, _ = torch_chunk_gated_delta_rule(q, k, v, decay(p, x @ p["a.weight"]), torch.sigmoid(x @ p["b.weight"]),
                                        chunk_size=c["chunk_size"], use_qk_l2norm_in_kernel=True)
    return (F.silu(x @ p["g.weight"]) * rms(y, p["norm.weight"]).flatten(2)) @ p["o.weight"]


_modules = {}


def module(make, c):
    """A mixer of Transformers for a config; its parameters are replaced at each call."""
    key = (make.__name__, str(sorted(c.items(), key=lambda kv: kv[0])))
    if key not in _modules:
        _modules[key] = make(c)
    return _modules[key]


def new_mamba2(c):
    d, h = c["hidden_size"], c["num_attention_heads"]
    return Mamba2Mixer(Mamba2Config(hidden_size=d, num_heads=h, head_dim=2 * d // h, state_size=c["state_size"], n_groups=1,
                                    conv_kernel=c["conv_kernel"], chunk_size=c["chunk_size"], use_bias=False, num_hidden_layers=1,
                                    layer_norm_epsilon=RMS, time_step_limit=(0.0, float("inf"))), 0)


def mamba2(c, p, x):
    return functional_call(module(new_mamba2, c), {
        "in_proj.weight": torch.cat([p["z.weight"], p["in.weight"], p["dt.weight"]], 1).T,
        "conv1d.weight": p["conv.weight"].T[:, None], "conv1d.bias": p["conv.bias"], "dt_bias": p["dt_bias"],
        "A_log": p["A_log"], "D": p["D"][:, 0], "norm.weight": p["norm.weight"], "out_proj.weight": p["out.weight"].T}, (x,))


def new_mamba(c):
    d = c["hidden_size"]
    return MambaMixer(MambaConfig(hidden_size=d, state_size=c["state_size"], conv_kernel=c["conv_kernel"], expand=2,
                                  time_step_rank=(d + 15) // 16, use_bias=False, num_hidden_layers=1), 0)


def mamba(c, p, x):
    return functional_call(module(new_mamba, c), {
        "in_proj.weight": torch.cat([p["in.weight"], p["z.weight"]], 1).T,
        "conv1d.weight": p["conv.weight"].T[:, None], "conv1d.bias": p["conv.bias"],
        "x_proj.weight": torch.cat([p["low.weight"], p["B.weight"], p["C.weight"]], 1).T,
        "dt_proj.weight": p["dt.weight"].T, "dt_proj.bias": p["dt_bias"], "A_log": p["A_log"], "D": p["D"],
        "out_proj.weight": p["out.weight"].T}, (x,))


def new_short_conv(c):
    return Lfm2ShortConv(Lfm2Config(hidden_size=c["hidden_size"], conv_L_cache=c["conv_kernel"], conv_bias=True, num_hidden_layers=1,
                                    layer_types=["conv"]), 0)


def short_conv(c, p, x):
    d = c["hidden_size"]
    return functional_call(module(new_short_conv, c), {
        "in_proj.weight": p["in.weight"].T, "in_proj.bias": torch.zeros(3 * d), "out_proj.bias": torch.zeros(d),
        "conv.weight": p["conv.weight"].T[:, None], "conv.bias": p["conv.bias"], "out_proj.weight": p["out.weight"].T}, (x,))


def power_law_memory(c, p, x):
    """One query at a time: the tokens of its chunk, and a block for each bit that is set in the number of chunks before."""
    h, chunk, T = c["num_attention_heads"], c["memory_chunk"], x.shape[1]
    q, kv = split(x @ p["q.weight"], h), split(x @ p["kv.weight"], h)
    size = q.shape[3]
    blocks, level = [], 0  # by level: slots of each whole block
    below = [kv[:, :, i:i + chunk] for i in range(0, T - T % chunk, chunk)]
    while f"{level}.shift" in p and below:
        blocks.append([merge(c, p, level, s, size) for s in below])
        below = [torch.cat(blocks[-1][i:i + 2], 2) for i in range(0, len(blocks[-1]) - 1, 2)]
        level += 1
    out = []
    for t in range(T):
        n = t // chunk
        seen = [kv[:, :, n * chunk:t + 1]] + [blocks[i][(n >> i) - 1] + p[f"{i}.shift"] for i in range(n.bit_length()) if n >> i & 1]
        k, v = torch.cat(seen, 2).split(size, 3)
        out.append(F.scaled_dot_product_attention(q[:, :, t:t + 1], k, v))
    return join(torch.cat(out, 2)) @ p["o.weight"]


def merge(c, p, level, x, size):
    if c["memory_merge"] in ("linear", "orthogonal"):
        return p[f"{level}.merge.weight"] @ x
    if c["memory_merge"] == "dense":
        return (p[f"{level}.merge.weight"] @ x.flatten(2)[..., None]).unflatten(2, (-1, 2 * size))[..., 0]
    logits = p[f"{level}.merge.queries"] @ x[..., :size].mT / math.sqrt(size) + p[f"{level}.merge.bias"]
    return logits.softmax(-1) @ x


def memory_caching(c, p, x):
    """One query at a time: segments are lists of tokens, those of two full blocks joined in order."""
    h, T, b, a = c["num_attention_heads"], x.shape[1], c["memory_exponent"], c["memory_scale"]
    q, k = (split(F.silu(x @ p[f"{n}.weight"]), h) for n in "qk")
    u, v = split(x @ p["u.weight"], h), split(x @ p["v.weight"], h)
    size = q.shape[3]
    out, blocks = [], []  # of past tokens, the longest first
    for t in range(T):
        seen = [s for block in blocks for s in block] + [[t]]
        gate = torch.stack([(u[:, :, t] * k[:, :, s].mean(2)).sum(-1) for s in seen], -1) / math.sqrt(size)
        parts = torch.stack([(q[:, :, t:t + 1] @ k[:, :, s].mT / math.sqrt(size)) @ v[:, :, s] for s in seen], -1)[:, :, 0]
        out.append((parts * gate.softmax(-1)[:, :, None]).sum(-1))
        new = [[t]]
        while blocks and sum(map(len, blocks[-1])) == sum(map(len, new)):
            halves = blocks.pop() + new
            tokens = sum(map(len, halves))
            n = min(tokens, math.ceil(a * 2 ** (b * math.log2(tokens))))
            new = [[] for _ in range(n)]
            for i, s in enumerate(halves):
                new[i * n // len(halves)] += s
        blocks.append(new)
    return join(rms(torch.stack(out, 2), p["norm.weight"])) @ p["o.weight"]


MIXERS = {"full_attention": attention, "sliding_attention": attention, "linear_attention": linear_attention,
          "gated_linear_attention": gated_linear_attention, "mamba2": mamba2, "mamba": mamba, "gated_delta": gated_delta,
          "short_conv": short_conv, "log_linear_attention": log_linear_attention, "power_law_memory": power_law_memory,
          "memory_caching": memory_caching}


def under(p, prefix):
    return {n[len(prefix):]: w for n, w in p.items() if n.startswith(prefix)}


def norm(c, p, name, x):
    if c["norm"] == "rmsnorm":
        return rms(x, p[name + ".weight"])
    return F.layer_norm(x, (x.shape[-1],), p[name + ".weight"], p[name + ".bias"], 1e-5)


def gelu(x):
    return F.gelu(x, approximate="tanh")


def mlp(c, p, x):
    if c["hidden_act"] == "gated":
        return (F.silu(x @ p["gate.weight"]) * (x @ p["up.weight"])) @ p["down.weight"]
    return gelu(x @ p["up.weight"] + p["up.bias"]) @ p["down.weight"] + p["down.bias"]


def forward(c, p, x):
    if "vocab_size" in c:
        h = F.embedding(x.long(), p["embed.weight"])
    else:
        h = gelu(x @ p["embed.0.weight"] + p["embed.0.bias"]) @ p["embed.1.weight"] + p["embed.1.bias"]
    if c["positions"] == "learned":
        h = h + p["positions.weight"][:x.shape[1]]
    elif c["positions"] == "digits":
        bits = torch.arange(x.shape[1])[:, None] >> torch.arange(len(p["positions.weight"])) & 1
        h = h + (2.0 * bits - 1) @ p["positions.weight"]
    for i, kind in enumerate(c["layer_types"]):
        l = under(p, f"layers.{i}.")
        h = h + MIXERS[kind](c, under(l, "mixer."), norm(c, l, "norm", h))
        if c.get("intermediate_size"):
            h = h + mlp(c, under(l, "mlp."), norm(c, l, "mlp_norm", h))
    h = norm(c, p, "norm", h)
    if "vocab_size" in c:
        return h @ (p["embed.weight"].T if c.get("tie_word_embeddings") else p["head.weight"])
    return gelu(h @ p["head.0.weight"] + p["head.0.bias"]) @ p["head.1.weight"] + p["head.1.bias"]


def gaussian_loss(c, p, x, lower):
    """Kullback-Leibler divergence from the exact conditional law of lower·x, x standard normal; nats for each number."""
    y, sd = torch.einsum("ts,bsc->btc", lower, x), lower.diagonal()[:, None]
    mean, log_sd = forward(c, p, F.pad(y[:, :-1], (0, 0, 1, 0))).chunk(2, -1)
    error = y - x * sd - mean
    return (log_sd - sd.log() + (sd ** 2 + error ** 2) / 2 * torch.exp(-2 * log_sd) - 0.5).mean()


def symbol_loss(c, p, x, targets, weights):
    loss = F.cross_entropy(forward(c, p, x).flatten(0, 1), targets.flatten().long(), reduction="none")
    return (loss * weights.flatten()).sum() / x.shape[0]


def loss_of(c, p, batch):
    return gaussian_loss(c, p, **batch) if "lower" in batch else symbol_loss(c, p, **batch)


def load(path):
    """Recipe, parameters and batches of a file that lab/train wrote."""
    with safe_open(path, "pt") as f:
        recipe = json.loads(f.metadata()["recipe"])
        tensors = {n: f.get_tensor(n) for n in f.keys()}
    params = {n: w.requires_grad_() for n, w in under(tensors, "param.").items()}
    batches = [under(tensors, f"step.{i}.") for i in range(len(recipe["rates"]))]
    if "lower" in tensors:
        batches = [b | {"lower": tensors["lower"]} for b in batches]
    return recipe, params, batches


class AdamW:
    """torch.optim.AdamW, after clipping, with the rates of a recipe."""

    def __init__(self, params, recipe, fused=False):
        self.params, self.clip = list(params.values()), recipe["clip"]
        decays = set(recipe["decays"])
        groups = [{"params": [w for n, w in params.items() if n in decays], "weight_decay": recipe["weight_decay"]},
                  {"params": [w for n, w in params.items() if n not in decays], "weight_decay": 0.0}]
        self.adam = torch.optim.AdamW(groups, lr=1.0, betas=(0.9, recipe["beta2"]), eps=1e-8, fused=fused)

    def step(self, rate):
        for g in self.adam.param_groups:
            g["lr"] = rate
        torch.nn.utils.clip_grad_norm_(self.params, self.clip)
        self.adam.step()
        self.adam.zero_grad()
