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


def ids(result):
    assert result.exit_code == 0, result.output
    return [row["id"] for row in json.loads(result.stdout)]


def test_networks_are_found_by_id_label_family_and_source(invoke):
    assert ids(invoke("list", "AWSRN_", "--format", "json"))[:2] == ["awsrn_m", "awsrn_s"]
    assert ids(invoke("list", "w/ awru", "--format", "json")) == ["wdsr_awru"]
    assert "lapsrn_d5" in ids(invoke("list", "authors' weights", "--format", "json"))
    assert "wdsr_basic" in ids(invoke("list", "wdsr", "--format", "json"))
    assert ids(invoke("list", "TPAMI", "--format", "json")) == ["srcnn"]


def test_text_that_no_network_has_is_answered_with_the_nearest(invoke):
    result = invoke("list", "swnir")
    assert result.exit_code == 2
    assert "did you mean 'swinir'?" in result.stderr


def test_one_network_is_shown_with_options_counts_and_weights(invoke):
    card = json.loads(invoke("list", "awsrn_s", "--format", "json").stdout)
    assert card["options"]["num_blocks"] == 1  # where it differs from AWSRN
    assert card["options"]["kernel_sizes"] == [3, 5, 7, 9]
    assert card["counts"]["x4"]["params"] == 587_742
    assert card["counts"]["x4"]["multi_adds"] == 33_744_384_000
    assert card["family"] == "awsrn"
    assert {"awsrn_s_x2.safetensors", "awsrn_s_x4.safetensors"} <= {
        one["file"] for one in card["weights"]
    }
    assert len(card["names"]) > 1
    text = invoke("list", "awsrn_s").stdout
    for piece in ("num_blocks", "587,742", "33.74", "RGB in 0..255", "awsrn_sd"):
        assert piece in text
    luma = json.loads(invoke("list", "espcn", "--format", "json").stdout)
    assert "luma" in luma["maps"]


def test_a_network_of_ones_own_is_shown(tmp_path, monkeypatch, invoke):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Module):\n"
        "    expects = {'range': 1.0}\n\n"
        "    def __init__(self, *, scale, width=7):\n        super().__init__()\n"
    )
    card = json.loads(invoke("list", "mine.py:Net", "--format", "json").stdout)
    assert card["options"]["width"] == 7
    assert card["maps"] == "range 1.0"
    assert card["counts"] == {}
    assert card["weights"] == []


def test_the_card_of_a_network_is_not_shown_for_one_with_other_options(invoke):
    """Its counts and weights would be those of another network."""
    result = invoke("list", "awsrn_s{channels: 16}")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "'awsrn_s'" in result.stderr
