"""Looking up networks, and what their declarations say."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from harness.models import registry
from harness.models.variant import Variant


def test_ids_of_the_main_job():
    expected = (
        "bicubic wdsr_basic wdsr_wru wdsr_awru wdsr_awms wdsr_skip3 awsrn awsrn_m awsrn_s awsrn_sd "
        "awsrn_b awsrn_na awsrn_nl"
    )
    assert list(registry.names())[:13] == expected.split()


def test_labels_are_unique():
    labels = [variant.label for variant in registry.VARIANTS]
    assert len(set(labels)) == len(labels)


def test_options_leave_out_the_scale():
    options = registry.get("awsrn").options()
    assert "scale" not in options
    assert "kernel_sizes" in options


def test_undefined_scale_is_refused():
    with pytest.raises(ValueError, match="awsrn is defined for x2, x3, x4, x8, not x5"):
        registry.get("awsrn").build(scale=5)


def test_unknown_ids_are_refused():
    with pytest.raises(LookupError, match="unknown model 'awsrm'"):
        registry.get("awsrm")


def test_an_id_stands_for_one_network():
    variant = registry.get("awsrn")
    assert list(registry.by_id([variant])) == ["awsrn"]
    with pytest.raises(ValueError, match="two networks have the id 'awsrn'"):
        registry.by_id([variant, replace(variant, label="Another")])


def test_fixed_arguments_are_defaults_that_may_be_overridden():
    variant = registry.get("awsrn_sd")
    assert "num_blocks" in variant.options()
    with torch.device("meta"):
        network, wider = (variant.build(scale=2, **width) for width in ({}, {"channels": 24}))
    assert sum(p.numel() for p in network.parameters()) < sum(p.numel() for p in wider.parameters())


def test_declarations_load_no_network():
    code = (
        "import sys; from harness.models import registry; hash(registry.VARIANTS); "
        "print([n for n in sys.modules if n in ('torch', 'numpy', 'harness.models.awsrn')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("awsrn_s", {"num_units": 10**6}, r"num_units=1000000: expected .* at most 1,024"),
        ("awsrn_s", {"channels": 2**63 - 1}, "at most 1,024"),
        ("awsrn_s", {"kernel_sizes": [3, -(10**9)]}, r"kernel_sizes=-1000000000: .* at most 1,024"),
        ("drcn", {"num_recursions": 2**31}, "at most 1,024"),
        ("awsrn_s", {"num_blocks": 1000}, "more than 5,000 modules"),
        ("falsr_a", {"graph": 3}, "falsr_a cannot be built with graph=3"),
    ],
)
def test_options_that_would_take_forever_or_fail_are_refused(model, options, message):
    with torch.device("meta"), pytest.raises(ValueError, match=message):
        registry.get(model).build(scale=2, **options)


def test_a_users_own_network_has_no_such_limits():
    def own(*, scale, number):
        return nn.Sequential(*(nn.Identity() for _ in range(number)))

    variant = Variant("own", "Own", "", own, scales=())
    assert len(list(variant.build(scale=2, number=6000).children())) == 6000
