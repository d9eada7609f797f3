"""Every option of every command is in a test, which runs that command with it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

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


def _words(node: ast.AST) -> Iterator[str]:
    """The words of all texts in a piece of code, and the names that it refers to."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield from part.value.split()
        elif isinstance(part, ast.Name):
            yield f"name {part.id}"
        elif isinstance(part, ast.arg):  # a fixture of the same file
            yield f"name {part.arg}"


def used_in(text):
    """Yield, for each test of a file, the words of what it invokes; no docstring counts."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(
            node
        ):
            del node.body[0]
    named: dict[str, set[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            named[node.name] = set(_words(node))
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id.isupper():
                    named[target.id] = set(_words(node.value))
    for name, words in named.items():
        if name.startswith("test_"):
            yield words.union(*(more for other, more in named.items() if f"name {other}" in words))


@cache
def tests():
    files = [path for path in TESTS.rglob("test_*.py") if path != Path(__file__)]
    return [words for path in files for words in used_in(path.read_text("utf-8"))]


@pytest.mark.parametrize(("path", "spellings"), list(options()), ids=lambda one: " ".join(one))
def test_an_option_is_in_a_test_of_its_command(path, spellings):
    wanted = set(path)
    assert any(wanted <= words and words & set(spellings) for words in tests()), (
        f"no test runs harness {' '.join(path)} with {spellings[0]}"
    )


def test_an_option_that_no_test_uses_is_missed():
    text = (
        'ALL = ["--used"]\n\n\ndef helper(invoke):\n    return invoke("eval", "--helped")\n\n\n'
        'def test_it(invoke):\n    """Not by "--said" alone."""\n    helper(invoke)\n'
        '    invoke("eval", *ALL)\n\n\ndef test_other(invoke):\n    invoke("flops", "--other")\n'
    )
    first, other = used_in(text)
    assert {"eval", "--used", "--helped"} <= first
    assert not first & {"--said", '"--said"', "--other", "flops"}
    assert "--used" not in other
