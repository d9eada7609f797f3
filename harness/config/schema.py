"""The JSON schema of ablation files, made of their declaration and of the settings."""

from __future__ import annotations

from typing import Any

from harness.config.ablation import AblationFile
from harness.config.settings import settings
from harness.config.values import Setting
from harness.host import declaring
from harness.host.writing import json_text

_TYPES = {"int": "integer", "float": "number", "bool": "boolean", "str": "string"}


def ablation_schema() -> str:
    """Return the schema as JSON text; editors complete and check ablation files with it."""
    made = declaring.schema(AblationFile)
    config = made["properties"]["config"]
    closed = {"type": "object", "additionalProperties": False, "properties": _keys()}
    made["properties"]["config"] = config | {"anyOf": [closed, {"type": "null"}]}
    return json_text(made)


def _keys() -> dict[str, Any]:
    """Return the schema of what a file may set, by its dotted key and inside its section."""
    keys: dict[str, Any] = {}
    for setting in settings().values():
        if setting.users:
            continue
        keys[setting.key] = _value(setting)
        section, dot, name = setting.key.partition(".")
        if dot:
            closed = {"type": "object", "additionalProperties": False, "properties": {}}
            keys.setdefault(section, closed)["properties"][name] = _value(setting)
    return keys


def _value(setting: Setting) -> dict[str, Any]:
    """Return the schema of one setting: lists may be single values or text with commas."""
    words = setting.kind.replace("list[", "").replace("]", "").split(" | ")
    value: dict[str, Any] = {"type": _TYPES[words[0]]}
    if setting.choices:
        value["enum"] = list(setting.choices)
    if value["type"] in ("integer", "number"):
        value |= {"minimum": setting.minimum, "maximum": setting.maximum}
    about = {"description": setting.doc, "default": setting.default}
    if setting.kind.startswith("list"):
        return about | {"anyOf": [value, {"type": "array", "items": value}, {"type": "string"}]}
    if "None" in words:
        return about | {"anyOf": [value, {"type": "null"}]}
    return about | value
