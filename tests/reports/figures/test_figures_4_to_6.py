"""Figures 4, 5 and 6: what they show, and what is refused."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle
from PIL import Image

from harness.data import catalogue
from harness.errors import UsageError
from harness.experiment import checkpoints
from harness.models import registry
from harness.records.learned import LearnedScalars
from harness.records.record import Record
from harness.reports.figures import contributions, crop_figure, crops, learned_weights, style
from harness.weights import load

RECORD = Record.from_json(
    (Path(__file__).parents[2] / "files" / "record.json").read_text(), source="record.json"
)


def learned(model="wdsr_awru", seed=0, **values):
    return dataclasses.replace(
        RECORD,
        id=f"{model}-s{seed}",
        model=model,
        seed=seed,
        learned=LearnedScalars((1.0, 0.5 + seed), (1.0, 1.5), **values),
    )


@pytest.fixture(scope="module")
def awms(tmp_path_factory):
    """Weights of a small network with branches."""
    folder = tmp_path_factory.mktemp("awms")
    torch.manual_seed(0)
    checkpoints.write_weights(folder, registry.get("awsrn_s").build(scale=2))
    return folder / checkpoints.WEIGHTS_FILE


def test_seeds_of_a_network_stand_in_one_figure():
    records = [learned(seed=1), learned(seed=0), learned("awsrn", alpha={3: 0.2, 5: 0.3})]
    found = learned_weights.networks(records)
    assert [one.name for one in found] == [
        "figure4_awsrn_x2_T291_300steps",
        "figure4_wdsr_awru_x2_T291_300steps",
    ]
    assert [record.seed for record in found[1].records] == [0, 1]


def test_a_figure_of_another_recipe_has_a_name_of_its_own():
    again = dataclasses.replace(learned(), id="again", group="of recipe 2", recipe=2)
    names = [one.name for one in learned_weights.networks([learned(), again])]
    assert names == [
        "figure4_wdsr_awru_x2_T291_300steps",
        "figure4_wdsr_awru_x2_T291_300steps_recipe1",
    ]


def test_cut_networks_and_those_without_adaptive_weights_have_no_figure():
    none = dataclasses.replace(learned(), learned=LearnedScalars())
    assert learned_weights.networks([none, dataclasses.replace(learned(), drop=(3,))]) == ()


def test_thick_line_is_the_mean_over_seeds():
    with style.styled("test"):
        figure = learned_weights.draw(
            learned_weights.Learned("x", (learned(seed=0), learned(seed=1)))
        )
    thick = [line for line in figure.axes[0].lines if line.get_linewidth() > 1.5]
    assert list(np.asarray(thick[0].get_ydata())) == pytest.approx([1.0, 1.0])
    assert len(figure.axes[0].lines) == 2 * 2 + 2 + 1


def test_same_records_give_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        learned_weights.write([learned(alpha={3: 0.2, 5: 0.3})], tmp_path / folder)
    for form in style.FORMS:
        (first,), (second,) = ((tmp_path / one).glob(f"*.{form}") for one in "ab")
        assert first.read_bytes() == second.read_bytes()


def test_contributions_add_up_to_the_image(awms):
    """Global path and branches, and the network's own mean colour, are SR (Eq. 3)."""
    network = load.load("awsrn_s", scale=2, checkpoint=awms).network
    lr = 255 * torch.rand(1, 3, 12, 10)
    with torch.no_grad():
        sr = network(lr)[0].mean(0).numpy()
        black = torch.zeros(1, 3, 1, 1)
        offset = network.normalise.inverse(black).mean().item()  # type: ignore[call-arg]
    total = sum(part.levels for part in contributions.split(network, lr)) + offset
    np.testing.assert_allclose(total, sr, atol=1e-3)


def test_networks_without_branches_have_no_contributions():
    with pytest.raises(UsageError, match="has no weighted multi-scale branches"):
        contributions.split(registry.get("awsrn_b").build(scale=2), torch.zeros(1, 3, 8, 8))


def test_default_box_is_where_results_differ():
    flat = np.zeros((40, 60, 3), np.uint8)
    other = flat.copy()
    other[20:30, 40:50] = 200
    results = [crops.NetworkResult(name, flat) for name in ("HR", "Bicubic", "one")]
    left, top, width, height = crops.most_different([*results, crops.NetworkResult("two", other)])
    assert left <= 45 < left + width
    assert top <= 25 < top + height


def test_the_lr_of_an_image_is_that_of_its_set_or_as_asked(tmp_path, caplog):
    """A grey image, and LR that is 10 levels brighter: the error of bicubic is known."""
    for place, side, grey in (("HR", 24, 100), ("LR_bicubic/X2", 12, 100), ("LR_odd/X2", 12, 110)):
        (tmp_path / "own" / place).mkdir(parents=True)
        Image.new("RGB", (side, side), (grey,) * 3).save(tmp_path / "own" / place / "a.png")
    luma_error = 10 * 219 / 255  # of BT.601: black is 16, white 235
    odd = 20 * math.log10(255 / luma_error)

    def psnr(text, lr=None):
        test = crops.find_image(text, root=None, scale=2, lr=lr)
        return crops.view(test, [], scale=2, box=(0, 0, 8, 8), device="cpu").results[1].psnr_db

    for text in (f"{tmp_path}/own/a", str(tmp_path / "own" / "HR" / "a.png")):
        assert psnr(text) == psnr(text, "made") == math.inf
        assert psnr(text, f"{tmp_path}/own/LR_odd") == pytest.approx(odd, abs=0.2)
    (tmp_path / "own" / "LR_bicubic").rename(tmp_path / "bicubic")
    assert psnr(str(tmp_path / "own" / "HR" / "a.png")) == pytest.approx(odd, abs=0.2)
    Image.new("RGB", (24, 24)).save(tmp_path / "own" / "HR" / "b.png")
    assert psnr(str(tmp_path / "own" / "HR" / "a.png")) == math.inf
    assert "LR is made from it" in caplog.text


def test_crops_from_the_command_line(invoke, awms, tmp_path):
    done = invoke(
        "figures", "crops", "--scale", 2, "--model", f"mine:awsrn_s={awms}",
        "--image", "sample/coffee", "--box", "10,10,40,40", "-o", tmp_path / "detail.png",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert (tmp_path / "detail.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "detail.svg").exists()


def test_branches_from_the_command_line(invoke, awms, tmp_path):
    done = invoke(
        "figures", "branches", "--scale", 2, "--model", "awsrn_s", "--checkpoint", awms,
        "--image", "sample/coffee", "--box", "10,10,40,40", "-o", tmp_path / "parts",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert {path.suffix for path in tmp_path.glob("parts.*")} == {".svg", ".pdf", ".png"}


def assert_footer_is_whole(figure):
    """What stands below a figure lies within it, below all axes."""
    figure.draw_without_rendering()
    *_, footer = figure.texts
    extent = footer.get_window_extent()
    assert extent.x0 >= 0
    assert extent.x1 <= figure.bbox.x1
    assert extent.y0 >= 0
    assert extent.y1 <= min(axes.get_position().y0 * figure.bbox.height for axes in figure.axes)


@pytest.mark.parametrize("box", [(10, 10, 40, 40), (10, 10, 200, 20)])
def test_footers_of_contributions_are_not_cut_off(awms, box):
    file = "AWSRN_S_TRAINED_ON_DIV2K_AND_FLICKR2K_MWMWMW_X2.pth"
    loaded = dataclasses.replace(load.load("awsrn_s", scale=2, checkpoint=awms), file=file)
    test = catalogue.find_test("sample", None, 2)
    with style.styled("test"):
        assert_footer_is_whole(contributions.draw(loaded, test, scale=2, box=box))


def test_captions_of_learned_weights_are_whole_and_name_training_and_device():
    """Its weights were rounded to bf16 by recipe 1, which is what the figure shows."""
    record = dataclasses.replace(learned(alpha={3: 0.2, 5: 0.3}), full_budget=False, recipe=1)
    with style.styled("test"):
        figure = learned_weights.draw(learned_weights.Learned("x", (record,)))
        assert_footer_is_whole(figure)
    (text,) = [text.get_text() for text in figure.texts if "trained on" in text.get_text()]
    caption = " ".join(text.split())
    for part in (
        "300 steps x batch 16 x LR patch",
        "schedule onecycle, lr 0.002",
        "of the 1,000,000 steps of the authors' code",
        "rounded to bf16",
        "cpu (Some CPU)",
    ):
        assert part in caption


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--image", "sample/cofee"), "has no image 'cofee' (did you mean 'coffee'?)"),
        (("--image", "coffee"), "there is no image 'coffee': expected SET/NAME or a file"),
        (("--image", "sample/coffee", "--box", "1,2,3"), "expected four whole numbers X,Y,W,H"),
        (
            ("--image", "sample/coffee", "--box", "590,0,40,40"),
            "not within the image of 600x400",
        ),
        (("--image", "sample/coffee", "--model", "imdn"), "expected ID=FILE or LABEL:ID=FILE"),
        (("--image", "sample/coffee", "-o", "x.gif"), "unknown ending '.gif'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(invoke, tmp_path, arguments, message):
    done = invoke("figures", "crops", "--scale", 2, "-o", tmp_path / "x.png", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not list(tmp_path.iterdir())


def test_units_fusions_and_branches_have_a_panel_each():
    fused = learned(lfb_lambda_res=[0.9], lfb_lambda_x=[1.1], alpha={"3": 0.2, "5": 0.3, "7": 0.1})
    with style.styled("test"):
        figure = learned_weights.draw(learned_weights.Learned("x", (fused,)))
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert labels == ["residual unit, by depth", "fusion unit, by depth", "branch"]
    low, high = figure.axes[1].get_xlim()
    assert [tick for tick in figure.axes[1].get_xticks() if low <= tick <= high] == [1]
    bars = [patch for patch in figure.axes[2].patches if isinstance(patch, Rectangle)]
    assert [bar.get_height() for bar in bars] == [0.2, 0.3, 0.1]


def test_caption_names_weights_and_details():
    image = np.zeros((8, 8, 3), np.uint8)
    results = (
        crops.NetworkResult("HR", image),
        crops.NetworkResult("one", image, "one.pth", 30.0, 0.9),
    )
    with style.styled("test"):
        figure = crop_figure.draw([crops.View("own", (1, 2, 4, 5), results)], scale=2)
    caption = " ".join(figure.texts[0].get_text().split())
    assert "own 1,2,4,5" in caption
    assert "one: one.pth" in caption
