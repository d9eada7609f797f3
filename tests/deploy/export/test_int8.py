"""Which convolutions are in 8 bits, from which patches, and what may be lost."""

import pytest
from PIL import Image

from harness.deploy.export import extra, int8, int8_loss
from harness.errors import HarnessError

onnx = pytest.importorskip("onnx", reason=f"the extra is not installed: {extra.INSTALL}")


def graph(nodes, widths):
    """A model of convolutions: name, input, output, weight; weights by their shape."""
    helper = onnx.helper
    made = [
        helper.make_node("Conv", [given, weight], [output], name=name, group=group)
        for name, given, output, weight, group in nodes
    ]
    weights = [
        helper.make_tensor(name, onnx.TensorProto.FLOAT, shape, [0.0] * _size(shape))
        for name, shape in widths.items()
    ]
    return helper.make_model(helper.make_graph(made, "g", [], [], weights))


def _size(shape):
    total = 1
    for side in shape:
        total *= side
    return total


def test_what_reads_the_image_stays_in_float():
    """A colour shift, then the head: both; depthwise layers inside are not taken for them."""
    model = graph(
        [
            ("shift", "lr", "a", "w_shift", 1),
            ("head", "a", "b", "w_head", 1),
            ("global", "lr", "c", "w_head", 1),
            ("body", "b", "d", "w_body", 1),
            ("depthwise", "d", "e", "w_depth", 8),
        ],
        {
            "w_shift": (3, 3, 1, 1),
            "w_head": (8, 3, 3, 3),
            "w_body": (8, 8, 3, 3),
            "w_depth": (8, 1, 3, 3),
        },
    )
    assert int8.kept_float(model) == ["shift", "head", "global"]


def test_a_network_without_inner_convolutions_has_nothing_for_8_bits():
    model = graph([("head", "lr", "a", "w", 1)], {"w": (3, 3, 3, 3)})
    patches = int8.calibration(None, None, 4)
    assert patches.lr.shape == (64, 3, 48, 48)
    for package in extra.NEEDED:
        pytest.importorskip(package, reason="the extra is not installed")
    with pytest.raises(HarnessError, match="all of them read the image"):
        int8.quantise(model, patches)


def test_patches_are_of_the_training_set_that_is_named(tiny_root):
    """41x52 pixels at x4 leave patches of 10."""
    patches = int8.calibration("own", tiny_root, 4)
    assert patches.lr.shape == (64, 3, 10, 10)
    assert "3 images of own" in patches.text


def test_the_sets_are_the_papers_that_are_there_or_the_bundled_ones(tmp_path):
    for name in ("Set14", "Mine"):
        folder = tmp_path / "benchmark" / name / "HR"
        folder.mkdir(parents=True)
        Image.new("RGB", (24, 24)).save(folder / "a.png")
    assert [one.name for one in int8_loss.sets((), tmp_path, 2, lr="made")] == ["Set14"]
    assert [one.name for one in int8_loss.sets(["Mine"], tmp_path, 2, lr="made")] == ["Mine"]
    assert [one.name for one in int8_loss.sets((), None, 2, lr=None)] == ["sample"]


def test_what_may_be_lost_is_a_tenth_of_a_decibel():
    assert int8_loss.check(int8_loss.Loss("Set5", 31.5, 31.41), tolerance_db=0.1)
    for after in (31.39, float("nan")):
        with pytest.raises(HarnessError, match=r"Set5 31\.500 -> .* at most 0\.1;"):
            int8_loss.check(int8_loss.Loss("Set5", 31.5, after), tolerance_db=0.1)
