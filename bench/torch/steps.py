#!/usr/bin/env python3
"""Takes the steps that lab/train took, from the same weights on the same batches, and prints the losses as JSON.

Run by TestTorchTakesTheSameSteps in lab/train: steps.py FILE…, each with weights, batches and what the recipe says.
"""
import json
import sys

import torch

from model import AdamW, load, loss_of


def losses(path):
    recipe, params, batches = load(path)
    optimiser = AdamW(params, recipe)
    out = []
    for rate, batch in zip(recipe["rates"], batches):
        loss = loss_of(recipe["model"], params, batch)
        loss.backward()
        optimiser.step(rate)
        out.append(loss.item())
    return out


torch.set_num_threads(1)
print(json.dumps([losses(path) for path in sys.argv[1:]]))
