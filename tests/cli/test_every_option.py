"""Every option of every command is in a test, which runs that command with it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from harness.cli.commands import COMMANDS
from harness.cli.main import main

TESTS = Path(__file__).parents[1]


def commands(command=main, path=()):
    """Every command by its path, such as ``("data", "list")``."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from commands(child, (*path, name))


def options():
    """Every option that help shows, with the path of its command."""
    for path, command in commands():
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                yield path, (*option.opts, *option.secondary_opts)


def _is_line(node: ast.AST) -> bool:
    """Whether a text is a whole command line, which stands for itself in a table of them."""
    part = node.values[0] if isinstance(node, ast.JoinedStr) else node
    if not (isinstance(part, ast.Constant) and isinstance(part.value, str)):
        return False
    return part.value.partition(" ")[0] in COMMANDS and "--" in ast.unparse(node)


def _words(node: ast.AST, *, lines: bool = False) -> Iterator[str]:
    """The words of all texts in a piece of code, and the names that it refers to."""
    for part in ast.iter_child_nodes(node):
        if lines or not _is_line(part):
            yield from _words(part, lines=lines)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from node.value.split()
    elif isinstance(node, ast.Name):
        yield f"name {node.id}"
    elif isinstance(node, ast.arg):  # a fixture of the same file
        yield f"name {node.arg}"


def used_in(text):
    """Yield, for each test of a file, the words of what it invokes; no docstring counts."""
    tree = ast.parse(text)
    documented = ast.Module | ast.FunctionDef | ast.ClassDef
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node):
            del node.body[0]
    named: dict[str, set[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            named[node.name] = set(_words(node))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("harness.cli."):
            named |= {alias.name: {alias.name} for alias in node.names}  # the command itself
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id.isupper():
                    named[target.id] = set(_words(node.value))
    nodes = [*ast.walk(tree)]
    parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    whole = [node for node in nodes if id(node) not in parts and _is_line(node)]
    lines = [set(_words(node, lines=True)) for node in whole]
    for start in [{f"name {name}"} for name in named if name.startswith("test_")] + lines:
        yield _with_helpers(start, named)


def _with_helpers(words, named):
    """Words, and those of the helpers, fixtures and constants that they come to use."""
    reached: set[str] = set()
    while more := {name for name in named if f"name {name}" in words} - reached:
        reached |= more
        words = words.union(*(named[name] for name in more))
    return words


@cache
def used():
    files = [path for path in TESTS.rglob("test_*.py") if path != Path(__file__)]
    texts = [path.read_text("utf-8") for path in files]
    return [words for text in texts if "--" in text for words in used_in(text)]


@pytest.mark.parametrize(("path", "spellings"), list(options()), ids=lambda one: " ".join(one))
def test_an_option_is_in_a_test_of_its_command(path, spellings):
    wanted = set(path)
    assert any(wanted <= words and words & set(spellings) for words in used()), (
        f"no test runs harness {' '.join(path)} with {spellings[0]}"
    )


EXAMPLE = '''
ALL = ["--used"]
REST = "--resting"

def helper(invoke):
    return invoke("eval", "--helped")

def test_it(invoke):
    """Not by --said alone."""
    helper(invoke)
    invoke("eval", *ALL)

@parametrize("line", ["bench --first", f"flops --second {REST}"])
def test_other(invoke, line):
    invoke(line, "--other")
'''


def test_an_option_that_no_test_uses_is_missed():
    first, other, *lines = used_in(EXAMPLE)
    assert {"eval", "--used", "--helped"} <= first
    assert not first & {"--said", "--other", "flops"}
    assert "--other" in other
    assert not other & {"--used", "bench", "--first", "--second"}
    assert [words & {"bench", "flops", "--first", "--second", "--resting"} for words in lines] == [
        {"bench", "--first"},
        {"flops", "--second", "--resting"},
    ]
