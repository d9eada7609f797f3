"""JSON that every reader takes: RFC 8259 has neither NaN nor infinities."""

import json
import math
import re
from decimal import Decimal
from pathlib import Path

import pytest

import harness
from harness.host.writing import json_text


def refuse(name):
    raise AssertionError(f"{name} is no JSON")


def read(text):
    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, Decimal("NaN")])
def test_what_json_cannot_say_is_null_at_any_depth(number):
    content = {"a": number, "b": [1.5, (number, {"c": number})]}
    assert read(json_text(content)) == {"a": None, "b": [1.5, [None, {"c": None}]]}


def test_other_values_come_back_as_they_were():
    content: dict[str, object] = {
        "n": 2**62,
        "x": 0.1,
        "t": True,
        "none": None,
        "text": "\u00e9 \u2020",
        "l": [],
    }
    assert read(json_text(content)) == content


def test_decimals_are_numbers():
    assert (
        json_text([Decimal("1592"), Decimal("6.0"), Decimal("37.52")])
        == "[\n 1592,\n 6,\n 37.52\n]"
    )


def test_an_object_of_no_json_type_is_refused():
    with pytest.raises(TypeError):
        json_text({"path": Path("a")})


def test_commands_and_tables_make_their_json_here():
    """What is printed has one way out; hashes and messages to one's own process are no output."""
    package = Path(harness.__file__).parent
    own = [
        path.relative_to(package).as_posix()
        for folder in ("cli", "reports", "config", "efficiency/counting")
        for path in sorted((package / folder).rglob("*.py"))
        if re.search(r"\bjson\.dumps?\(", path.read_text("utf-8"))
    ]
    assert own == []
