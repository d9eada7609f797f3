"""What all commands have in common: help, options, how fast they answer."""

import re
import subprocess
import sys

import click
import pytest

import harness
from harness.cli.commands import COMMANDS
from harness.cli.main import main


def test_version(invoke):
    assert invoke("--version").output == f"harness, version {harness.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_shows_an_example(command, invoke):
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert f"Example: harness {command}" in result.output


def test_unknown_command_names_the_nearest(invoke):
    result = invoke("tabels")
    assert result.exit_code == 2
    assert "there is no command 'tabels' (did you mean 'tables'?)" in result.stderr


def loaded(code):
    """The modules that are loaded after some code ran in a process of its own."""
    script = f"import sys\n{code}\nprint('loaded:', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.rpartition("loaded: ")[2].split())


def test_help_loads_click_and_the_command_line_alone():
    plain = loaded("import click, dataclasses, datetime, json, logging")
    with_help = loaded("from harness.cli.main import main\nmain(['-h'], standalone_mode=False)")
    more = with_help - plain
    foreign = {name.partition(".")[0] for name in more} - sys.stdlib_module_names
    assert foreign <= {"click", "harness"}
    assert len(more) < 40, "a list of commands is to load none of them"
    assert not {name for name in more if name.startswith("harness.models")}


def options(command, path=""):
    """Every command with its options: name and the spellings of each."""
    yield (
        path,
        {
            spelling: option
            for option in command.params
            if isinstance(option, click.Option)
            for spelling in option.opts
        },
    )
    context = click.Context(command)
    for name in command.list_commands(context) if isinstance(command, click.Group) else ():
        yield from options(command.get_command(context, name), f"{path} {name}".strip())


MEANINGS = {
    "--data-root": {"root"},
    "--results": {"results"},
    "--scale": {"scale", "scales"},
    "--device": {"device"},
    "--data": {"sets", "test", "data", "set_name"},
    "--key": {"key"},
    "--lr": {"lr"},
    "--protocol": {"protocol"},
    "--precision": {"precision"},
}
HELD_BY_ITSELF = {("eval", "--results"), ("data prepare", "--scale")}
"""Where storing is what the option asks for, and where no scale can be wanted."""


@pytest.mark.parametrize(("name", "spelt"), list(options(main)))
def test_a_flag_means_the_same_in_every_command(name, spelt):
    for word, meanings in MEANINGS.items():
        if word in spelt and not spelt[word].hidden:
            assert spelt[word].name in meanings, name
    if "--data-root" in spelt:
        assert spelt["--data-root"].envvar == "HARNESS_DATA"
    for word in ("--data-root", "--results", "--device", "--key", "--lr", "--protocol"):
        if word in spelt and (name, word) not in HELD_BY_ITSELF:
            assert spelt[word].help == ALL[word], f"{name} {word}"
    if "--scale" in spelt and (name, "--scale") not in HELD_BY_ITSELF:
        assert spelt["--scale"].multiple, name


ALL = {
    word: option.help
    for name, spelt in options(main)
    if name in ("compare", "gate")
    for word, option in spelt.items()
}


RENAMED = [
    (name, word) for name, spelt in options(main) for word, option in spelt.items() if option.hidden
]


def test_the_old_spellings_are_known():
    assert {word for _, word in RENAMED} == {"--root", "--dtype", "--set", "--cell-timeout"}
    assert len(RENAMED) > 20


@pytest.mark.parametrize(("command", "word"), RENAMED)
def test_an_old_spelling_is_refused_with_the_new_one(command, word, invoke):
    result = invoke(*command.split(), word, "somewhere")
    assert result.exit_code == 2
    _, _, said = result.stderr.partition(f"Error: {word}: ")
    new = re.findall(r"--[a-z-]+", said)[-1]
    spelt = dict(options(main))[command]
    assert new in spelt
    assert not spelt[new].hidden


def test_sets_without_an_option_are_refused_with_it(invoke):
    result = invoke("eval", "bicubic", "Set5", "--scale", "2")
    assert result.exit_code == 2
    assert "'Set5': test sets are named by --data" in result.stderr


@pytest.mark.parametrize("command", ["tables", "figures", "records", "report", "track --replay"])
def test_a_results_root_that_is_not_there_is_refused_and_not_made(
    command, invoke, tmp_path, monkeypatch
):
    """Else a slip of the pen leaves tables of the paper alone, in a folder of that name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    result = invoke(*command.split(), "--results", "resluts")
    assert result.exit_code == 2
    assert "'resluts' (did you mean 'results'?)" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_weights_that_are_not_there_are_answered_with_the_nearest_file(invoke, tmp_path):
    (tmp_path / "IMDN_x2.pth").touch()
    wrong = tmp_path / "IMDN_x3.pth"
    result = invoke("eval", "imdn", "--scale", "2", "--checkpoint", str(wrong), "--data", "sample")
    assert result.exit_code == 2
    assert f"'{wrong}' (did you mean 'IMDN_x2.pth'?)" in result.stderr
