"""Imports go down only: from a package to those on lower floors, never to a neighbour's."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = (
    {"__main__"},
    {"cli"},
    {"reports", "experiment", "deploy"},
    {"evaluation"},
    {"efficiency"},
    {"statistics"},
    {"records"},
    {"config", "data", "weights"},
    {"host"},
    {"errors", "models", ""},
)
NETWORK_FLOORS: tuple[set[str], ...] = (
    {"registry"},
    {"fusing", "modern"},
    {"adaptive", "adapted", "initialise", "fusing_rules"},
    set(),  # families: every module that is on no other floor
    {"awms"},
    {"units", "luma"},
    {"training_form"},
    {"merged"},
    {"layers", "bicubic"},
    {"resampling", "parts", "merging", "padding", "channel_norm"},
)
FAMILIES = 3


def modules():
    """The files of the house by module name; those of the networks through their link."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for folder in ("harness", "harness/models")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


def imports(path):
    """The project's own modules that a file imports when it is loaded or run."""
    known = modules()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        if isinstance(node, ast.ImportFrom) and node.module in known:
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else node.module for name in full)


@pytest.mark.parametrize("name", sorted(set().union(*FLOORS[1:9])))
def test_contributing_says_of_a_package_what_the_package_says_of_itself(name):
    (picture,) = [
        line.split(maxsplit=1)[1].rstrip(".")
        for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
        if line.startswith(f"    {name} ") and ">" not in line
    ]
    tree = ast.parse((ROOT / "harness" / name / "__init__.py").read_text(encoding="utf-8"))
    assert (ast.get_docstring(tree) or "").startswith(picture)


def package(name):
    return (*name.split("."), "")[1]


def network_floor(name):
    stem = name.rpartition(".")[2]
    return next((n for n, floor in enumerate(NETWORK_FLOORS) if stem in floor), FAMILIES)


def floor(name):
    return next(n for n, packages in enumerate(FLOORS) if package(name) in packages)


@pytest.mark.parametrize("name", modules())
def test_imports_go_down(name):
    for other in imports(modules()[name]):
        inside = package(other) == package(name)
        assert inside or floor(other) > floor(name), f"{name} imports {other}"


@pytest.mark.parametrize("name", [name for name in modules() if package(name) == "models"])
def test_networks_import_down_and_nothing_else_of_the_harness(name):
    for other in imports(modules()[name]):
        assert package(other) == "models", f"{name} imports {other}"
        if network_floor(name) == network_floor(other) == FAMILIES:
            continue  # a family may be made of another
        assert network_floor(other) > network_floor(name), f"{name} imports {other}"


def test_no_modules_import_each_other_in_a_circle():
    waiting = {name: set(imports(path)) - {name} for name, path in modules().items()}
    while free := [name for name, needed in waiting.items() if not needed & waiting.keys()]:
        for name in free:
            del waiting[name]
    assert not waiting


def test_the_data_layer_knows_of_the_networks_only_the_resampling():
    for name, path in modules().items():
        if package(name) == "data":
            used = {other for other in imports(path) if package(other) == "models"}
            assert used <= {"harness.models.resampling"}, name


def loaded(code):
    """The names of all modules that are loaded after some code ran."""
    script = f"{code}\nimport sys; print(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module", ["harness.cli.main", "harness.reports.write", "harness.config.settings"]
)
def test_light_modules_load_neither_torch_nor_mlflow(module):
    heavy = {"torch", "mlflow", "pandas", "lightning_fabric", "matplotlib"}
    assert not loaded(f"import {module}") & heavy


def test_the_command_line_loads_little_more_than_click():
    assert not loaded("import harness.cli.main") & {"numpy", "yaml"}


def test_mlflow_is_loaded_only_when_something_is_logged():
    assert "mlflow" not in loaded("import harness.experiment.run")


def test_lightning_is_loaded_only_when_something_is_trained():
    assert "lightning_fabric" not in loaded("import harness.experiment.run")
