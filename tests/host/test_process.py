"""Memory that a process has freed stays its own where it is asked for."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource
import sys

import numpy as np
from harness.host.process import keep_memory

if sys.argv[1] == "kept":
    keep_memory()
for turn in range(12):
    if turn == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    maps = [np.ones(2**20) for _ in range(8)]  # 8 of 8 MiB, 2,048 pages each
    del maps
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how):
    """Page faults of 10 rounds that ask for 64 MiB and free them."""
    ended = subprocess.run(
        [sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True
    )
    return int(ended.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_memory_that_was_freed_is_used_again_without_page_faults():
    assert faults("given back") > 1000
    assert faults("kept") < 100
