"""Fixtures and markers for all tests."""

import os
import signal
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is loaded; subprocesses take it over
    os.environ["OMP_NUM_THREADS"] = "1"

# Ignored where the tests run in the background, and then in every process that they start.
for _number, _usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)

_DATA = os.environ.get("HARNESS_DATA")
_WANTED = ("Set5", "Set14", "B100")


def _missing_data():
    if not _DATA:
        return "HARNESS_DATA is not set"
    missing = [name for name in _WANTED if not Path(_DATA, "benchmark", name, "HR").is_dir()]
    return f"HARNESS_DATA lacks {', '.join(missing)}" if missing else None


def pytest_collection_modifyitems(config, items):
    reason = _missing_data()
    for item in items:
        if reason and item.get_closest_marker("data"):
            item.add_marker(pytest.mark.skip(reason=reason))
        if item.get_closest_marker("slow") and not config.getoption("markexpr"):
            item.add_marker(pytest.mark.skip(reason="slow: run by `nox -s slow` or `protocol`"))


@pytest.fixture(scope="session")
def data_root():
    return Path(_DATA or "")


@pytest.fixture(scope="session")
def public_checkpoints():
    """The folder of public weights; tests that ask for it are skipped where there is none."""
    folder = os.environ.get("HARNESS_CHECKPOINTS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("HARNESS_CHECKPOINTS names no folder of public weights")
    return Path(folder)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """Keep prepared images of the tests out of the user's cache."""
    patch = pytest.MonkeyPatch()
    patch.setenv("HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _no_data_root_unless_asked(monkeypatch, request):
    """Tests behave alike wherever they run: only those marked `data` see the real images."""
    if not request.node.get_closest_marker("data"):
        monkeypatch.delenv("HARNESS_DATA", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


TINY_ROWS = """
name: tiny
title: Tiny networks
benchmarks: [own]
rows:
  - {label: plain, model: awsrn_s, with: {num_units: 1, channels: 4, inner_channels: 8}}
  - label: basic
    model: awsrn_s
    with: {num_units: 1, channels: 4, inner_channels: 8, unit: basic}
config:
  data.train: own
  train.steps: 6
  train.batch: 2
  train.patch: 8
  train.schedule: onecycle
  train.log_every: 2
  train.checkpoint_every: 2
"""


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory):
    """A data root with a small training set and a small test set, both called `own`."""
    from PIL import Image
    from skimage.data import astronaut

    root = tmp_path_factory.mktemp("data")
    for folder, corners in (("train/own", (0, 100, 200)), ("benchmark/own/HR", (150, 250))):
        (root / folder).mkdir(parents=True)
        for corner in corners:
            pixels = astronaut()[corner : corner + 41, corner : corner + 52]
            Image.fromarray(pixels).save(root / folder / f"at{corner}.png")
    return root


@pytest.fixture
def tiny(tmp_path, tiny_root):
    """Arguments that run the tiny ablation below `tmp_path`, logging nothing to MLflow."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY_ROWS)
    return [
        f"ablation={path}",
        f"data.root={tiny_root}",
        f"results.root={tmp_path}",
        "profile=smoke",
        "data.test=own",
        "data.train=own",
        "train.steps=6",
        "train.batch=2",
        "train.patch=8",
        "train.checkpoint_every=2",
        "train.eval_every=0",
        "tracking.mlflow=false",
        "threads=1",
    ]


@pytest.fixture
def invoke():
    """Run the command line in this process; returns click's result."""
    from click.testing import CliRunner

    from harness.cli.main import main

    return lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])
