"""Imports go down only: each module may import what stands below it, and siblings of its part."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# From the bottom up; a module may import from lower lines, and from its own package.
LAYERS = [
    {"models.resampling"},
    {"models.bicubic", "models.layers"},
    {"models.units", "models.luma"},
    {"models.awms"},
    {"models.awsrn"},
    {"models.wdsr", "models.adaptive", "models.initialise"},
    {"models.registry"},
    {"harness.errors", "harness"},
    {
        "harness.files",
        "harness.logs",
        "harness.paths",
        "harness.labels",
        "harness.protocols",
        "harness.progress",
    },
    {
        "harness.records",
        "harness.metrics",
        "harness.ablation",
        "harness.config",
        "harness.layout",
        "harness.drawing",
        "harness.statistics",
        "harness.pretrained",
    },
    {
        "harness.published",
        "harness.counts",
        "harness.data",
        "harness.tracking",
        "harness.stop",
        "harness.inference",
        "harness.field",
        "harness.tiling",
    },
    {
        "harness.provenance",
        "harness.selection",
        "harness.efficiency",
        "harness.evaluate",
        "harness.frames",
        "harness.removal",
    },
    {"harness.estimates"},
    {"harness.intervals"},
    {"harness.tables", "harness.checkpoints", "harness.weights", "harness.enlarge"},
    {
        "harness.sheet",
        "harness.efficiency_table",
        "harness.scored",
        "harness.train",
        "harness.plan",
        "harness.importers",
    },
    {"harness.protocol_table", "harness.rescored_table", "harness.comparison_table"},
    {"harness.render", "harness.figures", "harness.identity", "harness.fit"},
    {"harness.loading", "harness.lambdas"},
    {"harness.recording"},
    {"harness.scoring"},
    {"harness.crops"},
    {"harness.contributions"},
    {"harness.run", "harness.proof", "harness.upscaling", "harness.pruning", "harness.rivals"},
    {"harness.reports", "harness.compare"},
    {"harness.listing", "harness.commands"},
    {"harness.cli"},
    {"harness.__main__"},
]


def modules():
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in ("harness", "models")
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def imports(path):
    """The project's own modules that a file imports when it is loaded or run."""
    known = modules()
    typing_only = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            typing_only |= set(ast.walk(node))
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        if isinstance(node, ast.ImportFrom) and node.module in known | {"models": 0, "harness": 0}:
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else node.module for name in full)


def layer(name):
    matches = [
        (len(entry), number)
        for number, entries in enumerate(LAYERS)
        for entry in entries
        if name == entry or name.startswith(f"{entry}.")
    ]
    if name.startswith("models.") and not [length for length, _ in matches if length > 6]:
        return 5  # a network family stands beside models.awsrn
    return max(matches)[1]


def package(name):
    return name.rpartition(".")[0]


@pytest.mark.parametrize("name", modules())
def test_imports_go_down(name):
    for other in imports(modules()[name]):
        if other in ("harness", "models") or other == name:
            continue
        same_part = package(name) == package(other) and package(name) not in ("harness", "models")
        assert layer(other) < layer(name) or same_part, f"{name} imports {other}"


def test_models_never_import_the_harness():
    for name, path in modules().items():
        if name.startswith("models"):
            assert not [other for other in imports(path) if other.startswith("harness")], name


def test_the_data_layer_knows_of_the_networks_only_the_resampling():
    for name, path in modules().items():
        if name.startswith("harness.data"):
            used = {other for other in imports(path) if other.startswith("models")}
            assert used <= {"models.resampling"}, name


def loaded(code):
    """The names of all modules that are loaded after some code ran."""
    script = f"{code}\nimport sys; print(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["harness.cli", "harness.reports", "harness.config"])
def test_light_modules_load_neither_torch_nor_mlflow(module):
    heavy = {"torch", "mlflow", "pandas", "lightning_fabric", "matplotlib"}
    assert not loaded(f"import {module}") & heavy


def test_the_command_line_loads_little_more_than_click():
    assert not loaded("import harness.cli") & {"numpy", "omegaconf", "yaml"}


def test_mlflow_is_loaded_only_when_something_is_logged():
    assert "mlflow" not in loaded("import harness.run")
