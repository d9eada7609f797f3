"""Networks of installed packages: listed, imported when used, never two of one id."""

import json
import sys

import pytest

from harness.errors import UsageError
from harness.weights import installed, networks

NET = """\
from torch import nn
from harness.models.variant import Variant


class Net(nn.Module):
    def __init__(self, *, scale, channels=4):
        super().__init__()
        self.conv = nn.Conv2d(3, 3 * scale**2, 3, padding=1)
        self.up = nn.PixelShuffle(scale)

    def forward(self, lr):
        return self.up(self.conv(lr))


MY_NET = Variant("my_net", "MyNet", source="here", target=f"{__name__}:Net", scales=(2,))
WRONG = Variant("other", "Other", source="here", target=Net)
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Install packages into a folder of the search path; forgets them again."""

    def make(name, **declared):
        module = name.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(NET)
        info = tmp_path / f"{module}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
        lines = [f"{key} = {module}:{value}" for key, value in declared.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{installed.GROUP}]", *lines]))
        installed.networks.cache_clear()
        return module

    monkeypatch.syspath_prepend(tmp_path)
    yield make
    installed.networks.cache_clear()


def test_they_are_listed_with_their_package_and_not_imported(package, invoke):
    module = package("nets-of-mine", my_net="MY_NET")
    rows = json.loads(invoke("list", "--format", "json").stdout)
    assert rows[-1]["id"] == "my_net"
    assert rows[-1]["source"] == "package nets-of-mine 1.5"
    assert "nets-of-mine 1.5" in invoke("list").stdout
    assert module not in sys.modules


def test_they_are_built_counted_and_trained_as_ours_are(package, invoke, tiny, tmp_path):
    package("nets-of-mine", my_net="MY_NET")
    result = invoke("flops", "my_net", "--format", "json")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    assert (row["label"], row["params"]) == ("MyNet", 3 * 12 * 9 + 12)
    settings = [item for item in tiny if not item.startswith("ablation=")]
    for said in ("step 6/6", "done before"):
        result = invoke("train", "my_net", "--scale", "2", *settings)
        assert result.exit_code == 0, result.output
        assert said in result.stderr
    assert invoke("train", "my_net", "--scale", "3", *settings).exit_code == 2
    assert "did you mean 'my_net'" in invoke("flops", "my_nett").stderr


def test_the_code_of_a_package_tells_it(package, tmp_path):
    module = package("nets-of-mine", my_net="MY_NET")
    before = networks.code_digest("my_net")
    networks._registered_digest.cache_clear()
    networks._users_digest.cache_clear()
    (tmp_path / f"{module}.py").write_text(NET.replace("lr))", "lr)).relu()"))
    assert networks.code_digest("my_net") != before


def test_one_id_of_two_packages_is_refused_naming_both(package, invoke):
    package("nets-of-mine", my_net="MY_NET")
    package("nets-of-yours", my_net="MY_NET")
    with pytest.raises(
        UsageError, match=r"'my_net': of nets-of-mine 1\.5 and of nets-of-yours 1\.5"
    ):
        networks.get("my_net")
    assert invoke("list").exit_code == 2


def test_an_id_of_ours_is_refused_too(package):
    package("nets-of-mine", carn="MY_NET")
    with pytest.raises(UsageError, match=r"'carn': of awsrn-harness and of nets-of-mine 1\.5"):
        networks.get("carn")


@pytest.mark.parametrize("declared", ["WRONG", "GONE", "Net"])
def test_what_declares_no_network_of_its_id_is_refused(package, declared):
    package("nets-of-mine", my_net=declared)
    with pytest.raises(UsageError, match=r"of nets-of-mine 1\.5"):
        networks.get("my_net")
