"""A user's unit, fusion or tail in a backbone: built, known by its code, refused with its line."""

import shutil

import pytest
import torch

from harness.errors import PartError
from harness.models.units import UNITS
from harness.records import failure
from harness.records.record import load_all
from harness.weights import networks, parts

GOOD = """\
import torch
from torch import nn
from neighbour import gate


class Gated(nn.Module):
    def __init__(self, *, channels, inner_channels, conv):
        super().__init__()
        self.body = nn.Sequential(
            conv(channels, inner_channels, 3), nn.ReLU(), conv(inner_channels, channels, 3)
        )

    def forward(self, x):
        return x + gate(x) * self.body(x)


class Plain(nn.Module):
    def __init__(self, *, channels, inner_channels):
        super().__init__()
        self.body = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.body(x)

    def reset_parameters(self):
        nn.init.zeros_(self.body.weight)


class Fusion(nn.Module):
    def __init__(self, *, channels, num_units, conv, kernel_size):
        super().__init__()
        self.conv = conv(channels * num_units, channels, kernel_size or 1)

    def forward(self, outputs, block_input):
        return self.conv(torch.cat(outputs, 1)) + block_input


def tail(channels, scale):
    return nn.Conv2d(channels, 3 * scale**2, 5, padding=2)
"""
BAD = """\
import torch
from torch import nn


class Base(nn.Module):
    def __init__(self, *, channels, inner_channels):
        super().__init__()


class Shape(Base):
    def forward(self, x):
        return torch.cat([x, x], 1)


class Missing(nn.Module):
    def __init__(self, *, channels):
        super().__init__()


class Raises(Base):
    def forward(self, x):
        return x + x[..., 1:]


class NoModule:
    pass


class Integer(Base):
    def forward(self, x):
        return x.int()


class Pair(Base):
    def forward(self, x):
        return x, x


class Norm(Base):
    def __init__(self, *, channels, inner_channels):
        super().__init__(channels=channels, inner_channels=inner_channels)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x):
        return x * self.norm(x.mean((2, 3), keepdim=True))


def number(channels, inner_channels):
    return 3
"""
SMALL = {"num_units": 2, "channels": 4, "inner_channels": 8}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "bad.py").write_text(BAD)
    (tmp_path / "neighbour.py").write_text("import torch\n\n\ngate = torch.sigmoid\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def line(text):
    return 1 + next(n for n, words in enumerate(BAD.splitlines()) if text in words)


def build(model="awsrn_s", **options):
    return networks.build(model, scale=2, overrides=SMALL | options)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("wdsr_basic", {"unit": "good.py:Gated"}),
        ("awsrn_s", {"unit": "good.py:Gated", "fusion": "good.py:Fusion"}),
        ("awsrn_b", {"fusion": "good.py:Fusion"}),  # which has none of its own
        ("wdsr_awms", {"tail": "good.py:tail"}),
    ],
)
def test_parts_take_the_places_of_the_built_in_ones(folder, model, options):
    network = build(model, **options)
    assert network(torch.rand(1, 3, 9, 7)).shape == (1, 3, 18, 14)
    kinds = [type(module).__name__ for module in network.modules()]
    assert kinds.count("Gated") == (2 if "unit" in options else 0)
    blocks = {"awsrn_s": 1, "awsrn_b": 4}
    assert kinds.count("Fusion") == (blocks[model] if "fusion" in options else 0)
    assert ("AWMS" in kinds) == ("tail" not in options)


def test_parameters_are_those_of_the_arithmetic(folder):
    """Basic RU's two convolutions, and of the whole network only the units differ."""
    own = sum(value.numel() for value in build("wdsr_basic", unit="good.py:Gated").parameters())
    assert own == sum(value.numel() for value in build("wdsr_basic").parameters())
    plain = build("wdsr_basic", unit="good.py:Plain")
    assert sum(value.numel() for value in plain.units.parameters()) == 2 * (4 * 4 * 9 + 4)


@pytest.mark.parametrize(
    ("name", "place", "words"),
    [
        ("Shape", "class Shape", "gives 1x8x24x24 values, expected 1x4x24x24"),
        ("Missing", "class Missing", "unexpected keyword argument 'inner_channels'"),
        ("Raises", "x[..., 1:]", "RuntimeError"),
        ("NoModule", "class NoModule", "no part"),
        ("Integer", "class Integer", "int32"),
        ("Pair", "class Pair", "tuple"),
        ("number", "def number", "int, not a torch.nn.Module"),
    ],
)
def test_a_bad_part_is_refused_with_its_line(folder, name, place, words):
    with pytest.raises(PartError, match=rf"bad\.py:{line(place)}\b") as refused:
        build(unit=f"bad.py:{name}")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_name_that_is_none_lists_what_is_built_in():
    with pytest.raises(Exception, match=", ".join(UNITS)):
        build(unit="gated")


def test_the_digest_is_of_the_part_too_and_not_of_its_folder(folder):
    own = {"unit": f"{folder}/good.py:Gated"}
    before = networks.code_digest("wdsr_basic", own)
    assert before != networks.code_digest("wdsr_basic")
    assert before == networks.code_digest("wdsr_basic", {"unit": "good.py:Gated"})
    assert before != networks.code_digest("wdsr_basic", {"unit": "good.py:Plain"})
    for name, old, new, same in (
        ("moved", "", "", True),
        ("edited", "gate = torch.sigmoid", "gate = torch.tanh", False),
    ):
        copy = folder / name
        copy.mkdir()
        shutil.copy(folder / "good.py", copy)
        text = (folder / "neighbour.py").read_text()
        (copy / "neighbour.py").write_text(text.replace(old, new))
        after = networks.code_digest("wdsr_basic", {"unit": f"{copy}/good.py:Gated"})
        assert (after == before) == same
    assert parts.portable(own | SMALL) == SMALL | {"unit": "Gated"}


def test_remarks_say_where_a_part_is_not_made_as_its_backbone_is(folder):
    for unit, words in (("Gated", []), ("Plain", ["2 of its 2 layers", "start weights"])):
        options = {"unit": f"good.py:{unit}"}
        found = list(parts.remarks(build(**options), options))
        assert len(found) == len(words)
        assert all(word in text for word, text in zip(words, found, strict=True))


def test_a_unit_stands_beside_awru_and_bad_ones_stop_no_row(folder, tiny, invoke):
    small = "num_units: 1, channels: 4, inner_channels: 8"
    own = {"AWRU": "awru", "Plain": "good.py:Plain", "Shape": "bad.py:Shape", "Norm": "bad.py:Norm"}
    rows = [
        f"- {{label: {label}, model: awsrn_s, with: {{unit: '{unit}', {small}}}}}"
        for label, unit in own.items()
    ]
    (folder / "tiny.yaml").write_text("\n".join(["rows:", *rows]))
    tiny = [item for item in tiny if not item.startswith("train.batch")]
    dry = invoke("run", *tiny, "train.batch=1", "--dry-run")
    assert dry.exit_code == 0, dry.output
    result = invoke("run", *tiny, "train.batch=1")
    assert result.exit_code == 1
    failures = {run.label: run for run in failure.load_all(folder)}
    assert failures.keys() == {"Shape", "Norm"}
    assert f"bad.py:{line('class Shape')}" in failures["Shape"].reason
    assert failures["Norm"].place == f"bad.py:{line('self.norm(x')}"
    done = {str(record.overrides.get("unit")): record for record in load_all(folder)}
    assert {"awru", "good.py:Plain"} <= done.keys()
    assert done["good.py:Plain"].remarks
    table = next((folder / "reports").glob("*.md")).read_text()
    assert "Plain, unit Plain: 1 of its 1 layers" in table

    moved = folder / "elsewhere"
    moved.mkdir()
    for name in ("good.py", "neighbour.py"):
        shutil.copy(folder / name, moved)
    (folder / "tiny.yaml").write_text(
        "\n".join(["rows:", *rows[:2]]).replace("good", "elsewhere/good")
    )
    again = invoke("run", *tiny, "train.batch=1")
    assert again.exit_code == 0, again.output
    assert again.stderr.count("done before") == 3


def test_parts_of_two_repositories_with_packages_of_one_name_do_not_meet(tmp_path, monkeypatch):
    """Each has a package `models` and in it `blocks`, as this project has one."""
    monkeypatch.chdir(tmp_path)
    for name, factor in (("one", 2), ("two", 3)):
        package = tmp_path / name / "models"
        package.mkdir(parents=True)
        (tmp_path / name / ".git").mkdir()
        (package / "__init__.py").touch()
        (package / "blocks.py").write_text(f"FACTOR = {factor}\n")
        (tmp_path / name / "parts.py").write_text(
            "from torch import nn\nfrom models.blocks import FACTOR\n\n\n"
            "class Unit(nn.Module):\n"
            "    def __init__(self, *, channels, inner_channels):\n"
            "        super().__init__()\n\n"
            "    def forward(self, x):\n        return FACTOR * x\n\n\n"
            "class Tail(nn.Module):\n"
            "    def __init__(self, *, channels, scale):\n"
            "        super().__init__()\n"
            "        self.conv = nn.Conv2d(channels, 3 * scale**2, 1, bias=FACTOR == 2)\n\n"
            "    def forward(self, x):\n        return self.conv(x)\n"
        )
    network = build("wdsr_basic", unit="one/parts.py:Unit", tail="two/parts.py:Tail")
    assert torch.equal(network.units[0](torch.ones(1, 4, 2, 2)), torch.full((1, 4, 2, 2), 2.0))
    assert network.tail.conv.bias is None
    both = {"unit": "one/parts.py:Unit", "tail": "two/parts.py:Tail"}
    before = networks.code_digest("wdsr_basic", both)
    assert before != networks.code_digest("wdsr_basic", both | {"unit": "two/parts.py:Unit"})
