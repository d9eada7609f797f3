"""A network from its name: registered ones, users' own ones, and what is told of mistakes."""

import csv
import json

import pytest
import torch
from click.testing import CliRunner

from harness.cli.main import main
from harness.errors import UsageError
from harness.models import registry
from harness.models.awsrn import AWSRN
from harness.weights import networks

BLOCKS = """
from torch import nn

def body(channels=WIDTH):
    return nn.Conv2d(3, channels, 3, padding=1)
"""
NET = """
from functools import partial
from os import abort
from torch import nn
from models.blocks import body

class Net(nn.Module):
    def __init__(self, *, scale, depth=1):
        super().__init__()
        from models.tail import Tail
        self.body = nn.Sequential(body(), *(nn.ReLU() for _ in range(depth)))
        self.tail = Tail(self.body[0].out_channels, scale)

    def forward(self, lr):
        import models.blocks
        assert models.blocks.body is body
        return self.tail(self.body(lr))

class Fixed(nn.Module):
    def __init__(self):
        super().__init__()

class Raises(Net):
    def __init__(self, *, scale):
        super().__init__(scale=scale)
        raise RuntimeError("not today\\nor tomorrow")

class Lazy(Net):
    def __init__(self, *, scale):
        super().__init__(scale=scale)
        self.body.append(nn.LazyConv2d(8, 1))

def make(scale):
    return Net(scale=scale)

def makes_nothing(*, scale):
    return scale

def train():
    raise AssertionError("called")

deep = partial(Net, depth=3)
"""
TAIL = """
from torch import nn

class Tail(nn.Sequential):
    def __init__(self, channels, scale):
        super().__init__(nn.Conv2d(channels, 3 * scale**2, 1), nn.PixelShuffle(scale))
"""


def params(width, scale=2):
    """Count the weights and biases of a 3x3 and a 1x1 convolution."""
    return (27 + 1) * width + (width + 1) * 3 * scale**2


@pytest.fixture
def invoke(tmp_path):
    """Run a command on bundled images, with results below the temporary folder."""

    def invoke(command, *arguments):
        settings = ("data.train=sample", "data.test=sample", f"results.root={tmp_path}")
        mine = settings if command in ("run", "train") else ()
        return CliRunner().invoke(main, [command, *arguments, *mine])

    return invoke


@pytest.fixture
def repositories(tmp_path, monkeypatch):
    """Make two repositories with modules of the same names; work in neither of them."""
    for name, width in (("one", 4), ("two", 8)):
        folder = tmp_path / name
        (folder / "models").mkdir(parents=True)
        (folder / "pyproject.toml").touch()
        (folder / "models/blocks.py").write_text(BLOCKS.replace("WIDTH", str(width)))
        (folder / "models/tail.py").write_text(TAIL)
        (folder / "models/net.py").write_text(NET)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def count(network):
    return sum(weight.numel() for weight in network.parameters())


def test_two_repositories_have_each_its_own_network(repositories):
    built = [
        networks.build(f"../{name}/models/net.py:Net", scale=2) for name in ("one", "two", "one")
    ]
    assert [count(network) for network in built] == [params(4), params(8), params(4)]
    assert type(built[0]) is type(built[2])
    assert built[1](torch.rand(1, 3, 2, 3)).shape == (1, 3, 4, 6)


def test_flops_counts_neighbours_of_two_repositories(repositories, invoke):
    names = [f"../{name}/models/net.py:Net" for name in ("one", "two")]
    result = invoke("flops", *names, "--scale", "2", "--format", "json")
    assert [row["params"] for row in json.loads(result.stdout)] == [params(4), params(8)]


def test_an_ablation_plans_both_repositories(repositories, invoke):
    names = [f"../{name}/models/net.py:Net" for name in ("one", "two")]
    rows = "".join(f"  - {{label: {name[3:6]}, model: '{name}'}}\n" for name in names)
    (repositories / "work/both.yaml").write_text(f"title: Both\nbase: one\nrows:\n{rows}")
    result = invoke(
        "run", "ablation=both.yaml", "profile=smoke", "seeds=0", "--dry-run", "--format", "csv"
    )
    assert result.exit_code == 0, result.output
    planned = csv.DictReader(result.stdout.splitlines())
    listed = {row["row"]: row["params"] for row in planned if row["row"] != "Bicubic"}
    assert listed == {"one": f"{params(4)}", "two": f"{params(8)}"}


@pytest.mark.parametrize("name", ["models.net:Net", "models/net.py:Net"])
def test_from_the_repository_itself(repositories, monkeypatch, invoke, name):
    monkeypatch.chdir(repositories / "two")
    arguments = ("--scale", "2", "profile=smoke", "seeds=0", "--dry-run")
    result = invoke("train", name, *arguments)
    assert result.exit_code == 0, result.output
    assert f" {params(8)} " in result.stdout


def test_scale_and_options_of_a_users_class(repositories):
    variant = networks.get("../one/models/net.py:Net")
    assert (variant.label, variant.options()) == ("Net", ("depth",))
    assert count(variant.build(scale=5, depth=2)) == params(4, scale=5)
    assert networks.build("../one/models/net.py:Fixed", scale=2) is not None


@pytest.mark.parametrize("name", ["make", "deep"])
def test_a_function_of_the_module_with_a_scale_makes_a_network(repositories, name):
    assert count(networks.build(f"../two/models/net.py:{name}", scale=3)) == params(8, scale=3)


@pytest.mark.parametrize(
    "name",
    ["os:abort", "os:removedirs", "../one/models/net.py:abort", "../one/models/net.py:train"],
)
def test_what_is_no_network_is_refused_without_calling_it(repositories, name):
    with pytest.raises(UsageError, match="is no network: expected a class derived from torch"):
        networks.get(name)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("import torch\n\ndef f(:\n", "net.py:3", "SyntaxError"),
        ("x = 1\nundefined\n", "net.py:2", "NameError: name 'undefined' is not defined"),
        ("import nothing_there\n", "net.py:1", "ModuleNotFoundError: No module named 'nothing_th"),
        ("\nfrom parts import other\n", "parts.py:1", "ZeroDivisionError"),
        ("\nfrom empty import other\n", "net.py:2", "cannot import name 'other' from 'empty'"),
        ("raise SystemExit(3)\n", "net.py:1", "SystemExit: 3"),
    ],
)
def test_errors_of_a_file_name_its_line(tmp_path, monkeypatch, invoke, text, place, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts.py").write_text("1 / 0\n")
    (tmp_path / "empty.py").touch()
    (tmp_path / "net.py").write_text(text)
    result = invoke("train", "net.py:Net", "--scale", "2", "--dry-run")
    assert result.exit_code == UsageError.exit_code
    (message,) = result.stderr.splitlines()
    assert message.startswith(f"Error: cannot import 'net.py': {place}: ")
    assert said in message
    assert "awsrn" not in message


def test_errors_of_a_constructor_name_its_line(repositories, invoke):
    name = "../one/models/net.py:Raises"
    line = 1 + NET.splitlines().index('        raise RuntimeError("not today\\nor tomorrow")')
    place = f"{repositories / 'one/models/net.py'}:{line}"
    expected = f"cannot build '{name}' at x2: {place}: RuntimeError: not today"
    for command in ("flops", "train"):
        result = invoke(command, name, "--scale", "2", *["--dry-run"][: command == "train"])
        assert result.exit_code == UsageError.exit_code
        assert result.stderr.splitlines()[-1].endswith(expected)


def test_a_function_that_returns_no_network_is_told(repositories):
    with pytest.raises(UsageError, match="returns int, not a network"):
        networks.build("../one/models/net.py:makes_nothing", scale=2)


def test_a_network_without_sizes_before_it_runs_is_told(repositories, invoke):
    result = invoke("flops", "../one/models/net.py:Lazy", "--scale", "2")
    assert result.exit_code == UsageError.exit_code
    assert "('body.2.weight')" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("awsrm", r"unknown model 'awsrm' \(did you mean 'awsrn_m'\?\)"),
        ("no_such_module:Net", "cannot import 'no_such_module': there is no such module"),
        ("no.such_module:Net", "cannot import 'no.such_module': there is no such module"),
        ("no_such_file.py:Net", "there is no file 'no_such_file.py'"),
        ("net.py", "expected net.py:CLASS"),
        ("../one/models/net.py:Nett", r"networks there: Net, Fixed, Raises, Lazy\)"),
    ],
)
def test_unknown_names(repositories, name, message):
    with pytest.raises(UsageError, match=message):
        networks.get(name)


def test_what_a_registered_network_cannot_have_is_a_usage_error():
    for scale, overrides in ((5, {}), (2, {"depth": 1}), (2, {"num_units": 0})):
        with pytest.raises(UsageError):
            networks.build("awsrn", scale=scale, overrides=overrides)


@pytest.mark.parametrize("command", ["flops", "bench"])
def test_an_unknown_option_is_answered_with_the_nearest_one(invoke, command):
    result = invoke(command, "awsrn_s{chanels: 16, num_unit: 2}", "--scale", "2")
    assert result.exit_code == UsageError.exit_code
    message = result.stderr.splitlines()[-1]
    for wrong, near in (("chanels", "channels"), ("num_unit", "num_units")):
        assert f"'{wrong}' (did you mean '{near}'?)" in message


def test_options_are_those_of_the_constructor_without_the_scale():
    with pytest.raises(UsageError, match=r"no option 'scale'"):
        networks.build("awsrn_s{scale: 3}", scale=2)


def test_registered_names_mean_the_registered_networks():
    assert [networks.get(name) for name in registry.names()] == list(registry.VARIANTS)


def test_a_network_of_the_harness_may_be_named_by_its_module():
    assert isinstance(networks.build("harness.models.awsrn:AWSRN", scale=2), AWSRN)
