"""What ``harness deploy`` refuses: exit code, words, and that nothing is left behind."""

import sys

import pytest
import torch
from safetensors.torch import save_file

from harness.deploy.export import extra
from harness.models import registry
from harness.weights import described, pretrained, schemes

ON_VALUES = """
import torch


class Odd(torch.nn.Module):
    def __init__(self, *, scale):
        super().__init__()
        self.scale = scale
        self.conv = torch.nn.Conv2d(3, 3 * scale**2, 3, padding=1)

    def forward(self, lr):
        sr = torch.nn.functional.pixel_shuffle(self.conv(lr), self.scale)
        return sr if {test} else sr.clamp(0, 255)
"""


@pytest.fixture
def needs_extra():
    for name in extra.NEEDED:
        pytest.importorskip(name, reason=f"{name} is not installed: {extra.INSTALL}")


@pytest.fixture
def refused(invoke, tmp_path):
    """Run the command and return its message; nothing is written."""

    def run(*arguments, code, target=tmp_path / "out"):
        before = sorted(tmp_path.rglob("*"))
        result = invoke("deploy", *arguments, "-o", target)
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        assert sorted(tmp_path.rglob("*")) == before
        return " ".join(result.stderr.split())

    return run


def test_a_missing_extra_is_named_with_the_command_that_installs_it(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    said = refused("awsrn_s", "--scale", 4, code=2)
    assert "python -m pip install 'awsrn-harness[deploy]'" in said
    assert "onnx" in said


@pytest.mark.usefixtures("needs_extra")
class TestWhatIsAsked:
    def test_a_network_without_weights(self, refused):
        assert "awsrn_m x4 needs weights" in refused("awsrn_m", "--scale", 4, code=2)

    def test_a_network_that_learns_nothing(self, refused):
        assert "bicubic has no weights" in refused("bicubic", "--scale", 4, code=2)

    def test_a_checkpoint_of_another_network(self, refused, monkeypatch):
        """Whether it fits one of all registered networks takes seconds: only one is looked at."""
        shapes = schemes.shapes_of(registry.get("awsrn_s").build(scale=2))
        monkeypatch.setattr(schemes, "_registered", lambda: {("awsrn_s", 2): shapes})
        weights = pretrained.find("awsrn_s", 2)
        said = refused("espcn", "--scale", 2, "--checkpoint", weights, code=1)
        assert "does not hold the weights of espcn x2: they fit awsrn_s at x2" in said

    def test_weights_that_say_what_they_are_of_at_another_scale(self, refused, tmp_path):
        said = described.Described("awsrn_s", 2).metadata()
        tensors = registry.get("awsrn_s").build(scale=2).state_dict()
        save_file(tensors, tmp_path / "a.safetensors", metadata=said)
        assert "trained for x2" in refused(tmp_path / "a.safetensors", "--scale", 4, code=2)

    def test_a_network_that_is_not_there(self, refused):
        assert "did you mean 'awsrn_s'" in refused("awsrn_z", "--scale", 4, code=2)

    def test_a_scale_that_is_not_said(self, refused):
        assert "--scale" in refused("awsrn_s", code=2)

    def test_a_test_set_that_is_not_there(self, refused):
        said = refused("awsrn_s", "--scale", 4, "--int8", "--data", "Set6", code=2)
        assert "Set6" in said

    def test_a_training_set_that_is_not_there(self, refused):
        said = refused("awsrn_s", "--scale", 4, "--int8", "--calibrate", "T292", code=2)
        assert "T292" in said

    def test_a_folder_that_is_not_empty(self, refused, tmp_path):
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "notes.txt").touch()
        said = refused("awsrn_s", "--scale", 4, target=tmp_path / "full", code=2)
        assert "exists and is not empty: expected a new or an empty folder" in said

    def test_a_target_that_is_a_file(self, refused, tmp_path):
        (tmp_path / "file").touch()
        said = refused("awsrn_s", "--scale", 4, target=tmp_path / "file", code=2)
        assert "is no folder" in said

    def test_a_target_in_a_folder_that_is_not_there(self, refused, tmp_path):
        said = refused("awsrn_s", "--scale", 4, target=tmp_path / "no" / "out", code=2)
        assert "there is no folder" in said

    def test_the_folder_that_one_is_in(self, refused, tmp_path, monkeypatch):
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        assert "name a new one" in refused("awsrn_s", "--scale", 4, target=".", code=2)

    @pytest.mark.parametrize(
        ("test", "why"),
        [
            ("lr.mean() > 100", "depends on the values of pixels"),
            ("lr.shape[2] % 4 == 3", "depends on the size of the image"),
        ],
    )
    def test_a_network_that_no_graph_can_hold(self, test, why, refused, tmp_path):
        (tmp_path / "odd.py").write_text(ON_VALUES.replace("{test}", test))
        conv = torch.nn.Conv2d(3, 12, 3)
        tensors = {f"conv.{name}": value for name, value in conv.state_dict().items()}
        save_file(tensors, tmp_path / "odd.safetensors")
        name = f"{tmp_path}/odd.py:Odd"
        weights = ("--checkpoint", tmp_path / "odd.safetensors")
        said = refused(name, "--scale", 2, *weights, code=2)
        assert f"Odd x2 cannot be exported: what it does {why}" in said
