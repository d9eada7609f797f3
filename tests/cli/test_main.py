"""What all commands have in common: help, options, how fast they answer."""

import subprocess
import sys

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
    assert len(more) < 73, "71 modules, 44 of them ours, are little more than click alone"
    assert not {name for name in more if name.startswith("harness.models")}


def options(command, path=""):
    """Every command with its options: name and the spellings of each."""
    yield path, {spelling: option for option in command.params for spelling in option.opts}
    for name, child in getattr(command, "commands", {}).items():
        yield from options(child, f"{path} {name}".strip())


@pytest.mark.parametrize(("name", "spelt"), list(options(main)))
def test_a_flag_means_the_same_in_every_command(name, spelt):
    for word, meaning in (("--root", "root"), ("--data-root", "root"), ("--results", "results")):
        if word in spelt and not spelt[word].hidden:
            assert spelt[word].name == meaning, name
    if "--root" in spelt and not spelt["--root"].hidden:
        assert "--data-root" in spelt
        assert spelt["--root"].envvar == "HARNESS_DATA"


@pytest.mark.parametrize("command", ["tables", "records", "ui", "figures"])
def test_the_old_name_of_the_results_root_is_refused_with_the_new_one(command, invoke):
    result = invoke(command, "--root", "somewhere")
    assert result.exit_code == 2
    assert "the results root is --results" in result.stderr


@pytest.mark.parametrize("spelling", ["--data-root", "--root"])
def test_both_spellings_of_the_data_root_are_read(spelling, invoke, tiny_root):
    result = invoke("eval", "bicubic", "--scale", 2, "--data", "own", spelling, tiny_root)
    assert result.exit_code == 0, result.output
    assert "own " in result.stdout
