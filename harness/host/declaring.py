"""What a declaration says beyond Python's types, and the JSON schema that is made of one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema


@dataclass(frozen=True, slots=True)
class OneOrMore:
    """Marks a tuple that may be written as a single value, without a list around it."""

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Put the single value into a tuple before it is checked."""
        from pydantic_core import core_schema

        def listed(value: object) -> tuple[object, ...]:
            return tuple(value) if isinstance(value, list) else (value,)

        return core_schema.no_info_before_validator_function(listed, handler(kind))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Say that both forms are right."""
        several = handler(schema)
        return {"anyOf": [several["items"], several]}


@dataclass(frozen=True, slots=True)
class AtLeastOne:
    """Marks a tuple that must not be empty."""

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Add the limit to the tuple."""
        limited: Any = {**handler(kind), "min_length": 1}
        return limited  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class NullIsInfinite:
    """Marks a number that may be infinite, which JSON cannot write: ``null`` stands for it."""

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read ``null`` as infinity before the number is checked."""
        from pydantic_core import core_schema

        def number(value: object) -> object:
            return math.inf if value is None else value

        return core_schema.no_info_before_validator_function(number, handler(kind))


def schema(kind: type) -> dict[str, Any]:
    """Return the JSON schema of a declared type: keys, types, defaults and descriptions."""
    from pydantic import TypeAdapter
    from pydantic.json_schema import GenerateJsonSchema

    class Plain(GenerateJsonSchema):
        """Without a title for every key, which only repeats the key."""

        def field_title_should_be_set(self, schema: Any) -> bool:
            return False

    made: dict[str, Any] = TypeAdapter(kind).json_schema(schema_generator=Plain)
    _close(made)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | made


def _close(node: Any) -> None:
    """Forbid unknown keys of every object whose keys are declared."""
    if isinstance(node, list):
        for item in node:
            _close(item)
    if isinstance(node, dict):
        if "properties" in node:
            node.setdefault("additionalProperties", False)
        for item in node.values():
            _close(item)
