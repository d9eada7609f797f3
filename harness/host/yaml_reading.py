"""The one way in for YAML: plain values with their lines, held to a declaration as JSON is.

YAML 1.1 reads ``010`` as 8, ``1:30`` as 90 and ``no`` as false. Numbers of such forms are
refused, and a word that became a truth value is named where text was expected. Keys are always
text; dates are text; ``1e-3`` is a number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import yaml

from harness.host.problems import FormatError, Place, Problem, shown
from harness.host.reading import LARGEST, finite, typed, whole

T = TypeVar("T")

_TAG = "tag:yaml.org,2002:"
_MOST_NODES = 20_000
"""Values of one file, those that aliases repeat included; more are no file of ours."""

_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\Z")


class _YamlLoader(yaml.SafeLoader):
    """PyYAML's rules for plain words, without dates and with ``1e-3`` as a number."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own name and form
        first: [rule for rule in rules if rule[0] != f"{_TAG}timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_YamlLoader.add_implicit_resolver(
    f"{_TAG}float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+\Z"), list("-+0123456789")
)


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where a value stands, and its text where it is a word without quotes."""

    line: int
    word: str = ""


@dataclass(slots=True)
class _Content:
    """What a file holds: its values, their places, and what is wrong with them."""

    marks: dict[Place, _Mark] = field(default_factory=dict)
    problems: dict[Place, Problem] = field(default_factory=dict)
    nodes: int = 0

    def problem(self, place: Place, text: str, node: yaml.Node) -> None:
        """Note what is wrong at a place, unless something is already."""
        self.problems.setdefault(place, Problem(place, text, node.start_mark.line + 1))

    def add(self, problem: Problem) -> None:
        """Note what the declaration refuses, with its line, unless its place is noted already."""
        place, nearest = problem.place, problem.place
        while nearest not in self.marks and nearest:
            nearest = nearest[:-1]
        mark = self.marks.get(nearest, _Mark(1))
        text = problem.text
        if problem.wanted:  # a single value that stands for a list has no place in one
            place = nearest
        if problem.wanted == "text" and mark.word:
            meant = "" if problem.value == mark.word else f", which YAML reads as {problem.value}"
            text = f'expected text, not {mark.word}{meant}: put it in quotes ("{mark.word}")'
        line = problem.line or mark.line
        self.problems.setdefault(place, replace(problem, place=place, text=text, line=line))

    def value(self, node: yaml.Node, place: Place, around: tuple[yaml.Node, ...]) -> object:
        """Return a node as plain values."""
        self.nodes += 1
        line = node.start_mark.line + 1
        if self.nodes > _MOST_NODES or node in around:
            raise FormatError(Problem((), "its aliases make it endless, or much too large", line))
        self.marks[place] = _Mark(line)
        if isinstance(node, yaml.ScalarNode):
            self.marks[place] = _Mark(line, "" if node.style else node.value)
            return self.scalar(node, place)
        inner = (*around, node)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*place, n), inner) for n, item in enumerate(node.value)]
        return self.mapping(node, place, inner)

    def mapping(
        self, node: yaml.Node, place: Place, around: tuple[yaml.Node, ...]
    ) -> dict[str, object]:
        """Return a mapping, merged keys (``<<``) below its own."""
        merged: dict[str, object] = {}
        own: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.problem(place, "expected a word as key", key_node)
                continue
            key = str(key_node.value)
            if key_node.tag == f"{_TAG}merge":
                for value in _listed(self.value(value_node, (*place, key), around)):
                    merged = (value if isinstance(value, dict) else {}) | merged
                continue
            if key in own:
                first = self.marks[*place, key].line
                self.problem((*place, key), f"stands twice, first in line {first}", key_node)
                continue
            own[key] = self.value(value_node, (*place, key), around)
            mark = self.marks[*place, key]
            self.marks[*place, key] = replace(mark, line=key_node.start_mark.line + 1)
        return merged | own

    def scalar(self, node: yaml.ScalarNode, place: Place) -> object:
        """Return a scalar; one that YAML reads in a surprising way is a problem."""
        text, kind = node.value, node.tag.removeprefix(_TAG)
        if kind in ("str", "value"):
            return text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in ("true", "yes", "on")
        try:
            if kind == "int" and _WHOLE.match(text):
                return whole(text)
            if kind == "float" and _NUMBER.match(text):
                return finite(text)
            if kind == "float" and text.lower().lstrip("+-") in (".inf", ".nan"):
                finite(text.replace(".", ""))
        except FormatError as error:
            self.problem(place, error.problems[0].text, node)
            return 0
        if kind in ("int", "float"):
            self.problem(place, _surprise(kind, text), node)
            return 0
        self.problem(place, f"the tag {node.tag.replace(_TAG, '!!')} is not used here", node)
        return None


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _surprise(kind: str, text: str) -> str:
    """Return what YAML makes of a number of an old form, and how to write what is meant."""
    try:
        meant = yaml.safe_load(f"!!{kind} {text}")
    except (yaml.YAMLError, ValueError, IndexError):  # the last for a sign, or _, alone
        meant = None
    if not isinstance(meant, int | float) or abs(meant) > LARGEST:
        return f"{shown(text)} is no number"
    return f'YAML reads {text} as {meant}: write {meant}, or "{text}" where text is meant'


def from_yaml(
    kind: type[T], text: str, *, also: Callable[[object], Iterable[Problem]] | None = None
) -> T:
    """Return YAML text as a value of a declared type.

    Args:
        kind: The declared type.
        text: YAML.
        also: What else is wrong with the plain values, which need not be of the type.

    Raises:
        FormatError: It is not YAML, or does not hold what the type says; every problem is
            listed once, with its line.
    """
    content = _Content()
    value = None
    try:
        node = yaml.compose(text, Loader=_YamlLoader)
        raw = content.value(node, (), ()) if node is not None else None
        for problem in also(raw) if also else ():
            content.add(problem)
        value = typed(kind, json.dumps(raw))
    except RecursionError:
        raise FormatError(Problem((), "is nested too deeply")) from None
    except yaml.YAMLError as error:
        raise FormatError(_unreadable(error)) from None
    except FormatError as error:
        for problem in error.problems:
            content.add(problem)
    if content.problems or value is None:
        by_line = sorted(content.problems.values(), key=lambda problem: problem.line or 0)
        raise FormatError(*by_line)
    return value


def _unreadable(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    text = getattr(error, "problem", None) or " ".join(str(error).split())
    return Problem((), f"is not readable as YAML: {text}", mark.line + 1 if mark else None)
