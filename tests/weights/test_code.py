"""The digest of a network's code: what changes it, and what does not."""

import shutil

import pytest

from harness.models import registry
from harness.weights.code import _NETWORKS, code_digest

NET = '''"""A network."""
from torch import nn
from blocks import Block
from . import *


class Net(nn.Module):
    """Maps LR to SR."""

    def __init__(self, *, scale):
        super().__init__()
        self.block = Block(scale)  # the block

    def forward(self, lr):
        out = self.block(lr)
        return out
'''
BLOCKS = """from torch import nn
import helpers.activations as act


class Block(nn.Module):
    def forward(self, x):
        return act.squash(x)
"""
ACTIVATIONS = """import torch


def squash(x):
    return torch.tanh(x)
"""


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "first"
    (root / "helpers").mkdir(parents=True)
    (root / "net.py").write_text(NET.replace("from . import *\n", ""))
    (root / "blocks.py").write_text(BLOCKS)
    (root / "helpers" / "activations.py").write_text(ACTIVATIONS)
    (root / "unrelated.py").write_text("x = 1\n")
    return root


def digest(root, **options):
    return code_digest(root / "net.py", roots=(root,), **options)


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("net.py", "  # the block", "  # its only block"),
        ("net.py", "Maps LR to SR.", "Maps an LR image to an SR image."),
        ("net.py", "out = self.block(lr)", "out = self.block(\n            lr\n        )"),
        ("unrelated.py", "1", "2"),
    ],
)
def test_comments_docstrings_formatting_and_other_files_do_not_count(project, file, old, new):
    before = digest(project)
    edit(project / file, old, new)
    assert digest(project) == before


def test_the_folder_does_not_count(project, tmp_path):
    before = digest(project)
    moved = tmp_path / "elsewhere" / "second"
    shutil.copytree(project, moved)
    assert digest(moved) == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("net.py", "out", "result"),
        ("blocks.py", "act.squash(x)", "act.squash(x) + x"),
        ("helpers/activations.py", "tanh", "relu"),
    ],
)
def test_code_of_the_network_and_of_what_it_imports_counts(project, file, old, new):
    before = digest(project)
    edit(project / file, old, new)
    assert digest(project) != before


def test_two_files_that_swap_their_contents_count(project):
    edit(project / "net.py", "from blocks import Block", "from blocks import Block\nimport other")
    (project / "other.py").write_text("VALUE = 1\n")
    before = digest(project)
    blocks = (project / "blocks.py").read_text()
    (project / "blocks.py").write_text((project / "other.py").read_text())
    (project / "other.py").write_text(blocks)
    assert digest(project) != before


def test_modules_that_import_each_other_end(project):
    edit(project / "blocks.py", "from torch import nn", "from torch import nn\nimport net")
    assert digest(project) == digest(project)


def test_relative_imports_and_packages_are_followed(project):
    package = project / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("LEAK = 0.1\n")
    (package / "net.py").write_text("from .inner import f\nfrom . import LEAK\n")
    (package / "inner.py").write_text("from ..blocks import Block\nf = 1\n")
    before = code_digest(package / "net.py", roots=(project,))
    for file, old, new in (
        (package / "__init__.py", "0.1", "0.2"),
        (package / "inner.py", "f = 1", "f = 2"),
        (project / "blocks.py", "squash(x)", "squash(-x)"),
    ):
        edit(file, old, new)
        after = code_digest(package / "net.py", roots=(project,))
        assert after != before
        before = after


def test_versions_of_other_packages_count(project, monkeypatch):
    from harness.weights import code

    edit(project / "net.py", "from torch import nn", "from torch import nn\nimport scipy.fft")
    before = digest(project)
    monkeypatch.setattr(code, "_version", lambda top: f"{top} of another day")
    assert digest(project) != before


def test_versions_of_what_every_network_needs_do_not_count(project):
    before = digest(project)
    with (project / "net.py").open("a") as file:
        file.write("import torch.utils\n")
    after = digest(project)
    edit(project / "net.py", "import torch.utils", "import numpy.linalg")
    assert len({before, after, digest(project)}) == 3  # the statements do

    from harness.weights.code import _version

    assert _version("torch") is not None
    assert "+" not in _version("torch")


def test_a_module_on_the_search_path_that_is_not_installed_counts(project, tmp_path, monkeypatch):
    beside = tmp_path / "beside"
    (beside / "shared").mkdir(parents=True)
    (beside / "shared" / "__init__.py").write_text("")
    (beside / "shared" / "parts.py").write_text("GAIN = 1\n")
    monkeypatch.syspath_prepend(beside)
    edit(project / "net.py", "from torch import nn", "from torch import nn\nimport shared.parts")
    before = digest(project)
    edit(beside / "shared" / "parts.py", "1", "2")
    assert digest(project) != before


def test_an_import_that_nobody_finds_before_makes_every_file_count(project):
    edit(project / "net.py", "from torch import nn", "from torch import nn\nimport found_later")
    before = digest(project)
    edit(project / "unrelated.py", "1", "2")
    assert digest(project) != before


def test_a_file_that_is_not_python_counts_by_its_bytes(project):
    (project / "blocks.py").write_text("def f(:\n")
    before = digest(project)
    edit(project / "blocks.py", "f(:", "g(:")
    assert digest(project) != before


def test_a_digest_is_the_same_in_every_python(project):
    """Of known text, so that another Python, or another release of ours, would differ here."""
    assert digest(project) == "e65fb8d692d93b1fae74678c06b9605b9f216e47bd0229c55bac10ab7c030ea1"


def test_names_known_only_when_it_runs_make_every_file_count(project):
    edit(
        project / "net.py",
        "class Net",
        "import importlib\n\n\ndef f(n):\n    return importlib.import_module(n)\n\n\nclass Net",
    )
    before = digest(project)
    edit(project / "unrelated.py", "1", "2")
    assert digest(project) != before


def test_a_user_file_follows_what_it_takes_from_the_registered_networks(tmp_path, monkeypatch):
    from harness.weights import code

    networks = tmp_path / "networks"
    shutil.copytree(_NETWORKS, networks)
    monkeypatch.setattr(code, "_NETWORKS", networks)
    (tmp_path / "project").mkdir()
    file = tmp_path / "project" / "net.py"
    file.write_text("from harness.models.awsrn import AWSRN\n")
    before = code_digest(file, roots=(file.parent,))
    edit(networks / "units.py", "nn.ReLU(inplace=True)", "nn.GELU()")
    assert code_digest(file, roots=(file.parent,)) != before


def test_class_and_options_count(project):
    digests = {digest(project, details=details) for details in (None, "Net", ["Net", {"k": 3}])}
    assert len(digests) == 3


def test_other_registered_networks_do_not_count(tmp_path, monkeypatch):
    from harness.weights import code

    networks = tmp_path / "networks"
    shutil.copytree(_NETWORKS, networks)
    monkeypatch.setattr(code, "_NETWORKS", networks)
    before = {name: code_digest(networks / f"{name}.py", roots=()) for name in ("awsrn", "espcn")}
    edit(networks / "espcn.py", "tanh", "relu")
    after = {name: code_digest(networks / f"{name}.py", roots=()) for name in ("awsrn", "espcn")}
    assert before["awsrn"] == after["awsrn"]
    assert before["espcn"] != after["espcn"]
    assert registry.names()
