"""``harness compare --ntire``: counts by our rule, runtimes in turns, what is refused."""

import json
from dataclasses import asdict
from math import exp

import pytest

from harness.efficiency import challenge as costs
from harness.efficiency.bench import process
from harness.efficiency.bench.worker import Measured
from harness.errors import HarnessError
from harness.records import challenge

SECONDS = {"span_28": 0.2, "span_26": 0.1, "rlfn": 0.4}


@pytest.fixture
def asked(monkeypatch):
    """Answer processes without starting any; return the networks in the order asked for."""
    order = []

    def run(job):
        if job.target is None:
            return {"gmacs_per_s": 40.0, "by": "product"}
        order.append(job.target.model)
        assert (job.target.scale, job.target.lr_px, job.target.checkpoint) == (4, (256, 256), "")
        if job.target.model not in SECONDS:
            raise HarnessError(f"'{job.target.model}' failed: no memory")
        return asdict(
            Measured(
                device="cpu (Test)",
                threads=1,
                first_s=1.0,
                times_s=(SECONDS[job.target.model],) * 12,
                cpu_share=1.0,
                peak_memory_mib=1.0,
                joules=None,
                energy_note="none",
                folded=0,
            )
        )

    monkeypatch.setattr(process, "run", run)
    return order


@pytest.mark.parametrize(
    ("year", "resized", "params_m", "flops_g"),
    [
        # fvcore charges bilinear interpolation 4 an element: RLFN has 4 maps of 16 channels.
        (2024, 4 * 4 * 16 * 256 * 256, "0.317", "19.67"),
        (2026, 0, "0.151", "9.83"),
    ],
)
def test_the_bases_are_those_whose_counts_the_challenge_prints(year, resized, params_m, flops_g):
    rules = challenge.of_year(year)
    (base,) = costs.count([rules.base], rules)
    assert f"{base.params / 1e6:.3f}" == params_m
    assert f"{(base.multi_adds + resized) / 1e9:.2f}" == flops_g


def test_networks_take_turns_with_the_base_and_get_its_formula(invoke, asked):
    result = invoke("compare", "--ntire", 2026, "span_26", "--processes", 2, "--format", "json")
    assert result.exit_code == 0, result.output
    assert asked == ["span_28", "span_26"] * 2
    table = json.loads(result.stdout)
    base, own = table["rows"]
    assert (base["model"], base["score"]) == ("span_28", pytest.approx(7.3891, abs=1e-4))
    # 150,688 and 130,828 parameters, 9.834 and 8.535 G: as the released files have them.
    assert own["runtime_ratio"] == pytest.approx(0.5)
    assert own["params_ratio"] == pytest.approx(130_828 / 150_688)
    assert own["flops_ratio"] == pytest.approx(8.535 / 9.834, abs=1e-4)
    by_hand = 0.8 * exp(1) + 0.1 * exp(2 * 8.535 / 9.834) + 0.1 * exp(2 * 130_828 / 150_688)
    assert own["score"] == pytest.approx(by_hand, abs=2e-3)
    notes = " ".join(table["notes"])
    assert "0.8 exp(2 runtime ratio) + 0.1 exp(2 FLOPs ratio)" in notes
    assert "SPAN-28 (`span_28`)" in notes
    assert "Runtime is ours" in notes
    assert "cpu (Test)" in notes
    assert "NVIDIA RTX A6000: do not set these scores beside those of its tables" in notes


def test_other_weights_and_another_base_in_2024(invoke, asked):
    result = invoke("compare", "--ntire", 2024, "span_28", "--processes", 1, "--format", "json")
    base, own = json.loads(result.stdout)["rows"]
    assert (base["model"], own["model"]) == ("rlfn", "span_28")
    parts = (("runtime_ratio", 0.7), ("flops_ratio", 0.15), ("params_ratio", 0.15))
    by_hand = sum(weight * exp(2 * own[key]) for key, weight in parts)
    assert own["score"] == pytest.approx(by_hand)
    assert own["score"] < base["score"]


def test_what_cannot_be_measured_fails_after_the_others_are_shown(invoke, asked):
    result = invoke("compare", "--ntire", 2026, "imdn", "span_26", "--processes", 1)
    assert result.exit_code == 1
    assert "SPAN-26" in result.stdout
    assert "'imdn' failed: no memory" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--ntire", "2025", "imdn"), 2, "no rules of that year (known: 2024, 2026)"),
        (("--ntire", "2024"), 2, "name networks to score against 'rlfn'"),
        (("--ntire", "2024", "imdn=imdn_x4.pth"), 2, "takes no weights: expected 'imdn'"),
        (("--ntire", "2024", "imdnn"), 2, "did you mean 'imdn'?"),
        (("--ntire", "2024", "falsr_a"), 2, "'falsr_a' is defined for x2, not x4"),
        (("--ntire", "2024", "imdn", "--scale", "2"), 2, "for x4 alone, not --scale 2"),
        (("--ntire", "2024", "imdn", "--data", "Set5"), 2, "--data has no part in --ntire"),
        (("--ntire", "2024", "imdn", "--fused"), 2, "--fused has no part in --ntire"),
        (("--ntire", "2024", "imdn", "--group", "awsrn"), 2, "--group has no part in --ntire"),
        (("awsrn-x2", "awsrn_b-x2", "--processes", "2"), 2, "--processes is for --ntire"),
    ],
)
def test_bad_input_is_told_before_anything_is_measured(invoke, asked, arguments, code, said):
    result = invoke("compare", *arguments)
    assert (result.exit_code, asked) == (code, [])
    assert said in result.stderr


def test_a_network_whose_count_is_in_doubt_has_no_score(invoke, asked, tmp_path):
    path = tmp_path / "own.py"
    path.write_text(
        "import torch\n"
        "class Own(torch.nn.Module):\n"
        "    def __init__(self, *, scale):\n"
        "        super().__init__()\n"
        "        self.conv = torch.nn.Conv2d(3, 3 * scale**2, 3, padding=1)\n"
        "        self.left_out = torch.nn.Conv2d(3, 3, 3)\n"
        "        self.scale = scale\n"
        "    def forward(self, x):\n"
        "        return torch.nn.functional.pixel_shuffle(self.conv(x), self.scale)\n"
    )
    result = invoke("compare", "--ntire", 2024, f"{path}:Own")
    assert (result.exit_code, asked) == (1, [])
    assert "has no score without its FLOPs" in result.stderr
    assert "left_out" in result.stderr
