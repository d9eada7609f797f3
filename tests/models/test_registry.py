"""Looking up networks, and users' own ones."""

import pytest
import torch

from harness.models import registry

OWN = """
from torch import nn

class Net(nn.Module):
    def __init__(self, *, scale, width=4):
        super().__init__()
        self.up = nn.Upsample(scale_factor=scale)
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, lr):
        return self.conv(self.up(lr))

class Fixed(nn.Module):
    def __init__(self):
        super().__init__()
"""


@pytest.fixture
def own_file(tmp_path):
    path = tmp_path / "my_net.py"
    path.write_text(OWN)
    return path


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


def test_users_own_class_by_file(own_file):
    variant = registry.get(f"{own_file}:Net")
    assert variant.label == "Net"
    assert variant.options() == ("width",)
    assert variant.build(scale=3)(torch.rand(1, 3, 2, 2)).shape == (1, 3, 6, 6)


def test_users_own_class_without_scale(own_file):
    assert registry.get(f"{own_file}:Fixed").build(scale=2) is not None


def test_users_own_class_by_module(own_file, monkeypatch):
    monkeypatch.syspath_prepend(own_file.parent)
    assert registry.get("my_net:Net").label == "Net"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("awsrm", "unknown model 'awsrm'"),
        ("no_such_module:Net", "cannot import 'no_such_module'"),
        ("no_such_file.py:Net", "there is no file 'no_such_file.py'"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(LookupError, match=message):
        registry.get(name)


def test_wrong_class_lists_the_networks_of_the_file(own_file):
    with pytest.raises(LookupError, match="networks there: Net, Fixed"):
        registry.get(f"{own_file}:Nett")


def test_file_that_fails_says_why(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("import nothing_of_that_name\n")
    with pytest.raises(LookupError, match="ModuleNotFoundError: No module named 'nothing_of"):
        registry.get(f"{path}:Net")
