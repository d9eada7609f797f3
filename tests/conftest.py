"""Fixtures and markers for all tests."""

import os
from pathlib import Path

import pytest

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
            item.add_marker(pytest.mark.skip(reason="slow: run with -m slow"))


@pytest.fixture(scope="session")
def data_root():
    return Path(_DATA or "")


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
