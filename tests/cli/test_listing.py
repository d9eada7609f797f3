"""The list of networks: their stored counts, without loading any of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from harness.models import registry
from harness.records import counts

ROOT = Path(__file__).parents[2]


def test_list_as_json(invoke):
    rows = {row["id"]: row for row in json.loads(invoke("list", "--format", "json").stdout)}
    assert rows["awsrn"] == {
        "id": "awsrn",
        "label": "AWSRN",
        "scales": [2, 3, 4, 8],
        "source": "Sec. 4.4",
        "params": {"x2": 1396872, "x3": 1476147, "x4": 1587132, "x8": 2348172},
    }
    assert rows["carn"]["scales"] == [2, 3, 4]
    assert "x8" not in rows["carn"]["params"]


def test_list_as_table(invoke):
    lines = invoke("list").stdout.splitlines()
    assert (
        " ".join(lines[0].split())
        == "id label scales source params x2 params x3 params x4 params x8"
    )
    assert any(line.split()[:2] == ["awsrn_sd", "AWSRN-SD"] for line in lines)


@pytest.mark.parametrize("variant", registry.VARIANTS, ids=lambda variant: variant.id)
def test_the_numbers_are_those_of_the_networks_as_they_are_now(variant):
    """The Multi-Adds are compared where all networks are counted: tests of the counting."""
    stored = counts.load()
    for scale in variant.scales:
        with torch.device("meta"):
            network = variant.build(scale=scale)
            if hasattr(network, "deploy"):
                network = network.deploy()
        fresh = sum(weight.numel() for weight in network.parameters())
        assert counts.of_model(variant.id, scale).params == fresh
        assert counts.of(stored, variant.label, scale).params == fresh


def test_listing_loads_no_network_and_nothing_called_models():
    code = (
        "import runpy, sys; sys.argv = ['harness', 'list']\n"
        "try: runpy.run_module('harness', run_name='__main__', alter_sys=True)\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.startswith("id ")
    modules = set(done.stderr.split())
    assert "harness.models.registry" in modules
    assert not modules & {"models", "torch", "numpy", "yaml", "mlflow"}
    assert "harness.models.awsrn" not in modules
