"""RDN in others' names: what their code computes, written out, agrees."""

import pytest
import torch
from torch.nn import functional as F

from harness.models import registry

RDN_NAMES = {
    "EDSR-PyTorch": ("SFENet1", "SFENet2", "RDBs", "convs", "conv.0", "LFF", "GFF", "UPNet", None),
    "yjn870": ("sfe1", "sfe2", "rdbs", "layers", "conv", "lff", "gff", "upscale", "output"),
}


@pytest.mark.parametrize("scale", [3, 4])
@pytest.mark.parametrize("whose", RDN_NAMES)
def test_rdn_in_either_range(whose, scale, state_dict, lr, assert_agree):
    head, entry, blocks, layers, conv, local, fusion, up, tail = RDN_NAMES[whose]
    steps = {3: (3,), 4: (2, 2)}[scale]
    tail = tail or f"{up}.{2 * len(steps)}"
    span = 255 if whose == "EDSR-PyTorch" else 1
    state = state_dict()
    state.layer(head, 3, 4)
    state.layer(entry, 4, 4)
    for block in (0, 1):
        for layer in (0, 1):
            state.layer(f"{blocks}.{block}.{layers}.{layer}.{conv}", 4 + 4 * layer, 4)
        state.layer(f"{blocks}.{block}.{local}", 12, 4, 1)
    state.layer(f"{fusion}.0", 8, 4, 1)
    state.layer(f"{fusion}.1", 4, 4)
    for index, step in enumerate(steps):
        state.layer(f"{up}.{2 * index}", 4, 4 * step**2)
    state.layer(tail, 4, 3)
    shallow = state(head, lr * span / 255)
    y, kept = state(entry, shallow), []
    for block in (0, 1):
        dense = y
        for layer in (0, 1):
            new = F.relu(state(f"{blocks}.{block}.{layers}.{layer}.{conv}", dense))
            dense = torch.cat([dense, new], 1)
        y = y + state(f"{blocks}.{block}.{local}", dense)
        kept.append(y)
    y = shallow + state(f"{fusion}.1", state(f"{fusion}.0", torch.cat(kept, 1)))
    for index, step in enumerate(steps):
        y = F.pixel_shuffle(state(f"{up}.{2 * index}", y), step)
    network = registry.get("rdn").build(
        scale=scale, num_blocks=2, num_layers=2, growth=4, channels=4
    )
    assert_agree(state, network, state(tail, y) * 255 / span, lr)
