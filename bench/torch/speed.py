#!/usr/bin/env python3
"""Times the training steps of a file that lab/train wrote, eager and compiled: tokens per second of user time, best step.

Run by BenchmarkStep in lab/train: speed.py FILE.
"""
import json
import resource
import sys

import torch
import torch.nn.functional as F

import model


def ssd(c, p, x):
    """Mamba-2 by chunks, after listing 1 of arXiv 2405.21060: faster on a processor than the mixer of Transformers."""
    h, n, size = c["num_attention_heads"], c["state_size"], c["chunk_size"]
    mixed = F.silu(model.conv(x @ p["in.weight"], p["conv.weight"], p["conv.bias"]))
    u, b, k = mixed.split([mixed.shape[-1] - 2 * n, n, n], -1)
    step = F.softplus(x @ p["dt.weight"] + p["dt_bias"])
    u = u.unflatten(-1, (h, -1))
    xs, b, k, a = (y.unflatten(1, (-1, size)) for y in (u * step[..., None], b, k, -torch.exp(p["A_log"]) * step))
    xs, a = xs.transpose(2, 3), a.transpose(2, 3).cumsum(-1)  # [B K H Q P], [B K H Q]
    fade = (a[..., :, None] - a[..., None, :]).masked_fill(~model.causal(size), -torch.inf).exp()
    inside = ((k @ b.mT)[:, :, None] * fade) @ xs
    added = (b[:, :, None] * (a[..., -1:] - a).exp()[..., None]).mT @ xs  # [B K H N P]
    state, before = torch.zeros_like(added[:, 0]), []
    for i in range(added.shape[1]):
        before.append(state)
        state = state * a[:, i, :, -1, None, None].exp() + added[:, i]
    y = inside + (k[:, :, None] * a.exp()[..., None]) @ torch.stack(before, 1)
    y = (y.transpose(2, 3).flatten(1, 2) + p["D"] * u).flatten(2)
    return model.rms(y * F.silu(x @ p["z.weight"]), p["norm.weight"]) @ p["out.weight"]


def user():
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def best(path, wrap):
    recipe, params, batches = model.load(path)
    optimiser = model.AdamW(params, recipe, fused=True)
    loss_of = wrap(lambda batch: model.loss_of(recipe["model"], params, batch))
    times = []
    for rate, batch in zip(recipe["rates"], batches):
        start = user()
        loss_of(batch).backward()
        optimiser.step(rate)
        times.append(user() - start)
    return batches[0]["x"].shape[:2].numel() / min(times[2:])  # the first steps compile


def check(path):
    """The fast form of Mamba-2 must give the loss of Transformers' one."""
    recipe, params, batches = model.load(path)
    with torch.no_grad():
        losses = []
        for mixer in (model.mamba2, ssd):
            model.MIXERS["mamba2"] = mixer
            losses.append(model.loss_of(recipe["model"], params, batches[0]).item())
    assert abs(losses[0] - losses[1]) < 1e-5, losses


torch.set_num_threads(1)
check(sys.argv[1])
print(json.dumps({"eager": best(sys.argv[1], lambda f: f), "compiled": best(sys.argv[1], torch.compile)}))
