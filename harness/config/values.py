"""Read the value of a setting, from text or YAML: plain values only, all of them bounded.

Nothing is interpolated: ``${oc.env:NAME}`` and ``???``, which configuration libraries replace,
are refused, so that no file can send a variable of the environment anywhere.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from harness.errors import suggest

MOST_ITEMS = 1000
"""Values that a list may have."""

LONGEST_TEXT = 4096
"""Characters of a text, as many as a path may have."""

_LONGEST_NAME = 255  # bytes of one part of a path

_WHOLE = re.compile(r"[+-]?[0-9](_?[0-9])*\Z")
_NUMBER = re.compile(r"[+-]?([0-9](_?[0-9])*\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_NUMBERS = ("int", "float")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TRUTH = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(
    ("false", "no", "off", "0"), False
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the configuration: what it takes, and what it means.

    Attributes:
        key: Its dotted name.
        kind: Type of its value, as it is written in Python.
        default: Its value where nobody sets it.
        doc: What it means, in one line.
        choices: The values it takes; empty where it is not a matter of choice.
        minimum: Least number that it takes.
        maximum: Greatest number that it takes.
        users: Whether it belongs to the user and the machine, not to the experiment; the file
            of an ablation may not set it.
        words: Texts that it takes, too, where it is a list.
    """

    key: str
    kind: str
    default: Any
    doc: str
    choices: tuple[Any, ...]
    minimum: float
    maximum: float
    users: bool
    words: tuple[str, ...] = ()


def kind_of(declared: Any) -> tuple[str, tuple[Any, ...]]:
    """Return a type as it is written in Python, and the values it is limited to, if any."""
    inner = get_args(declared)
    if lists := [one for one in inner if get_origin(one) is list]:  # or a word that stands for it
        return kind_of(lists[0])
    if get_origin(declared) is Literal:
        return type(inner[0]).__name__, inner
    if get_origin(declared) is list:
        kind, choices = kind_of(inner[0])
        return f"list[{kind}]", choices
    return " | ".join(
        "None" if one is NoneType else one.__name__ for one in inner or [declared]
    ), ()


def words_of(declared: Any) -> tuple[str, ...]:
    """Return the words that may stand for a list of numbers."""
    inner = get_args(declared)
    if not any(get_origin(one) is list for one in inner):
        return ()
    return tuple(word for one in inner if get_origin(one) is Literal for word in get_args(one))


def read(setting: Setting, value: object) -> Any:
    """Return a value as its setting's type.

    Args:
        setting: What is set.
        value: Text of a ``KEY=VALUE`` argument, or a plain value from YAML.

    Raises:
        ValueError: It is no such value; says what was expected.
    """
    if _is_interpolation(value):
        raise ValueError(
            f"{_shown(setting, value)}: expected a plain value: ${{...}} and ??? are not replaced"
        )
    if isinstance(value, str) and value in setting.words:
        return value
    kind, is_list = setting.kind.removeprefix("list[").removesuffix("]"), _is_list(setting)
    if "None" in kind and (value is None or str(value).lower() in ("", "null", "none")):
        return None
    item_kind = kind.partition(" | ")[0]
    items = _split(value) if is_list else [value]
    hint = ""
    try:
        if len(items) > MOST_ITEMS:
            hint = f", at most {MOST_ITEMS:,} of them"
            raise ValueError
        values = [_READERS[item_kind](item) for item in items]
        for item in values:
            if setting.choices and item not in setting.choices:
                named = isinstance(item, str)
                hint = suggest(item, setting.choices, listing=False) if named else ""
                raise ValueError
            if _is_number(item) and not setting.minimum <= item <= setting.maximum:
                raise ValueError
    except (ValueError, OverflowError):
        raise ValueError(f"{_shown(setting, value)}: expected {wanted(setting)}{hint}") from None
    return values if is_list else values[0]


def wanted(setting: Setting) -> str:
    """Return what values a setting takes, in words."""
    if setting.choices:
        return "one of " + ", ".join(map(str, setting.choices))
    limits = limits_of(setting)
    match setting.kind:
        case "int":
            return f"a whole number {limits}"
        case "float":
            return f"a number {limits}"
        case "bool":
            return "true or false"
        case "bool | None":
            return "true, false or none"
        case "list[int]":
            return ", or ".join([f"whole numbers {limits}, separated by commas", *setting.words])
        case "list[str]":
            return "names, separated by commas"
        case _:
            return f"text, at most {LONGEST_TEXT:,} characters in one line"


def limits_of(setting: Setting) -> str:
    """Return the bounds of a setting of numbers, in words; empty for other settings."""
    if setting.choices or setting.kind.removeprefix("list[").removesuffix("]") not in _NUMBERS:
        return ""
    return f"from {_shown_number(setting.minimum)} to {_shown_number(setting.maximum)}"


def _shown_number(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


def _is_list(setting: Setting) -> bool:
    return setting.kind.startswith("list")


def _is_interpolation(value: object) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_is_interpolation, value))
    return isinstance(value, str) and ("${" in value or "???" in value)


def _split(value: object) -> list[object]:
    if isinstance(value, str):
        text = value.strip().removeprefix("[").removesuffix("]")
        return [part.strip() for part in text.split(",")] if text else []
    return list(value) if isinstance(value, list | tuple) else [value]


def _whole(value: object) -> int:
    number = float(_number(value))
    if not number.is_integer():
        raise ValueError
    exact = isinstance(value, str) and _WHOLE.match(value.strip()) and len(value) < 40
    return int(value) if exact or isinstance(value, int) else int(number)  # type: ignore[call-overload]


def _number(value: object) -> float:
    if isinstance(value, str):
        value = float(value) if _NUMBER.match(value := value.strip()) else math.nan
    if not _is_number(value) or not math.isfinite(value):  # type: ignore[arg-type]
        raise ValueError
    return float(value)  # type: ignore[arg-type]


def _truth(value: object) -> bool:
    if not isinstance(value, bool | int | str):
        raise ValueError
    word = str(value).strip().lower()
    if word not in _TRUTH:
        raise ValueError
    return _TRUTH[word]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > LONGEST_TEXT:
        raise ValueError
    if _CONTROL.search(value):
        raise ValueError
    for part in value.split("+"):  # several training sets are joined by it
        unknown_home = os.path.expanduser(part.strip()).startswith("~")
        if unknown_home or any(len(os.fsencode(name)) > _LONGEST_NAME for name in part.split("/")):
            raise ValueError
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_READERS: dict[str, Callable[[object], Any]] = {
    "int": _whole,
    "float": _number,
    "bool": _truth,
    "str": _text,
}


def _shown(setting: Setting, value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    text = _CONTROL.sub("?", text)
    return f"{setting.key}={text if len(text) <= 80 else text[:77] + '...'}"
