"""The one way in for stored text: JSON and CSV become our own typed values, or named problems.

What is read is declared once, as frozen dataclasses. Pydantic holds text to the declaration,
strictly: no value is converted, no key is unknown. It is imported only when something is read.

Refused besides what the declaration refuses: a key that stands twice in one object, NaN and
infinities, whole numbers beyond 64 bits, text that is not UTF-8, and deep nesting.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from harness.host.files import reason
from harness.host.problems import FormatError, Problem, options, shown, translated

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

LARGEST = 2**63 - 1
_LONGEST_NUMBER = 40
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)\Z")
_OUTLINE = bytes.maketrans(b"123456789E", b"000000000e")
_LARGE = b"0" * 19
_EXPONENT = re.compile(rb"0e\+?000+(?![0-9a-z\"])")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file.

    Raises:
        FormatError: It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise FormatError(Problem((), f"cannot be read: {reason(error)}")) from error
    except UnicodeDecodeError as error:
        raise FormatError(Problem((), f"is not UTF-8 text ({error})")) from error


def from_json(kind: type[T], text: str) -> T:
    """Return JSON text as a value of a declared type.

    Raises:
        FormatError: It is not JSON, or does not hold what the type says.
    """
    if not _surely_plain(text):
        plain_json(text)
    return typed(kind, text)


def _surely_plain(text: str) -> bool:
    """Tell whether :func:`plain_json` surely takes the text; five times quicker than asking it.

    A number beyond 64 bits has 19 digits or more before its point; one beyond the largest float
    so many, or an exponent of three digits. Where a text has such anywhere, it is not sure.
    """
    from jiter import from_json as parsed

    try:
        written = text.encode()
        parsed(written, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError:  # UnicodeEncodeError is one
        return False
    outline = written.translate(_OUTLINE)
    at = outline.find(_LARGE)  # a regular expression that looks behind takes ten times as long
    while at > 0 and outline[at - 1 : at] == b".":
        at = outline.find(_LARGE, at + len(_LARGE))
    return at < 0 and not _EXPONENT.search(outline)


def plain_json(text: str) -> object:
    """Return JSON text as plain values.

    Raises:
        FormatError: It is not JSON, has a key twice in one object, a number that is not finite
            or too large, or is nested too deeply.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=finite,
            parse_float=finite,
            parse_int=whole,
        )
    except FormatError:
        raise
    except RecursionError:
        raise FormatError(Problem((), "is nested too deeply")) from None
    except ValueError as error:
        raise FormatError(Problem((), f"is not JSON: {error}")) from None


def finite(text: str) -> float:
    """Return the number that a text stands for.

    Raises:
        FormatError: It is NaN, an infinity, or beyond the largest float.
    """
    value = float(text)
    if not math.isfinite(value):
        raise FormatError(Problem((), f"{text[:60]} is not a finite number"))
    return value


def whole(text: str) -> int:
    """Return the whole number that a text stands for.

    Raises:
        FormatError: It does not fit into 64 bits.
    """
    if len(text) > 20 or abs(value := int(text)) > LARGEST:
        raise FormatError(Problem((), f"{text[:60]} is a larger number than 64 bits hold"))
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise FormatError(Problem((), f"the key {shown(twice)} stands twice in one object"))
    return values


def from_csv(row: type[T], text: str, *, missing: str = "") -> tuple[tuple[int, T], ...]:
    """Return the rows of CSV text, each with the number of its line.

    Args:
        row: A dataclass; its fields are the columns, in their order. A column of numbers holds
            them as JSON writes them.
        text: With the line of column names.
        missing: How a value that is None is written, in columns that may have none.

    Raises:
        FormatError: The text is not CSV, or does not hold what the columns say; each problem
            has its line.
    """
    types = {column: options(kind) for column, kind in get_type_hints(row).items()}
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[int] = []
    rows: list[dict[str, object]] = []
    try:
        header = next(reader, [])
        if header != list(types):
            texts = ",".join(types), ",".join(header)
            raise _of_line(1, "expected the columns {}, got {}".format(*texts))
        for cells in reader:
            if len(cells) != len(types):
                found = f"expected {len(types)} fields, got {len(cells)}"
                raise _of_line(reader.line_num, found)
            lines.append(reader.line_num)
            rows.append(
                {
                    column: _cell(cell, types[column], missing)
                    for column, cell in zip(types, cells, strict=True)
                }
            )
    except csv.Error as error:
        raise _of_line(max(reader.line_num, 1), str(error)) from error
    try:
        values = typed(tuple[row, ...], json.dumps(rows))  # type: ignore[valid-type]
    except FormatError as error:
        raise FormatError(
            *(
                dataclasses.replace(problem, place=rest, line=lines[int(number)])
                for problem in error.problems
                for number, *others in [problem.place]
                for rest in [tuple(others)]
            )
        ) from None
    return tuple(zip(lines, values, strict=True))


def _of_line(line: int, text: str) -> FormatError:
    return FormatError(Problem((), text, line))


def _cell(text: str, accepted: Sequence[Any], missing: str) -> object:
    """Return a cell as the JSON value that its column expects, else as text."""
    if NoneType in accepted and text == missing:
        return None
    is_whole = int in accepted and _WHOLE.match(text)
    is_number = float in accepted and _NUMBER.match(text)
    if not is_whole and not is_number:
        return text
    value = json.loads(text) if len(text) <= _LONGEST_NUMBER else math.inf
    too_large = isinstance(value, int) and abs(value) > LARGEST
    return text if too_large or not math.isfinite(value) else value


def typed(kind: type[T], text: str) -> T:
    """Return JSON text that was checked already, as a value of a declared type.

    Raises:
        FormatError: It does not hold what the type says; every problem is listed.
    """
    from pydantic import ValidationError

    declared: Any = kind
    try:
        value: T = _adapter(declared).validate_json(text, strict=True, extra="forbid")
        return value
    except ValidationError as error:
        details = error.errors(include_url=False)
    raise FormatError(
        *(
            translated(kind, detail)
            for detail in details
            if detail["type"] != "too_short" or not detail["input"]  # else its items are wrong
        )
    )


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
