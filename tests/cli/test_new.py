"""What `harness new` writes: in form, of the size that its own test says, fit for a plan."""

import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from harness.config import ablation
from harness.weights import networks

ROOT = Path(__file__).parents[2]
LONGEST = "ABlockWithTheLongestNameOfAll1"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Outcomes:
    """Counts how the tests of a folder end, run in this process."""

    def __init__(self, folder):
        self.counted: Counter[str] = Counter()
        plain = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--import-mode=importlib")
        pytest.main([*plain, "--rootdir", str(folder), str(folder)], plugins=[self])

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.failed:
            self.counted[report.outcome] += 1


def own_rules(folder):
    """The project's own rules of form, where the files are those of another project."""
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    names = ", ".join(f'"{name}"' for name in lint["select"])
    path = folder / "strict.toml"
    path.write_text(
        f"line-length = 100\nlint.select = [{names}]\nlint.pydocstyle.convention = 'google'\n"
        "lint.per-file-ignores = {'test_*' = ['ANN', 'D']}\n"
    )
    return path


@pytest.mark.parametrize("name", ["GatedRU", LONGEST])
def test_what_is_written_is_in_form(name, folder, invoke):
    """By ruff's rules as they come, and by the project's, whatever the length of the name."""
    for kind in ("unit", "network"):
        (folder / kind).mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder / kind)
            assert invoke("new", kind, name).exit_code == 0
    strict = own_rules(folder)
    for words in (
        ("check", "--isolated", "."),
        ("check", "--config", strict, "."),
        ("format", "--check", "--isolated", "."),
        ("format", "--check", "--config", strict, "."),
    ):
        command = [sys.executable, "-m", "ruff", *map(str, words), "--no-cache"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_its_own_tests_pass(folder, invoke):
    """They count by hand; of the whole network, the public baseline's count is known."""
    assert invoke("new", "unit", "GatedRU").exit_code == 0
    assert invoke("new", "network", "MyNet").exit_code == 0
    assert Outcomes(folder).counted == {"passed": 7}
    network = networks.build("wdsr_basic", scale=2, overrides={"unit": "gated_ru.py:GatedRU"})
    assert sum(value.numel() for value in network.parameters()) == 1_190_100 + 16 * 32


def test_its_tests_fail_where_the_size_is_another(folder, invoke):
    assert invoke("new", "network", "Deeper").exit_code == 0
    path = folder / "deeper.py"
    path.write_text(path.read_text().replace("num_blocks: int = 8", "num_blocks: int = 9"))
    assert Outcomes(folder).counted == {"failed": 3, "passed": 1}


def test_its_ablation_is_one_and_what_comes_next_is_said(folder, invoke):
    said = invoke("new", "unit", "GatedRU").stdout
    rows = ablation.load("gated_ru.yaml").rows
    assert [(row.label, row.model) for row in rows] == [
        ("Basic RU", "wdsr_basic"),
        ("AWRU", "wdsr_awru"),
        ("GatedRU", "wdsr_basic"),
    ]
    assert rows[2].overrides == {"unit": "gated_ru.py:GatedRU"}
    for word in ("gated_ru.py", "gated_ru.yaml", "test_gated_ru.py", "flops", "run", "compare"):
        assert word in said
    invoke("new", "network", "MyNet")
    plan = invoke("run", "ablation=my_net.yaml", "profile=smoke", "--dry-run")
    assert plan.exit_code == 0
    head, block, tail = 3 * 32 * 9 + 32, 2 * (32 * 32 * 9 + 32), 32 * 12 * 9 + 12
    assert f" {head + 8 * block + tail:,} " in plan.stdout


@pytest.mark.parametrize("there", ["gated_ru.py", "gated_ru.yaml", "test_gated_ru.py"])
def test_nothing_is_written_over(there, folder, invoke):
    (folder / there).write_text("mine")
    result = invoke("new", "unit", "GatedRU")
    assert result.exit_code == 2
    assert f"already {there}:" in result.stderr
    assert [path.name for path in folder.iterdir()] == [there]
    assert (folder / there).read_text() == "mine"


def test_a_link_to_nowhere_is_not_followed(folder, invoke):
    (folder / "gated_ru.yaml").symlink_to(folder / "elsewhere")
    assert invoke("new", "unit", "GatedRU").exit_code == 2
    assert not (folder / "elsewhere").exists()


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("gated-ru", "GatedRu"),
        ("2net", "Net"),
        ("my unit", "MyUnit"),
        ("class", "Class"),
        ("", "Unit"),
        ("../RU", "RU"),
        ("a" * 31, None),
        ("Tensor", "TensorUnit"),  # the file itself imports it
        ("Random", "RandomUnit"),  # random.py would hide Python's
        ("Torch", "TorchUnit"),
        ("TestNet", "MyUnit"),  # pytest would take test_net.py for tests
        ("Awru", "AwruUnit"),  # its tables would be those of the shipped ablation
    ],
)
def test_a_name_that_cannot_be_used_is_refused_with_one_that_can(name, better, folder, invoke):
    result = invoke("new", "unit", name)
    assert result.exit_code == 2
    assert f"'{name}'" in result.stderr
    assert better is None or f"'{better}'" in result.stderr
    assert [*folder.iterdir()] == []
    suggested = result.stderr.rpartition("such as '")[2].partition("'")[0]
    assert invoke("new", "unit", suggested).exit_code == 0
