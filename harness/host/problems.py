"""What is wrong with a stored text, in the user's words: place, value, what was expected."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from harness.errors import suggest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Place = tuple[str | int, ...]
"""Keys and indices from the top of a file to a value in it."""

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place of a file.

    Attributes:
        place: Where, from the top of the file; empty for the whole.
        text: What is wrong, in the user's words.
        line: The line, from 1; None where nobody counted.
        wanted: The kind of value that was expected, such as ``text``; empty for another problem.
        value: What stands there instead, as :func:`shown`.
    """

    place: Place
    text: str
    line: int | None = None
    wanted: str = ""
    value: str = ""

    def __str__(self) -> str:
        """Return place and problem, such as ``scores[0].psnr_db: expected a number``."""
        where = named(self.place)
        return f"{where}: {self.text}" if where else self.text


class FormatError(ValueError):
    """A text does not hold what it should; all problems at once."""

    def __init__(self, *problems: Problem) -> None:
        """Take the problems in their order; the message has the first ones."""
        self.problems = problems
        left = len(problems) - _SHOWN
        shown = "; ".join(str(problem) for problem in problems[:_SHOWN])
        super().__init__(f"{shown}; and {left} more" if left > 0 else shown)


def named(place: Place) -> str:
    """Return a place as it is written, such as ``scores[0].psnr_db``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return "".join(steps).removeprefix(".")


def shown(value: object) -> str:
    """Return a value as it stands in a file, a long or compound one only by its kind."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "keys and values"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


_WANTED = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "finite": "a number",
    "string": "text",
    "bool": "true or false",
    "tuple": "a list",
    "dict": "keys and values",
    "dataclass": "keys and values",
}


def translated(kind: Any, detail: ErrorDetails) -> Problem:
    """Return a pydantic error in our words: the only place that knows its names of errors."""
    place, value = tuple(detail["loc"]), detail["input"]
    fault, context = detail["type"], detail.get("ctx", {})
    if fault == "missing":
        doc = _meaning(_inside(kind, place[:-1]), str(place[-1]))
        return Problem(place, f"missing ({doc})" if doc else "missing")
    if fault == "unexpected_keyword_argument":
        hint = suggest(str(place[-1]), _keys(_inside(kind, place[:-1])))
        return Problem(place, f"unknown key{hint}")
    if place and place[-1] == "[key]":
        return Problem(place[:-2], f"unexpected key {shown(value)}")
    if fault == "literal_error":
        known = [option for option in options(_inside(kind, place)) if option is not NoneType]
        words = ", ".join(str(option) or "empty" for option in known)
        one = "" if len(known) == 1 else "one of "
        hint = suggest(str(value), map(str, known), listing=False)
        return Problem(place, f"expected {one}{words}, not {shown(value)}{hint}")
    if fault == "value_error":
        return Problem(place, str(context["error"]))
    if fault == "too_short":
        return Problem(place, "expected at least one")
    if fault == "greater_than_equal":
        return Problem(place, f"expected at least {context['ge']}, not {shown(value)}")
    if fault == "json_invalid":
        return Problem((), f"is not JSON: {context['error']}")
    wanted = _WANTED.get(fault.partition("_")[0])
    if wanted is None:
        return Problem(place, detail["msg"])
    is_value = shown(value)
    return Problem(place, f"expected {wanted}, not {is_value}", wanted=wanted, value=is_value)


def _inside(kind: Any, place: Iterable[str | int]) -> Any:
    """Return the declared type at a place, None where nothing is declared."""
    for step in place:
        kind = next((option for option in options(kind) if option is not NoneType), None)
        arguments = get_args(kind)
        if dataclasses.is_dataclass(kind):
            kind = get_type_hints(kind).get(_keys(kind).get(str(step), ""))
        else:
            kind = (arguments[0] if isinstance(step, int) else arguments[-1]) if arguments else None
    return kind


def options(kind: Any) -> Sequence[Any]:
    """Return the types that a union names, the values of a literal, else the type alone."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, UnionType, Literal):
        return [each for option in get_args(kind) for each in options(option)]
    return [kind]


def _keys(kind: Any) -> dict[str, str]:
    """Return the fields of a dataclass by their keys in files."""
    kind = next((option for option in options(kind) if option is not NoneType), None)
    if not dataclasses.is_dataclass(kind):
        return {}
    return {
        item.metadata.get("alias", item.name): item.name
        for item in dataclasses.fields(kind)
        if item.init
    }


def _meaning(kind: Any, key: str) -> str:
    """Return what a declaration says of a key, empty where it says nothing."""
    kind = next((option for option in options(kind) if option is not NoneType), None)
    name = _keys(kind).get(key, "")
    found = [item for item in dataclasses.fields(kind) if item.name == name] if name else []
    return str(found[0].metadata.get("description", "")) if found else ""
