"""Memory limits, and the tiles that fit them."""

import pytest
import torch

from harness.deploy.tile_size import Tiling, default_memory, parse_memory
from harness.errors import UsageError

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2GB", 2 * 10**9),
        ("500 mb", 5 * 10**8),
        ("1.5GiB", 3 * 2**29),
        ("64k", 64_000),
        ("1000", 1000),
    ],
)
def test_sizes_of_memory(text, expected):
    assert parse_memory(text) == expected


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "2 PB", "two", "0", "1e9"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match="is no size of memory: expected for example 2GB"):
        parse_memory(text)


def system(root, *, available_kb=None, limit=None, used=None):
    (root / "proc").mkdir()
    (root / "sys/fs/cgroup").mkdir(parents=True)
    if available_kb is not None:
        text = f"MemTotal: 99999999 kB\nMemAvailable:    {available_kb} kB\n"
        (root / "proc/meminfo").write_text(text)
    if limit is not None:
        (root / "sys/fs/cgroup/memory.max").write_text(f"{limit}\n")
        (root / "sys/fs/cgroup/memory.current").write_text(f"{used}\n")
    return root


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"available_kb": 2_000_000}, 1_024_000_000),
        ({"available_kb": 2_000_000, "limit": "max", "used": 5}, 1_024_000_000),
        ({"available_kb": 2_000_000, "limit": 900, "used": 300}, 300),
        ({}, 10**9),
    ],
)
def test_half_of_what_is_free_is_the_default(facts, expected, tmp_path):
    assert default_memory(CPU, root=system(tmp_path, **facts)) == expected


def test_images_that_fit_are_not_cut():
    assert Tiling(10_000, 1).tile(100, 100, overlap=9) == 0
    assert Tiling(10_000, 1).tile(10, 1000, overlap=9) == 0
    assert Tiling(10_000, 1).tile(100, 101, overlap=9) == 100 - 2 * 9


def test_a_forced_side_goes_before_memory():
    assert Tiling(10_000, 1, forced=0).tile(5000, 5000, overlap=9) == 0
    assert Tiling(10_000, 1, forced=700).tile(5000, 5000, overlap=9) == 700
    assert Tiling(10_000, 1, forced=700).tile(600, 700, overlap=9) == 0


def test_too_little_memory_for_any_tile_says_how_much_it_takes():
    # 16 px and 42 on either side: 100x100 px of 1 kB.
    with pytest.raises(UsageError, match=r"2 MB are too little .* --memory 10MB or more"):
        Tiling(2_000_000, 1000).tile(5000, 5000, overlap=42)
    assert Tiling(10_000_000, 1000).tile(5000, 5000, overlap=42) == 16


@pytest.mark.parametrize("forced", [None, 0, 64])
def test_sides_are_halved_when_memory_runs_out(forced):
    tiling = Tiling(10_000, 1, forced=forced)
    used = tiling.tile(90, 100, overlap=9)
    smaller = tiling.halve(used, 90, 100)
    assert smaller == (32 if forced else 50)
    assert tiling.tile(90, 100, overlap=9) == smaller
    assert tiling.tile(20, 20, overlap=9) == 0
