"""One grammar of scales and of image sets."""

import json

import click
import pytest
from click.testing import CliRunner

from harness.cli.options import SCALE, SCALES
from harness.cli.set_options import SetsCommand, set_option, sets_option
from harness.errors import UsageError


@click.command(cls=SetsCommand)
@click.argument("rows", nargs=-1)
@sets_option("Sets.")
@sets_option("More.", "--report", "report")
@SCALES
def several(**given: object) -> None:
    """Take what is several."""
    click.echo(json.dumps(given))


@click.command(cls=SetsCommand)
@set_option("Set.", "test", default="Set5")
@SCALE
def one(**given: object) -> None:
    """Take what is one."""
    click.echo(json.dumps(given))


def run(command, line):
    result = CliRunner().invoke(command, line.split())
    if isinstance(result.exception, UsageError):
        return str(result.exception)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    "line",
    [
        "A B --data Set5 Set14 --scale 2 --scale 3",
        "A B --data Set5,Set14 --scale 2,3",
        "A B --scale 2,3,2 --data Set5 --data Set14",
        "--scale=2,3 A B --data=Set5 Set14 Set5",
    ],
)
def test_several_are_joined_by_commas_or_repeated(line):
    expected = {"rows": ["A", "B"], "sets": ["Set5", "Set14"], "report": [], "scales": [2, 3]}
    assert run(several, line) == expected


@pytest.mark.parametrize("text", ["Set5,", ",", "Set5,,Set14"])
def test_a_name_that_is_missing_is_told(text):
    expected = "--data: expected names of sets, such as Set5,Set14"
    assert run(several, f"--data {text}") == run(one, f"--data {text}") == expected


def test_each_option_of_sets_takes_its_own():
    found = run(several, "A --data Set5 Set14 --report B100 Urban100 --data Manga109 -- B --x")
    assert found["sets"] == ["Set5", "Set14", "Manga109"]
    assert found["report"] == ["B100", "Urban100"]
    assert found["rows"] == ["A", "B", "--x"]


def test_a_folder_may_have_a_comma_in_its_name(tmp_path):
    (tmp_path / "a,b").mkdir()
    assert run(several, f"--data {tmp_path}/a,b Set5")["sets"] == [f"{tmp_path}/a,b", "Set5"]


def test_one_is_one():
    assert run(one, "") == {"test": "Set5", "scale": None}
    assert run(one, "--data Set14 --scale 4") == {"test": "Set14", "scale": 4}
    assert run(one, "--scale 4,4 --scale 4")["scale"] == 4
    assert run(one, "--scale 2,4") == "--scale 2,4: expected one upscaling factor here"
    assert "--data A B: expected one set here" in run(one, "--data A B")
    assert "--data A B: expected one set here" in run(one, "--data A,B")


@pytest.mark.parametrize("text", ["0", "100", "-2", "2.0", "x2", "2,", "2;3", "", "\u0662"])
def test_a_scale_is_a_whole_number(text):
    for command in (one, several):
        result = CliRunner().invoke(command, ["--scale", text])
        assert isinstance(result.exception, UsageError)
        assert "expected whole numbers from 1 to 99" in str(result.exception)


@pytest.mark.parametrize(
    "command",
    ["eval bicubic", "compare a b", "gate a b", "prune awsrn_s -o p.safetensors", "upscale a.png"],
)
def test_a_command_for_one_scale_says_so(command, invoke):
    result = invoke(*command.split(), "--scale", "2,3")
    assert result.exit_code == 2
    assert "--scale 2,3: expected one upscaling factor here" in result.stderr


def test_counts_at_several_scales_are_the_same_however_they_are_named(invoke):
    first, *others = (
        invoke("flops", "espcn", *words, "--format", "json").stdout
        for words in (("--scale", "2,3"), ("--scale", "2", "--scale", "3"))
    )
    assert [row["scale"] for row in json.loads(first)] == [2, 3]
    assert others == [first]


def test_an_argument_behind_the_sets_is_told_where_it_stands(invoke):
    swallowed = invoke("eval", "--data", "Set5", "awsrn_s", "--scale", "2")
    assert swallowed.exit_code == 2
    assert "'awsrn_s' is taken for a set: arguments stand before --data" in swallowed.stderr
    assert "taken for" not in invoke("eval", "--data", "Set5", "--scale", "2").stderr
    weights = ("protocol", "--checkpoints", ".", "--data", "Set5", "imdn_x2.pth")
    assert "imdn_x2.pth: that is a FILE, and these stand before" in invoke(*weights).stderr
