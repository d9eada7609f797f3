"""What the file of an ablation may not say: a name that is none of a file, its user's settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from harness.config import settings
from harness.host.problems import Problem

_LONGEST_NAME = 100
TABLES = ("table5", "table5_efficiency", "table5_rescored", "protocol", "modern")
"""Names of the tables that are of no ablation, or of the shipped one that reproduces Table 5."""

_NAME = re.compile(r"\w[\w-]*\Z")


def problems(raw: Mapping[str, Any]) -> Iterable[Problem]:
    """Return what a file may not say, from its plain values, right or wrong."""
    name = raw.get("name")
    if isinstance(name, str) and name and (len(name) > _LONGEST_NAME or not _NAME.match(name)):
        yield Problem(
            ("name",),
            f"expected letters, digits, - and _, at most {_LONGEST_NAME} (such as '{slug(name)}')",
        )
    if isinstance(config := raw.get("config"), dict):
        yield from _users_own(config)


def taken(name: str, shipped: Iterable[str]) -> str:
    """Return why a user's ablation may not have a name; empty where it may.

    Its tables would be written over those of the project, which begin with the name, too.
    """
    for other in (*shipped, *TABLES):
        if re.fullmatch(rf"{re.escape(other)}(_x\d.*)?", name, flags=re.IGNORECASE):
            return (
                f"expected another than '{name}': its tables would be written over those of "
                f"'{other}'"
            )
    return ""


def flat(config: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Return settings by dotted keys, from dotted or nested ones."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def slug(text: str) -> str:
    """Return a file's name as the name of its ablation.

    Example:
        >>> slug("my rows (v2)")
        'my_rows_v2'
    """
    return re.sub(r"\W*[^\w-]\W*", "_", text).strip("_-")[:_LONGEST_NAME] or "ablation"


def _users_own(config: Mapping[str, Any]) -> Iterable[Problem]:
    """Return the settings of a file that are its user's: places, addresses, the machine."""
    by_key = settings.settings()
    shared = ", ".join(key for key, setting in by_key.items() if not setting.users)
    for key, _ in flat(config):
        if key in by_key and by_key[key].users:
            section, dot, rest = key.partition(".")
            place = ("config", section, rest) if dot and section in config else ("config", key)
            yield Problem(
                place,
                f"is not a file's to set: give it on the command line, {key}=VALUE "
                f"(a file sets {shared})",
            )
