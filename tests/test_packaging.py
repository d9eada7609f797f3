"""The wheel: complete, and working from any folder."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_ships_networks_ablations_and_published_numbers(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in ROOT.glob("ablations/*.yaml"):
        assert f"harness/_bundled/ablations/{path.name}" in names
    assert "harness/_bundled/efficiency/counts.json" in names
    for path in ROOT.glob("results/published/*"):
        assert f"harness/_bundled/published/{path.name}" in names
    for path in ROOT.glob("results/pretrained/*"):
        assert f"harness/_bundled/pretrained/{path.name}" in names
    assert {"harness/data/fetch/sets.json", "harness/data/fetch/pins.csv"} <= names
    for path in ROOT.glob("harness/cli/templates/*"):
        assert f"harness/cli/templates/{path.name}" in names
    assets = [*ROOT.glob("harness/reports/page/assets/*")]
    assert {path.suffix for path in assets} == {".html", ".css", ".js"}
    assert names >= {f"harness/reports/page/assets/{path.name}" for path in assets}
    assert {"harness/py.typed", "harness/models/registry.py"} <= names
    top = {name.partition("/")[0] for name in names}
    assert top == {"harness", next(name for name in top if name.endswith("dist-info"))}


def test_installed_wheel_works_from_any_folder(wheel, tmp_path):
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    script = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "import harness; assert harness.__file__.startswith(sys.path[0])\n"
        "from harness.config import ablation\n"
        "from harness.data.fetch import registry\n"
        "from harness.records import published\n"
        "from harness.reports.tables import efficiency\n"
        "from harness.weights import pretrained\n"
        "print(ablation.load('awru').name, len(published.load(1)))\n"
        "print(len(efficiency.build().rows))\n"
        "print(pretrained.find('awsrn_s', 2).name)\n"
        "print(registry.known()['T291'].images)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.split() == ["awru", "6", "59", "awsrn_s_x2.safetensors", "291"]
