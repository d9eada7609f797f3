"""What every command prints: one grammar of formats, files, and text for pipes."""

import csv
import io
import json

import click
import pytest

from harness.cli import output
from harness.cli.main import main
from harness.cli.output import chosen
from harness.errors import UsageError

FORMATS = ["table", "json", "csv", "markdown", "latex"]
TABLES = [
    "bench",
    "checklist",
    "checkpoint inspect",
    "compare",
    "data list",
    "data verify",
    "doctor",
    "eval",
    "flops",
    "gate",
    "list",
    "plan",
    "prune",
    "records",
    "run",
    "settings",
    "status",
    "train",
]


def command(path):
    found: click.Command | None = main
    for name in path.split():
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), name)
    return found


@pytest.mark.parametrize("path", TABLES)
def test_every_command_that_prints_a_table_has_the_formats(path):
    options = {spelling: one for one in command(path).params for spelling in one.opts}
    assert list(options["--format"].type.choices) == FORMATS
    if path != "prune":  # whose -o is the checkpoint
        assert options["-o"].opts == ["-o", "--output"]


@pytest.mark.parametrize(
    ("form", "path", "expected"),
    [
        (None, None, "table"),
        (None, "-", "table"),
        ("csv", "-", "csv"),
        (None, "a.json", "json"),
        (None, "a.CSV", "csv"),
        (None, "a.md", "markdown"),
        (None, "a.tex", "latex"),
        (None, "a.txt", "table"),
        (None, "a", "table"),
        ("json", "a.json", "json"),
        ("csv", "a.dat", "csv"),
    ],
)
def test_the_ending_says_the_format(form, path, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert chosen(form, path).form == expected


@pytest.mark.parametrize(
    ("form", "path", "said"),
    [
        ("json", "a.csv", "contradict"),
        (None, "a.html", ".json, .csv, .md, .tex"),
        (None, "none/a.csv", "there is no folder 'none'"),
        (None, "there", "it is a folder"),
    ],
)
def test_what_cannot_be_written_is_refused(form, path, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError) as error:
        chosen(form, path)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("old", "new"), [("md", "markdown"), ("tex", "latex"), ("text", "table"), ("cvs", "csv")]
)
def test_old_spellings_answer_with_the_new_one(old, new, invoke):
    result = invoke("list", "--format", old)
    assert result.exit_code == 2
    assert f"'{new}'" in result.stderr


def test_every_format_has_every_row(invoke, tmp_path):
    matching = {form: invoke("list", "ahn et al", "--format", form).stdout for form in FORMATS}
    assert {row["id"] for row in json.loads(matching["json"])} == {"carn", "carn_m"}
    rows = list(csv.DictReader(io.StringIO(matching["csv"])))
    assert {row["id"]: row["params_x2"] for row in rows} == {"carn": "964163", "carn_m": "257027"}
    for form in ("table", "markdown", "latex"):
        assert "964,163" in matching[form]
    for ending, form in (
        (".json", "json"),
        (".csv", "csv"),
        (".md", "markdown"),
        (".tex", "latex"),
    ):
        path = tmp_path / f"networks{ending}"
        written = invoke("list", "ahn et al", "-o", path)
        assert written.stdout == ""
        assert path.read_text("utf-8") == matching[form]
    assert invoke("list", "ahn et al", "-o", "-").stdout == matching["table"]


def test_a_pipe_gets_every_column_and_no_escape_code(invoke, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")
    text = invoke("list").stdout
    assert "\x1b" not in text
    assert "params x8" in text
    assert "Not shown" not in text
    assert "stand-in with the published totals, not the authors' network" in text


def test_text_stands_around_tables_for_people_alone():
    assert output.Output("table").for_people
    assert not output.Output("csv").for_people
