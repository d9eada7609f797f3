"""Tables of records of several machines: joined when asked, and none left of another grouping."""

import json
import shutil
from pathlib import Path

import pytest

from harness.records import conditions, record
from harness.records.record import Record

ENDINGS = ("csv", "md", "tex")


def in_other_threads(root, number):
    """Add what another machine, with other threads, would have recorded of seed 1."""
    for path in record.files(root):
        raw = json.loads(path.read_text())
        if not raw["group"]:
            continue
        raw |= {"id": raw["id"].replace("-s0-", "-s1-"), "seed": 1}
        raw["config"]["threads"] = number
        made = Record.from_json(json.dumps(raw), source="made")
        raw["group"] = conditions.group(conditions.of_record(made) or {})
        record.write(root, Record.from_json(json.dumps(raw), source="made"))


def tables(root):
    return {path.name for path in (root / "reports").iterdir()}


@pytest.fixture
def run_twice(tiny, tmp_path, invoke):
    """The tiny ablation, run with one thread, and as if with four."""
    assert invoke("run", *tiny).exit_code == 0
    assert tables(tmp_path) == {f"{stem(tmp_path)}.{ending}" for ending in ENDINGS}
    in_other_threads(tmp_path, 4)
    return tmp_path


def stem(root):
    """The name of its one table."""
    (path,) = (root / "reports").glob("tiny_x2_own_6steps*.md")
    return path.stem


def test_a_grouping_leaves_no_table_of_another_beside_its_own(run_twice, invoke):
    words = ("tables", run_twice / "tiny.yaml", "--results", run_twice)
    reports = run_twice / "reports"
    own = stem(run_twice)
    theirs = ("notes.md", f"{own}_draft.md", own.replace("6steps", "7steps") + ".md")
    for name in theirs:
        (reports / name).write_text("mine")
    assert invoke(*words).exit_code == 0
    groups = {one.group for one in record.load_all(run_twice) if one.group}
    assert len(groups) == 2
    apart = {f"{own}_{group[:6]}.{end}" for group in groups for end in ENDINGS}
    assert tables(run_twice) == apart | {*theirs}
    (reports / f"{own}_published.md").write_text("of an ablation that chose published rows")
    joined = invoke(*words, "--merge-threads")
    assert {Path(line).name for line in joined.stdout.split()} == {
        f"{own}.{ending}" for ending in ENDINGS
    }
    assert tables(run_twice) == {f"{own}.{end}" for end in ENDINGS} | {*theirs}
    assert all((reports / name).read_text() == "mine" for name in theirs)
    text = (reports / f"{own}.md").read_text()
    assert "CPU threads: 1 (plain seed 0; basic seed 0), 4 (plain seed 1; basic seed 1)" in text
    assert "Seeds: 0, 1." in text
    invoke(*words)
    assert tables(run_twice) == apart | {*theirs}


def test_run_tabulates_together_when_asked(run_twice, tiny, invoke):
    own = stem(run_twice)
    assert invoke("run", *tiny, "--merge-threads").exit_code == 0
    text = (run_twice / "reports" / f"{own}.md").read_text()
    assert "--merge-threads" in text


def test_tables_of_other_results_stay(run_twice, tmp_path_factory, tiny, invoke):
    """Where only the base row is left there is no new table, and the old one is not removed."""
    root = tmp_path_factory.mktemp("less")
    shutil.copytree(run_twice / "results", root / "results")
    shutil.copytree(run_twice / "reports", root / "reports")
    for path in record.files(root):
        if json.loads(path.read_text())["overrides"].get("unit") == "basic":
            path.unlink()
    before = tables(root)
    assert invoke("tables", run_twice / "tiny.yaml", "--results", root).exit_code == 1
    assert tables(root) == before
