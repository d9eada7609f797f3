"""MSRN in its authors' names: what their code computes, written out, agrees."""

import torch
from torch.nn import functional as F

from harness.models import registry


def test_msrn(state_dict, lr, assert_agree):
    state = state_dict()
    state.shifts("trained")
    state.layer("head.0", 3, 4)
    for block in (0, 1):
        for size in (3, 5):
            state.layer(f"body.{block}.conv_{size}_1", 4, 4, size)
            state.layer(f"body.{block}.conv_{size}_2", 8, 8, size)
        state.layer(f"body.{block}.confusion", 16, 4, 1)
    state.layer("tail.0", 12, 4, 1)
    state.layer("tail.1", 4, 4)
    state.layer("tail.2.0", 4, 16)
    state.layer("tail.3", 4, 3)
    head = y = state("head.0", state("sub_mean", lr))
    kept = []
    for block in (0, 1):
        wide = y
        for step in (1, 2):
            convs = [state(f"body.{block}.conv_{size}_{step}", wide) for size in (3, 5)]
            wide = F.relu(torch.cat(convs, 1))
        y = y + state(f"body.{block}.confusion", wide)
        kept.append(y)
    y = state("tail.1", state("tail.0", torch.cat([*kept, head], 1)))
    expected = state("add_mean", state("tail.3", state.up("tail.2.0", y)))
    network = registry.get("msrn").build(scale=2, num_blocks=2, channels=4)
    assert_agree(state, network, expected, lr)
