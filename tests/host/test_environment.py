"""Where a measurement says that it comes from."""

import pytest

from harness.host import environment


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx2 fma", "cpu (AMD EPYC, AVX2)"),
        ("fpu avx2 avx512f avx512_bf16", "cpu (AMD EPYC, AVX-512 BF16)"),
        ("fpu avx2 avx512f avx512_bf16 amx_bf16", "cpu (AMD EPYC, AMX)"),
        ("fpu avx2 avx512f", "cpu (AMD EPYC, AVX-512)"),
        ("fpu sse4_2", "cpu (AMD EPYC)"),
    ],
)
def test_two_cpus_of_one_masked_name_are_told_apart(tmp_path, flags, expected):
    """A virtual machine calls a Zen 1 and a Zen 5 "AMD EPYC": bf16 takes the first 100 times."""
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: {flags}\n")
    assert environment.device_name("cpu", file) == expected


def test_a_cpu_of_which_nothing_is_said_has_a_name(tmp_path):
    assert environment.device_name("cpu", tmp_path / "none").startswith("cpu (")
