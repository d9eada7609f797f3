"""The end of a run names commands, and these run as they are printed."""

import shlex

import pytest

from harness.records.record import load_all


def printed(result):
    """The commands that a run ends with, a line each, as words."""
    assert result.exit_code == 0, result.output
    lines = [line.strip() for line in result.stdout.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("harness ")]


@pytest.fixture
def asked(tiny, tmp_path, monkeypatch):
    """Arguments of a run whose results root has a space in its name, from a folder of its own."""
    monkeypatch.chdir(tmp_path)
    kept = [one for one in tiny if not one.startswith(("results.root", "ablation"))]
    return ["run", "ablation=tiny.yaml", "results.root=a b", *kept]


def test_what_is_printed_can_be_run(asked, tmp_path, invoke):
    commands = printed(invoke(*asked))
    assert [words[0] for words in commands] == ["report", "compare", "plan"]
    assert all(words[-2:] == ["--results", "a b"] for words in commands)
    for words in commands:
        result = invoke(*words, *(("--no-images",) if words[0] == "report" else ()))
        assert result.exit_code == 0, (words, result.output)
    assert (tmp_path / "report.html").is_file()
    assert commands[1][1:3] == ["plain", "basic"]


def test_names_are_of_this_very_run_and_seeds_are_enough(asked, tmp_path, invoke):
    """Another budget is stored, too, and a label has a comma, which joins names elsewhere."""
    text = (tmp_path / "tiny.yaml").read_text()
    (tmp_path / "tiny.yaml").write_text(text.replace("label: basic", "label: 'its, own'"))
    invoke(*asked, "train.steps=5")
    commands = printed(invoke(*asked, "seeds=0,1"))
    assert [words[0] for words in commands] == ["report", "compare"]
    compared = invoke(*commands[1], "--format", "json")
    assert compared.exit_code == 0, compared.output
    (base, row) = commands[1][1:3]
    assert base == "plain@6"
    own = [one.id for one in load_all(tmp_path / "a b") if one.row == "its, own" and one.steps == 6]
    assert sorted(row.split(",")) == sorted(own)
    assert len(own) == 2


def test_nothing_is_said_of_a_plan_of_a_failure_or_where_there_is_no_table(asked, invoke):
    for more, code in ((["--dry-run"], 0), (["rows=plain"], 0), (["train.lr=1e30"], 1)):
        result = invoke(*asked, "train.log_every=1", "train.schedule=cosine", *more)
        assert result.exit_code == code, result.output
        assert ": harness " not in result.stdout
