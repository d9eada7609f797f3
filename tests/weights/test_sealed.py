"""Sealed weights: the same tensors and words are the same bytes, in the library's own format."""

import torch
from safetensors import safe_open
from safetensors.torch import load

from harness.weights.sealed import seal, unseal

TENSORS = {"b": torch.arange(6.0).reshape(2, 3), "a": torch.ones(1, dtype=torch.int64)}
SAID = {"network": '{"label": "Größe \\"x\\""}', "pruned": "p", "other": "o"}


def test_the_same_content_is_the_same_bytes():
    """The library keeps metadata in a hash map, each with an order of its own."""
    assert len({seal(TENSORS, SAID) for _ in range(20)}) == 1
    assert len({seal(TENSORS, dict(reversed(SAID.items()))), seal(TENSORS, SAID)}) == 1


def test_the_library_reads_it(tmp_path):
    content = seal(TENSORS, SAID)
    assert all(torch.equal(load(content)[name], tensor) for name, tensor in TENSORS.items())
    (tmp_path / "w.safetensors").write_bytes(content)
    with safe_open(tmp_path / "w.safetensors", "pt") as file:
        metadata = file.metadata()
    assert metadata.pop("sha256")
    assert metadata == SAID == unseal(content, "x").metadata
