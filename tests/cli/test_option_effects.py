"""Options that have no test with the code that they set: each is shown to be read.

Most are refused for a value that cannot be; the message shows that the value has arrived.
"""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
import torch

from harness.models import registry

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path, monkeypatch, tiny_root):
    """A folder with weights, one of them with two state dicts; the sets' LR files are made."""
    tensors = registry.get("espcn").build(scale=2).state_dict()
    torch.save(tensors, tmp_path / "w.pth")
    shutil.copy(tiny_root / "benchmark" / "own" / "HR" / "at150.png", tmp_path / "photo.png")
    torch.save({"params": tensors, "params_ema": tensors}, tmp_path / "two.pth")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_DATA", str(tiny_root))
    return tmp_path


SET = "--scale 2 --data own"
TWO = "espcn --checkpoint two.pth"
IMAGE = "--scale 2 --image own/at150 -o figure"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bench awsrn_s --scale 4 --backends fused --channels-last", "leave out --precision"),
        ("bench awsrn_s --scale 4 --backends fused --data own --lr LR_nope", "LR_nope"),
        (f"eval {TWO} {SET} --key nope", "nope"),
        (f"eval espcn --checkpoint w.pth {SET} --device cuda", "--device cuda"),
        (f"compare espcn=two.pth bicubic {SET} --key nope", "nope"),
        (f"compare espcn=w.pth bicubic {SET} --lr LR_nope", "LR_nope"),
        (f"compare espcn=w.pth bicubic {SET} --protocol nope", "unknown protocol 'nope'"),
        (f"gate espcn=two.pth bicubic {SET} --key nope", "nope"),
        (f"gate espcn=w.pth bicubic {SET} --lr LR_nope", "LR_nope"),
        (f"gate espcn=w.pth bicubic {SET} --protocol nope", "unknown protocol 'nope'"),
        (f"gate espcn=w.pth bicubic {SET} --device cuda", "--device cuda"),
        (f"gate espcn=w.pth bicubic {SET} --data-root not-a-folder", "not-a-folder"),
        ("gate some-x2 other-x2 --results not-a-folder", "not-a-folder"),
        (f"prune {TWO} {SET} -o p.safetensors --key nope", "nope"),
        (f"prune awsrn_s {SET} -o p.safetensors --lr LR_nope", "LR_nope"),
        (f"prune awsrn_s {SET} -o p.safetensors --device cuda", "--device cuda"),
        (f"prune awsrn_s {SET} -o p.safetensors --data-root not-a-folder", "not-a-folder"),
        (
            f"prune espcn --checkpoint w.pth {SET} -o p.safetensors --what units",
            "no residual units",
        ),
        ("deploy espcn --scale 2 --checkpoint two.pth -o out --key nope", "nope"),
        ("deploy awsrn_s --scale 2 -o out --int8 --data own --lr LR_nope", "LR_nope"),
        ("deploy awsrn_s --scale 2 -o out --int8 --data own --data-root not-a-folder", "not-a-fol"),
        ("deploy awsrn_s --scale 2 -o out --int8 --tolerance-db -1", "'--tolerance-db'"),
        ("protocol --checkpoints . --device tpu", "'tpu'"),
        ("upscale photo.png --model espcn --scale 2 --checkpoint two.pth --key nope", "nope"),
        ("upscale photo.png --model espcn --scale 2 --checkpoint w.pth --device cuda", "cuda"),
        (f"figures crops --model espcn=two.pth {IMAGE} --key nope", "nope"),
        (f"figures crops --model espcn=w.pth {IMAGE} --lr LR_nope", "LR_nope"),
        (f"figures crops --model espcn=w.pth {IMAGE} --data-root not-a-folder", "not-a-folder"),
        (f"figures crops --model espcn=w.pth {IMAGE} --device cuda", "--device cuda"),
        (f"figures crops --model espcn=w.pth {IMAGE} --width 1in", "expected 2.5in to 20in"),
        (f"figures crops --model espcn=w.pth {IMAGE} --font Nope", "Nope"),
        (f"figures branches --model awsrn_s --checkpoint two.pth {IMAGE} --key nope", "nope"),
        (f"figures branches --model awsrn_s {IMAGE} --lr LR_nope", "LR_nope"),
        (f"figures branches --model awsrn_s {IMAGE} --data-root not-a-folder", "not-a-folder"),
        (f"figures branches --model awsrn_s {IMAGE} --width 1in", "expected 2.5in to 20in"),
        (f"figures branches --model awsrn_s {IMAGE} --font Nope", "Nope"),
        ("figures --font Nope", "Nope"),
        ("figures curves awru --font Nope", "Nope"),
        ("figures pareto awru --font Nope", "Nope"),
        ("figures budget awru --font Nope", "Nope"),
        ("figures budget awru --width 1in", "expected 2.5in to 20in"),
        ("figures budget awru --no-note --width 1in", "expected 2.5in to 20in"),
        ("figures differences awru --font Nope", "Nope"),
        ("figures differences awru --width 1in", "expected 2.5in to 20in"),
        ("figures differences awru --no-note --width 1in", "expected 2.5in to 20in"),
        ("figures ranks awru --font Nope", "Nope"),
        ("figures ranks awru --width 1in", "expected 2.5in to 20in"),
        ("plan awru --scale 7", "scale=7"),
        ("plan awru --device tpu", "'tpu'"),
        ("train espcn --scale 7 --dry-run --fail-fast", "scale=7"),
        (f"figures pareto awru --data nope --results {ROOT}", "nope"),
        ("figures ranks awru --no-note --width 1in", "expected 2.5in to 20in"),
        ("figures pareto awru --no-note --width 1in", "expected 2.5in to 20in"),
        (
            f"figures crops --model espcn=w.pth {IMAGE} --no-note --width 1in",
            "expected 2.5in to 20",
        ),
        (f"figures branches --model awsrn_s {IMAGE} --no-note --width 1in", "expected 2.5in to 20"),
        ("run awru profile=smoke --dry-run --device tpu", "'tpu'"),
        ("run awru --dry-run --scale 7", "scale=7"),
        ("train espcn --scale 2 data.train=own --dry-run --data-root not-a-folder", "not-a-folder"),
        ("train espcn --scale 2 profile=smoke --dry-run --device tpu", "'tpu'"),
        ("train espcn --scale 2 profile=smoke --estimate", "--estimate goes with --dry-run"),
        (
            f"report awru -o - --results {ROOT} --image own/at150 --data-root not-a-folder",
            "not-a-folder",
        ),
        (f"report awru -o - --results {ROOT} --device cuda", "--device cuda"),
        ("status --every often", "'--every'"),
        ("ui --port 0", "'--port'"),
        ("checklist awru --results not-a-folder", "not-a-folder"),
        ("data prepare Set5 --mirror file:///etc --data-root sets", "http or https"),
    ],
)
def test_a_value_that_cannot_be_is_told(here, invoke, line, expected):
    if "--device cuda" in line and torch.cuda.is_available():
        pytest.skip("there is a GPU, so it is no mistake")
    result = invoke(*shlex.split(line))
    assert result.exit_code in (1, 2), result.output
    assert expected in result.stderr, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_the_self_ensemble_scores_otherwise(here, invoke):
    arguments = ("eval", "espcn", "--checkpoint", "w.pth", *SET.split(), "--format", "json")
    plain, mean = (
        json.loads(invoke(*arguments, *more).stdout)["scores"][0]["psnr_db"]
        for more in ((), ("--self-ensemble",))
    )
    assert plain != mean


def test_gate_scores_weights_at_the_scale_and_on_the_sets_that_are_named(here, invoke):
    row = ("espcn=w.pth", "bicubic", "--scale", "2", "--images-only")
    done = invoke("gate", *row, "--data", "own", "--format", "json")
    assert json.loads(done.stdout)["sets"] == ["own"]
    assert done.exit_code == 4, "random weights are worse than bicubic"


def test_a_pilot_is_planned_for_the_options_that_are_settings(here, invoke):
    done = invoke("plan", "awru", "data.train=own", "--data-root", "not-a-folder", "--scale", "2,3")
    assert done.exit_code == 0, done.output
    assert "scale=2,3 data.root=not-a-folder" in done.stdout


def test_a_table_for_a_paper_is_laid_out_as_asked(invoke):
    words = ("tables", "awru", "--results", ROOT, "-o", "-")
    plain = invoke(*words).stdout
    other = invoke(*words, "--document", "two-column", "--siunitx", "--notes", "caption").stdout
    for mark in (r"\usepackage{siunitx}", r"\begin{table*}"):
        assert mark in other
        assert mark not in plain
    captions = ["".join(re.findall(r"^\\caption.*$", text, re.M)) for text in (plain, other)]
    assert ["Seeds: 0" in text for text in captions] == [False, True]
