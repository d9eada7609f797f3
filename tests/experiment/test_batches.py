"""How batches reach the device: the way is chosen by memory, said, and changes no byte."""

import logging

import numpy as np
import pytest
import torch

from harness.data.patches import Patches
from harness.data.prepare import Entry, Prepared
from harness.data.resident import ResidentPatches
from harness.errors import TrainingError
from harness.experiment import batches

CPU = torch.device("cpu")
NEEDS_CUDA = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
DEVICES = ["cpu", pytest.param("cuda", marks=NEEDS_CUDA)]
GIB = 2**30


def patches(batch=6):
    """Patches of two images of noise, 4,500 bytes of them in all, at x2."""
    generator = np.random.default_rng(0)
    lr, hr = (generator.integers(0, 256, size, np.uint8) for size in (900, 3600))
    entries = (Entry("a", 10, 20, 0, 0), Entry("b", 10, 10, 600, 2400))
    return Patches(Prepared("two", 2, "", entries, (), "", hr, lr), patch=5, batch=batch, seed=3)


def taken(chosen, device, *, workers=0, share=slice(None), steps=range(3, 8)):
    pairs = batches.batches(
        chosen, steps, share=share, workers=workers, device=torch.device(device)
    )
    return [tuple(part.cpu().numpy() for part in pair) for pair in pairs]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("resident", [True, False])
def test_every_way_gives_the_sampler_s_batches_in_order(resident, workers, device):
    cut = patches()
    chosen = batches.source(cut, asked=resident, device=torch.device(device))
    share = slice(1, None, 2)
    found = taken(chosen, device, workers=workers, share=share)
    assert len(found) == 5
    for step, pair in zip(range(3, 8), found, strict=True):
        for ours, theirs in zip(pair, cut[step], strict=True):
            np.testing.assert_array_equal(ours, theirs[share])


@pytest.mark.parametrize(
    ("asked", "device", "free", "held"),
    [
        (None, "cpu", 10 * GIB, False),
        (True, "cpu", 10 * GIB, True),
        (True, "cpu", None, True),
        (False, "cuda", 10 * GIB, False),
        (None, "cuda", 8999, False),
        (None, "cuda", None, False),
        (None, "cuda", 9000, True),
        (True, "cuda", 4500, True),
    ],
)
def test_the_set_is_held_where_it_takes_half_of_what_is_free(
    asked, device, free, held, monkeypatch, caplog
):
    """4,500 bytes; `cuda` is a CPU's memory here, so that the choice is tried without a GPU."""
    monkeypatch.setattr(batches, "free_bytes", lambda _device: free)
    monkeypatch.setattr(batches, "ResidentPatches", lambda cut, _device: ResidentPatches(cut, CPU))
    caplog.set_level(logging.INFO)
    chosen = batches.source(patches(), asked=asked, device=torch.device(device))
    assert isinstance(chosen, ResidentPatches) is held
    said = [message for message in caplog.messages if message.startswith("patches: ")]
    assert len(said) == (0 if (asked, device) == (None, "cpu") else 1)
    if said:
        assert ("where the set is held" in said[0]) is held
        assert ("pinned memory" in said[0]) is not held


def test_a_set_that_is_asked_for_and_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(batches, "free_bytes", lambda _device: 4499)
    with pytest.raises(
        TrainingError, match=r"data\.resident=true: the set does not fit \(0\.0 GiB"
    ):
        batches.source(patches(), asked=True, device=CPU)


def test_memory_that_runs_out_while_it_is_sent_is_told(monkeypatch):
    def fails(*_arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(batches, "ResidentPatches", fails)
    with pytest.raises(TrainingError, match="the set does not fit"):
        batches.source(patches(), asked=True, device=CPU)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_pairs_sent_ahead_arrive_in_order_and_whole(count, device):
    pairs = [(torch.full((2,), n), torch.full((3,), n)) for n in range(count)]
    arrived = list(batches.sent_ahead(iter(pairs), torch.device(device)))
    assert len(arrived) == count
    for (lr, hr), (their_lr, their_hr) in zip(arrived, pairs, strict=True):
        assert lr.device.type == hr.device.type == device
        assert torch.equal(lr.cpu(), their_lr)
        assert torch.equal(hr.cpu(), their_hr)


def test_one_pair_is_under_way_while_another_is_used():
    log = []

    def made():
        for n in range(3):
            log.append(f"made {n}")
            yield torch.tensor(n), torch.tensor(n)

    for lr, _ in batches.sent_ahead(made(), CPU):
        log.append(f"used {lr.item()}")
    assert log == ["made 0", "made 1", "used 0", "made 2", "used 1", "used 2"]
