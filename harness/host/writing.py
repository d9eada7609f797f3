"""The one way out for JSON that others read: no text that only Python takes for JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from typing import Any


def json_text(value: object, *, compact: bool = False) -> str:
    """Return a value as JSON text, without a line end.

    NaN and infinities, which JSON cannot say, become ``null``; a ``Decimal`` becomes a number.

    Args:
        value: Mappings, lists, tuples, texts, numbers, truth values and None.
        compact: Whether it is for machines alone: on one line, without spaces.

    Raises:
        TypeError: Some of it is of another type.
    """
    form: dict[str, Any] = {"separators": (",", ":")} if compact else {"indent": 1}
    return json.dumps(_sayable(value), ensure_ascii=False, allow_nan=False, **form)


def _sayable(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _sayable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_sayable(inner) for inner in value]
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    return None if isinstance(value, float | Decimal) and not isfinite(value) else value
