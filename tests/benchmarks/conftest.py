"""The gate that ratios of speed pass: `hold`."""

from dataclasses import asdict

import pytest

from tests.benchmarks.alternate import Ratio, claims, row, store


@pytest.fixture
def hold(benchmark, request):
    """Measure a peer and ours in turn, store the ratio, and hold it to its bound.

    `about` returns what else is to be stored of a measurement.
    """

    def held(name, peer, ours, about=lambda measured: {}):
        claim = claims()[name]
        measured = Ratio.of(peer, ours, claim.turns)
        benchmark.pedantic(ours, rounds=1)
        kept = row(name, request.path.name, measured, asdict(claim) | about(measured))
        benchmark.extra_info.update(kept)
        store(kept, "speed.json")
        if claim.holds_here:
            assert measured.ratio >= claim.bound, f"{name}: {measured.ratio:.3f} < {claim.bound}"
        return measured

    return held
