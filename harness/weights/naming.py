"""The name of a network with options behind it: ``awsrn_s{channels: 16}``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.errors import UsageError
from harness.host.problems import FormatError
from harness.host.yaml_reading import from_yaml
from harness.models import registry
from harness.models.variant import EXPECTS


def split(name: str) -> tuple[str, dict[str, Any]]:
    """Return a network's name, and the options behind it.

    Args:
        name: ``ID``, ``FILE.py:CLASS`` or ``PKG.MODULE:CLASS``, behind it none or a YAML mapping
            of options in braces.

    Raises:
        UsageError: What stands in braces is none.

    Example:
        >>> split("net.py:Net{channels: 16, expects: {range: 1}}")
        ('net.py:Net', {'channels': 16, 'expects': {'range': 1}})
    """
    plain, brace, _ = name.partition("{")
    if not brace:
        return name, {}
    try:
        return plain, from_yaml(dict[str, Any], name[len(plain) :])
    except FormatError as error:
        raise UsageError(
            f"'{name}': {error}; expected options such as {plain}{{channels: 16}}"
        ) from error


def joined(name: str, options: Mapping[str, Any]) -> str:
    """Return a name with more options behind it, those that it has going first."""
    plain, own = split(name)
    both = merged(options, own)
    return plain + json.dumps(both) if both else plain


def split_file(name: str) -> tuple[str, str]:
    """Return a network's name, and ``=FILE`` behind it; empty where there is none.

    Example:
        >>> split_file("awsrn_s{channels: 16}=a.pth")
        ('awsrn_s{channels: 16}', '=a.pth')
    """
    end = name.rindex("}") if name.partition("=")[0].count("{") and "}" in name else 0
    plain, equals, file = name[end:].partition("=")
    return name[:end] + plain, equals + file


def split_label(name: str) -> tuple[str, str]:
    """Return the label before a network's name, empty where there is none, and the name.

    Example:
        >>> split_label("Mine:net.py:Net"), split_label("net.py:Net"), split_label("A:carn")
        (('Mine', 'net.py:Net'), ('', 'net.py:Net'), ('A', 'carn'))
    """
    plain, brace, options = name.partition("{")
    label, colon, rest = plain.partition(":")
    if colon and (":" in rest or rest in registry.names()):
        return label, rest + brace + options
    return "", name


def option(text: str) -> dict[str, Any]:
    """Read ``KEY=VALUE``, the value as YAML reads it.

    Raises:
        UsageError: It is not that.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise UsageError(f"'{text}': expected KEY=VALUE, such as channels=16")
    try:
        return from_yaml(dict[str, Any], f"{key}: {value}")
    except FormatError as error:
        raise UsageError(f"'{text}': {error}") from error


def words(options: Mapping[str, Any]) -> str:
    """Return options as a reader writes them, those of ``expects`` among the others.

    Example:
        >>> words({"depths": [6, 6], "bias": True, "expects": {"range": 1.0}})
        'depths=6,6 bias range=1'
    """
    flat = {key: value for key, value in options.items() if key != EXPECTS}
    flat |= options.get(EXPECTS, {})
    return " ".join(
        key if value is True else f"{key}={_word(value)}" for key, value in flat.items()
    )


def _word(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(_word, value))
    if value is False:
        return "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def merged(options: Mapping[str, Any], first: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of two places; where both have one, that of ``first``."""
    both = dict(options) | dict(first)
    if EXPECTS in options and EXPECTS in first:
        both[EXPECTS] = dict(options[EXPECTS]) | dict(first[EXPECTS])
    return both
