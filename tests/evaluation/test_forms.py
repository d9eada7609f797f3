"""The fused form at work: equal scores and pixels, and records that say which form scored."""

import json
import math

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio
from torch import nn

from harness.config.protocols import DEFAULT
from harness.data.catalogue import find_test
from harness.errors import UsageError
from harness.evaluation import evaluate, forms, scoring
from harness.evaluation.forms import Form, InBf16
from harness.evaluation.scoring import Scorer
from harness.models.initialise import initialise
from harness.models.merged import MergedAWSRN
from harness.models.registry import get
from harness.records.record import digest, load_all
from harness.weights.load import load

CPU = torch.device("cpu")
FUSED, BF16 = Form(fused=True), Form(fused=True, precision="bf16")
AWSRN_S = ("eval", "awsrn_s", "--scale", 4, "--data", "own")


def scored(form, root, results=None, sets=("own",)):
    return scoring.score(
        "awsrn_s",
        scale=4,
        checkpoint=None,
        sets=sets,
        protocol="awsrn",
        root=root,
        device="cpu",
        results=results,
        form=form,
    )


def test_forms_have_names_and_the_one_as_built_has_none():
    assert [str(form) for form in (Form(), FUSED, BF16)] == ["", "fused", "fused, bf16"]


def test_the_fused_form_scores_the_same_and_bf16_nearly(tiny_root):
    (built,), (fused,), (bf16,) = (scored(form, tiny_root) for form in (Form(), FUSED, BF16))
    for ours, theirs in zip(fused.images, built.images, strict=True):
        assert abs(ours.psnr_db - theirs.psnr_db) < 0.0005
        assert abs(ours.ssim - theirs.ssim) < 5e-6
    assert 0 < abs(bf16.psnr_db - built.psnr_db) < 0.05


@pytest.mark.data
def test_the_fused_form_scores_the_same_on_set5(data_root):
    (built,) = scored(Form(), data_root, sets=("Set5",))
    (fused,) = scored(FUSED, data_root, sets=("Set5",))
    assert abs(fused.psnr_db - built.psnr_db) < 0.0005


def test_a_record_says_which_form_scored_and_each_form_has_its_own(tiny_root, tmp_path):
    for form in (Form(), FUSED, BF16):
        scored(form, tiny_root, tmp_path)
    records = {record.config.form: record for record in load_all(tmp_path)}
    assert set(records) == {"", "fused", "fused, bf16"}
    assert len({record.fingerprint for record in records.values()}) == 3
    assert len({(record.params, record.multi_adds) for record in records.values()}) == 1


def test_fingerprints_of_scores_as_built_are_those_of_before_there_were_forms():
    loaded = load("awsrn_s", scale=4, checkpoint=None)
    content = {"model": "awsrn_s", "scale": 4, "weights": loaded.sha256, "protocol": "awsrn"}
    assert Scorer(loaded, device=CPU).fingerprint(DEFAULT) == digest(content)
    assert Scorer(loaded, device=CPU, form=FUSED).fingerprint(DEFAULT) != digest(content)


def test_a_scorer_runs_the_form_and_counts_the_network_as_built():
    loaded = load("awsrn_s", scale=4, checkpoint=None)
    scorer = Scorer(loaded, device=CPU, form=BF16)
    assert isinstance(scorer.network, InBf16)
    assert isinstance(scorer.network.network, MergedAWSRN)
    assert type(scorer.loaded.network).__name__ == "AWSRN"


@pytest.mark.parametrize("shape", [(12, 14, 3), (12, 14)])
def test_bf16_runs_networks_of_luma_on_rgb_and_on_luma(shape):
    network = get("espcn").build(scale=2).eval()
    initialise(network, seed=0)
    lr = astronaut()[:12, :14].reshape(-1)[: math.prod(shape)].reshape(shape)
    sr, expected = (evaluate.infer(run, lr, CPU) for run in (InBf16(network), network))
    assert sr.dtype == np.float32
    assert 0 < np.abs(sr - expected).mean() < 0.02 * np.abs(expected).mean()


def test_bf16_on_a_cpu_without_it_is_announced(monkeypatch, caplog):
    monkeypatch.setattr(forms, "computes_bf16", lambda: False)
    with caplog.at_level("INFO"):
        forms.in_form(nn.Identity(), Form(precision="bf16"), name="it", device=CPU)
    assert "no instructions for bf16" in caplog.text
    assert "computing in bf16, as asked" in caplog.text


def test_a_network_without_a_fused_form_is_refused_by_the_part_in_its_way():
    network = get("espcn").build(scale=2).eval()
    next(network.children()).register_forward_hook(lambda *_: None)
    with pytest.raises(UsageError, match=r"espcn has no fused form: '.*' .* has a hook"):
        forms.in_form(network, FUSED, name="espcn", device=CPU)


# The command line.


def test_eval_prints_the_form_and_its_psnr(invoke, tiny_root):
    result = invoke(*AWSRN_S, "--data-root", tiny_root, "--fused", "--precision", "bf16")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("awsrn_s x4, protocol awsrn, fused, bf16\n")
    assert any(line.startswith("own ") for line in result.stdout.splitlines())
    as_json = invoke(*AWSRN_S, "--data-root", tiny_root, "--fused", "--format", "json")
    assert json.loads(as_json.stdout)["form"] == "fused"


def test_compare_scores_weights_in_the_form_that_is_asked_for(invoke, tiny_root, tmp_path):
    sets = ("--scale", 4, "--data", "own", "--data-root", tiny_root, "--results", tmp_path)
    result = invoke("compare", "bicubic", "awsrn_s", *sets, "--fused", "--format", "json")
    assert result.exit_code == 0, result.output
    (expected,) = scored(FUSED, tiny_root)
    assert str(expected.psnr_db) in result.stdout


def test_compare_of_records_alone_refuses_a_form(invoke, tiny_root, tmp_path):
    scored(Form(), tiny_root, tmp_path)
    scored(FUSED, tiny_root, tmp_path)
    names = [record.id for record in load_all(tmp_path)]
    result = invoke("compare", *names, "--results", tmp_path, "--precision", "bf16")
    assert result.exit_code == 2
    assert "are for weights that are scored now" in result.stderr


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(astronaut()[30:90, 180:260]).save(path)
    return path


def upscaled(invoke, photo, target, *options):
    result = invoke("upscale", photo, "-o", target, "--scale", 4, *options)
    assert result.exit_code == 0, result.output
    with Image.open(target) as image:
        return np.asarray(image), result.stderr


def test_upscale_gives_the_pixels_that_are_scored(invoke, photo, tmp_path):
    built, _ = upscaled(invoke, photo, tmp_path / "built.png", "--as-built")
    fused, log = upscaled(invoke, photo, tmp_path / "fused.png")
    apart = np.abs(fused.astype(int) - built.astype(int))
    assert apart.max() <= 1, "a value at one half may be rounded the other way"
    assert (apart > 0).mean() < 1e-3
    assert "bf16" not in log
    network = load("awsrn_s", scale=4, checkpoint=None).network
    with Image.open(photo) as image:
        assert np.array_equal(built, evaluate.upscale(network, np.asarray(image), CPU))


def test_upscale_in_bf16_says_so(invoke, photo, tmp_path):
    fused, _ = upscaled(invoke, photo, tmp_path / "fused.png")
    bf16, log = upscaled(invoke, photo, tmp_path / "bf16.png", "--precision", "bf16")
    assert "computing in bf16, as asked" in log
    assert 40 < peak_signal_noise_ratio(fused, bf16) < 70


def test_upscale_runs_a_network_without_a_fused_form_as_built(invoke, photo, tmp_path):
    own = tmp_path / "own.py"
    own.write_text(
        "from torch import nn\n"
        "class Hooked(nn.Module):\n"
        "    def __init__(self, *, scale):\n"
        "        super().__init__()\n"
        "        self.up = nn.Upsample(scale_factor=scale)\n"
        "        self.up.register_forward_hook(lambda *_: None)\n"
        "    def forward(self, lr):\n"
        "        return self.up(lr)\n"
    )
    fused, log = upscaled(invoke, photo, tmp_path / "up.png", "--model", f"{own}:Hooked")
    with Image.open(photo) as image:
        assert np.array_equal(fused, np.asarray(image).repeat(4, 0).repeat(4, 1))
    assert "'up' (Upsample) has a hook" in log
    assert "it runs as built" in log
    refused = invoke("eval", f"{own}:Hooked", "--scale", 4, "--data", "sample", "--fused")
    assert refused.exit_code == 2
    assert "no fused form" in refused.stderr


def test_sets_of_a_fused_record_are_found_again(tiny_root, tmp_path):
    test = find_test("own", tiny_root, 4)
    scored(FUSED, tiny_root, tmp_path)
    loaded = load("awsrn_s", scale=4, checkpoint=None)
    again = Scorer(loaded, device=CPU, results=tmp_path, form=FUSED)
    assert again.missing(test, (DEFAULT,)) == ()
    built = Scorer(loaded, device=CPU, results=tmp_path)
    assert built.missing(test, (DEFAULT,)) == (DEFAULT,)
