"""A batch of patches by the gather of :mod:`harness.data.resident`, beside the CPU's sampler."""

from itertools import count

import numpy as np
import pytest
import torch

from harness.data.patches import Patches
from harness.data.prepare import Entry, Prepared
from harness.data.resident import ResidentPatches
from tests.benchmarks import measure_patches
from tests.benchmarks.alternate import timed

HEIGHT, WIDTH, IMAGES = 678, 1020, 20  # LR of DIV2K at x2


def test_a_gather_on_the_cpu_beside_the_sampler(hold):
    """Why the sampler stays what a CPU uses."""
    size = 3 * HEIGHT * WIDTH
    entries = [Entry(str(n), HEIGHT, WIDTH, n * size, 4 * n * size) for n in range(IMAGES)]
    generator = np.random.default_rng(0)
    lr, hr = (generator.integers(0, 256, IMAGES * size * times, np.uint8) for times in (1, 4))
    prepared = Prepared("noise", 2, "", tuple(entries), (), "", hr, lr)
    patches = Patches(prepared, patch=48, batch=16, seed=0)
    resident = ResidentPatches(patches, torch.device("cpu"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    theirs, ours = count(), count()
    try:
        hold(
            "gather of patches",
            timed(lambda: [patches[next(theirs)] for _ in range(20)]),
            timed(lambda: [resident.cut(next(ours)) for _ in range(20)]),
        )
    finally:
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    return measure_patches.ways(tmp_path_factory.mktemp("patches"))


@pytest.mark.parametrize("peer", measure_patches.HELD)
def test_a_sample_beside_other_files(hold, ways, peer):
    def of(name):
        return lambda: measure_patches.cost(name, ways[name])

    hold(f"patches {peer}", of(peer), of("ours"))
