"""Modules of users' projects: where a project begins, what it finds, who else sees it."""

import dataclasses
import importlib
import inspect
import pickle
import subprocess
import sys
from types import ModuleType

import numpy
import pytest

import harness
from harness.weights import projects


@pytest.fixture
def write(tmp_path):
    """Write files below the temporary folder, by their relative paths."""

    def write_files(files, below=""):
        for name, text in files.items():
            path = tmp_path / below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / below

    return write_files


def load(path):
    return projects.project_of(path).load(path)


@pytest.mark.parametrize("marker", projects.MARKERS)
def test_a_project_begins_at_the_nearest_marker(write, marker):
    root = write({"setup.py": "", f"repo/{marker}": "", "repo/nets/a/net.py": ""})
    assert projects.root_of(root / "repo/nets/a/net.py") == root / "repo"
    assert projects.root_of(root / "repo/../other.py") == root


def test_without_a_marker_it_begins_above_the_outermost_package_or_at_the_folder(write):
    root = write({"pkg/__init__.py": "", "pkg/sub/__init__.py": "", "pkg/sub/net.py": ""})
    assert projects.root_of(root / "pkg/sub/net.py") == root
    assert projects.root_of(write({"plain/net.py": ""}) / "plain/net.py") == root / "plain"


def test_two_projects_have_each_its_own_modules(write):
    for name in ("one", "two"):
        write(
            {
                "setup.py": "",
                "models/blocks.py": f"WHO = '{name}'",
                "net.py": "from models.blocks import WHO\nimport models.blocks\n"
                "import models.blocks as blocks\nfrom models import blocks as again\n"
                "SAME = models.blocks is blocks is again",
            },
            name,
        )
    one, two = (load(write({}, name) / "net.py") for name in ("one", "two"))
    assert (one.WHO, two.WHO) == ("one", "two")
    assert one.SAME
    assert "models" not in sys.modules


def test_later_imports_are_those_of_the_project_too(write):
    text = """
import importlib
from importlib import import_module

def statement():
    from lazy import WHO
    return WHO

def calls():
    return {
        importlib.import_module("lazy").WHO,
        import_module(".lazy", package="sub").WHO,
        __import__("lazy").WHO,
    }
"""
    for name in ("one", "two"):
        write({"lazy.py": f"WHO = '{name}'", "sub/lazy.py": f"WHO = '{name}'"}, name)
        write({"setup.py": "", "net.py": text}, name)
    one, two = (load(write({}, name) / "net.py") for name in ("one", "two"))
    assert (one.statement(), two.statement(), one.statement()) == ("one", "two", "one")
    assert (one.calls(), two.calls()) == ({"one"}, {"two"})


def test_a_file_is_loaded_once_by_whatever_name(write):
    root = write(
        {
            "setup.py": "",
            "src/pkg/__init__.py": "",
            "src/pkg/net.py": "from pkg.other import check\nclass Net: pass",
            "src/pkg/other.py": "def check():\n    from pkg.net import Net\n"
            "    from .net import Net as Relative\n    assert Net is Relative\n    return Net",
        }
    )
    net = load(root / "src/pkg/net.py")
    assert net.check() is net.Net
    assert load(root / "src/pkg/../pkg/net.py") is net
    assert net.__spec__.name == net.__name__


def test_neighbours_are_found_relatively_and_beside_a_script(write):
    root = write(
        {
            "setup.py": "",
            "nets/blocks.py": "X = 1",
            "nets/net.py": "from .blocks import X\nimport blocks, nets.blocks as there\n"
            "SAME = blocks is there",
        }
    )
    assert load(root / "nets/net.py").SAME


def test_folders_of_the_project_that_its_code_puts_on_the_path_are_its_own(write, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    text = (
        "import sys, os\n"
        "sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'library'))\n"
        "from common_parts import WHO\n"
    )
    for name in ("one", "two"):
        write({"setup.py": "", "nets/net.py": text}, name)
        write({"library/common_parts.py": f"WHO = '{name}'"}, name)
    assert [load(write({}, name) / "nets/net.py").WHO for name in ("one", "two")] == ["one", "two"]


def test_installed_packages_are_neither_hidden_nor_loaded_again(write):
    root = write(
        {
            "setup.py": "",
            "numpy/weights.txt": "",
            "colorsys.py": "OWN = True",
            "harness/__init__.py": "raise RuntimeError",
            "net.py": "import numpy, colorsys, harness, sys\nfrom harness.errors import suggest\n",
        }
    )
    net = load(root / "net.py")
    assert (net.numpy, net.harness, net.sys) == (numpy, harness, sys)
    assert net.colorsys.OWN
    assert not hasattr(importlib.import_module("colorsys"), "OWN")


def test_a_file_may_have_the_name_of_a_module_or_no_module_name(write):
    root = write({"setup.py": "", "torch.py": "X = 1", "my.net-2.py": "X = 2", "a-b/c.py": "X = 3"})
    assert [load(root / name).X for name in ("torch.py", "my.net-2.py", "a-b/c.py")] == [1, 2, 3]
    assert load(root / "my.net-2.py") is load(root / "my.net-2.py")


def test_pickle_source_and_dataclasses_find_the_module(write):
    root = write(
        {
            "net.py": "from __future__ import annotations\nfrom dataclasses import dataclass\n"
            "@dataclass(slots=True)\nclass Size:\n    width: int = 4\n"
        }
    )
    size = load(root / "net.py").Size(7)
    assert pickle.loads(pickle.dumps(size)) == size
    assert "class Size" in inspect.getsource(type(size))
    assert [field.name for field in dataclasses.fields(size)] == ["width"]


def test_what_failed_is_loaded_anew_and_the_failure_has_a_place(write):
    root = write({"setup.py": "", "net.py": "import bad\n", "bad.py": "x = 1\nundefined\n"})
    project = projects.project_of(root / "net.py")
    with pytest.raises(NameError) as error:
        project.load(root / "net.py")
    assert project.place(error.value) == (root / "bad.py", 2)
    write({"bad.py": "undefined = 1  # mended\n"})
    assert isinstance(project.load(root / "net.py"), ModuleType)


def test_files_are_located_without_importing_their_packages(write):
    root = write({"pkg/__init__.py": "raise RuntimeError", "pkg/net.py": ""})
    assert projects.locate("pkg.net", [str(root)]) == root / "pkg/net.py"
    assert projects.locate("pkg.nothing", [str(root)]) is None
    assert projects.locate("sys", [str(root)]) is None


def test_modules_of_a_project_load_no_torch():
    code = "import harness.weights.networks, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_a_project_prints_goes_to_stderr_whenever_it_prints(write, capsys):
    files = {
        "net.py": "import parts\nprint('loaded')\n\ndef later():\n    print('run', 2, sep='-')\n",
        "parts.py": "import sys\nprint('part')\nprint('meant', file=sys.stdout)\n",
    }
    load(write(files) / "net.py").later()
    assert tuple(capsys.readouterr()) == ("meant\n", "part\nloaded\nrun-2\n")
