"""The examples in docstrings give what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHOWN = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in ("harness", "harness/models")  # the networks come through their link
    for path in sorted((ROOT / folder).rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


def test_some_modules_have_examples():
    assert len(SHOWN) > 5


@pytest.mark.parametrize("name", SHOWN)
def test_examples_give_what_they_show(name, capsys):
    result = doctest.testmod(import_module(name))
    assert result.failed == 0, capsys.readouterr().out
    assert result.attempted > 0
