"""Help: what there is in four groups, and each command at 80 columns."""

import re

import click
import pytest

from harness.cli.commands import COMMANDS, GROUPS
from harness.cli.main import main

COLUMNS = 80


def every_command(command=main, path=()):
    """Every command with its path; groups too."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from every_command(command.get_command(context, name), (*path, name))


def sections(text):
    """The lines of each indented section of a help page by its heading."""
    found = re.findall(r"^(\w+):\n((?:  .*\n)+)", text, flags=re.MULTILINE)
    return {title: lines.splitlines() for title, lines in found}


def test_help_lists_every_command_in_one_line_of_its_group(invoke):
    found = sections(invoke("--help").stdout)
    assert [title for title in found if title != "Options"] == list(GROUPS)
    for title in GROUPS:
        expected = [
            (name, command.help) for name, command in COMMANDS.items() if command.group == title
        ]
        assert [tuple(line.split(maxsplit=1)) for line in found[title]] == expected
        assert len(expected) > 5


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_a_command_is_the_first_of_its_own_help(name):
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name
    assert (command.help or "").splitlines()[0] == f"{COMMANDS[name].help}."


def test_a_list_of_commands_in_a_group_is_not_cut_off(invoke):
    groups = [
        path for path, command in every_command() if path and isinstance(command, click.Group)
    ]
    assert len(groups) > 4
    for path in groups:
        for line in sections(invoke(*path, "--help").stdout)["Commands"]:
            assert not line.endswith("..."), line
            assert line.endswith("."), f"in two lines: {line}"


@pytest.mark.parametrize(("path", "command"), list(every_command()), ids=str)
def test_a_help_page_is_read_at_80_columns(path, command, invoke):
    result = invoke(*path, "--help")
    assert result.exit_code == 0
    assert [line for line in result.stdout.splitlines() if len(line) > COLUMNS] == []
    for option in command.params:
        if isinstance(option, click.Option) and "--format" not in option.opts:
            assert option.help or option.hidden, f"{option.opts[0]} says nothing of itself"
