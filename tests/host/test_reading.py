"""Stored text becomes values of declared types, or problems with their place; nothing else."""

import json
import math
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.host.declaring import AtLeastOne, NullIsInfinite, OneOrMore, schema
from harness.host.problems import FormatError
from harness.host.reading import from_csv, from_json, read_text


@dataclass(frozen=True, slots=True)
class Image:
    name: str
    psnr_db: Annotated[float, NullIsInfinite()]


@dataclass(frozen=True, slots=True)
class Content:
    steps: int = field(metadata={"description": "optimiser steps"})
    images: tuple[Image, ...] = ()
    sizes: Annotated[tuple[int, ...], OneOrMore()] = (3,)
    kind: Literal["own", "shipped"] | None = None
    with_: dict[str, Any] = field(default_factory=dict, metadata={"alias": "with"})
    alpha: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    count: int
    share: float | None
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class Free:
    value: Any


def problems(text, read=from_json, kind=Content):
    with pytest.raises(FormatError) as caught:
        read(kind, text)
    return [str(problem) for problem in caught.value.problems]


def test_json_becomes_declared_values():
    text = (
        '{"steps": 3, "images": [{"name": "a", "psnr_db": null}, {"name": "b", "psnr_db": 30}],'
        ' "sizes": 5, "kind": "own", "with": {"bias": false}, "alpha": {"3": 0.5}}'
    )
    images = (Image("a", math.inf), Image("b", 30.0))
    assert from_json(Content, text) == Content(3, images, (5,), "own", {"bias": False}, {3: 0.5})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"steps": "3"}', ["steps: expected a whole number, not '3'"]),
        ('{"steps": 3.0}', ["steps: expected a whole number, not 3.0"]),
        ('{"steps": true}', ["steps: expected a whole number, not true"]),
        ('{"steps": null}', ["steps: expected a whole number, not nothing"]),
        ("{}", ["steps: missing (optimiser steps)"]),
        ('{"steps": 1, "kin": 2}', ["kin: unknown key (did you mean 'kind'?)"]),
        ('{"steps": 1, "with_": {}}', ["with_: unknown key (did you mean 'with'?)"]),
        (
            '{"steps": 1, "kind": "owm"}',
            ["kind: expected one of own, shipped, not 'owm' (did you mean 'own'?)"],
        ),
        ('{"steps": 1, "images": ["x"]}', ["images[0]: expected keys and values, not 'x'"]),
        (
            '{"steps": 1, "images": [{"name": "a", "psnr_db": "x"}, {"name": 3, "psnr": 1}]}',
            [
                "images[0].psnr_db: expected a number, not 'x'",
                "images[1].name: expected text, not 3",
                "images[1].psnr_db: missing",
                "images[1].psnr: unknown key (did you mean 'psnr_db'?)",
            ],
        ),
        ('{"steps": 1, "alpha": {"x": 1}}', ["alpha: unexpected key 'x'"]),
        ("[1]", ["expected keys and values, not a list"]),
        ('{"steps": 1, "steps": 2}', ["the key 'steps' stands twice in one object"]),
    ],
)
def test_every_problem_of_json_has_its_place(text, found):
    assert problems(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 100_000,
        '{"a":' * 100_000,
        "9" * 5000,
        '{"steps": 9223372036854775808}',
        '{"steps": 1, "images": [{"name": "a", "psnr_db": NaN}]}',
        '{"steps": 1, "images": [{"name": "a", "psnr_db": -Infinity}]}',
        '{"steps": 1, "images": [{"name": "a", "psnr_db": 1e999}]}',
        '{"steps": 1, "kind": "\\ud800"}',
        "\ufeff{}",
        "{}x",
    ],
)
def test_text_that_is_no_json_of_ours_is_one_short_problem(text):
    (problem,) = problems(text)
    assert len(problem) < 250


def test_largest_numbers_are_read():
    assert from_json(Content, '{"steps": 9223372036854775807}').steps == 2**63 - 1


def test_an_error_names_the_first_problems_and_counts_the_others():
    text = '{"steps": "x", "a": 1, "b": 2, "c": 3, "d": 4}'
    with pytest.raises(FormatError, match="and 2 more"):
        from_json(Content, text)


def test_csv_becomes_rows_with_their_lines():
    text = 'label,count,share,value\n"two\nlines",1,1e-05,35.10\nB,-2,n/a,n/a\n'
    assert from_csv(Line, text, missing="n/a") == (
        (3, Line("two\nlines", 1, 1e-05, Decimal("35.10"))),
        (4, Line("B", -2, None, None)),
    )
    assert str(from_csv(Line, text, missing="n/a")[0][1].value) == "35.10"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("A,1.0,,", "count: expected a whole number, not '1.0'"),
        ("A,01,,", "count: expected a whole number, not '01'"),
        ("A,1_0,,", "count: expected a whole number, not '1_0'"),
        (f"A,{'9' * 30},,", f"count: expected a whole number, not '{'9' * 30}'"),
        ("A,,,", "count: expected a whole number, not ''"),
        ("A,1,nan,", "share: expected a number, not 'nan'"),
        ("A,1,1e999,", "share: expected a number, not '1e999'"),
        ("A,1,,NaN", "value: expected a number, not 'NaN'"),
        ("A,1,,x", "value: expected a number, not 'x'"),
        ("A,1,", "expected 4 fields, got 3"),
        ('A,1,,"x', "unexpected end of data"),
    ],
)
def test_problems_of_csv_have_their_line(row, problem):
    with pytest.raises(FormatError) as caught:
        from_csv(Line, f"label,count,share,value\n{row}\n")
    (found,) = caught.value.problems
    assert str(found) == problem
    assert found.line in (2, 3)


def test_files_that_cannot_be_read_are_problems(tmp_path):
    (tmp_path / "latin").write_bytes("Größe".encode("latin-1"))
    for path in (tmp_path / "latin", tmp_path / "none", tmp_path):
        with pytest.raises(FormatError):
            read_text(path)


def test_schema_has_descriptions_limits_and_no_other_keys():
    made = schema(Content)
    assert made["properties"]["steps"] == {"description": "optimiser steps", "type": "integer"}
    assert made["required"] == ["steps"]
    assert "with" in made["properties"]
    assert made["additionalProperties"] is made["$defs"]["Image"]["additionalProperties"] is False
    assert {option["type"] for option in made["properties"]["sizes"]["anyOf"]} == {
        "integer",
        "array",
    }


def test_a_list_of_at_least_one_is_not_empty():
    @dataclass(frozen=True)
    class Rows:
        rows: Annotated[tuple[int, ...], AtLeastOne()]

    assert problems('{"rows": []}', kind=Rows) == ["rows: expected at least one"]
    assert problems('{"rows": ["x"]}', kind=Rows) == ["rows[0]: expected a whole number, not 'x'"]
    assert schema(Rows)["properties"]["rows"]["minItems"] == 1


NUMERALS = st.one_of(
    st.from_regex(r"-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?([eE][-+]?[0-9]{1,4})?", fullmatch=True),
    st.from_regex(r"-?[1-9][0-9]{16,20}(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,3})?", fullmatch=True),
    st.builds("{}{}".format, st.integers(1, 9), st.integers(300, 320).map(lambda n: n * "7")),
    st.sampled_from([str(2**63 - 1), str(2**63), str(-(2**63)), "1E400", "1e+0400", "0.1E-400"]),
)


@given(NUMERALS, st.sampled_from([" ", "\n", "", '"x": 1, ', '"e400": "9e400", ']))
def test_a_number_is_read_just_where_64_bits_hold_it(numeral, before):
    """Wherever it stands, and whatever else the text has: the oracle is decimal arithmetic."""
    exact = Decimal(numeral)
    is_whole = not set(numeral) & set(".eE")
    fits = abs(exact) < 2**63 if is_whole else abs(exact) <= Decimal(sys.float_info.max)
    text = f'{{"value": {{{before}"n": {numeral}}}}}'
    if fits:
        assert from_json(Free, text).value["n"] == (int(numeral) if is_whole else float(numeral))
    else:
        assert problems(text, kind=Free)


@given(st.text('ab\\u006{}[]:, "', max_size=8), st.booleans())
def test_a_key_that_stands_twice_is_found_wherever_it_stands(key, escaped):
    written = (
        "".join(f"\\u{ord(letter):04x}" for letter in key) if escaped else json.dumps(key)[1:-1]
    )
    inner = f'{{{json.dumps(key)}: 1, "other key": 2, "{written}": 1}}'
    for text in (inner, f"[{inner}]", f'{{"deeper": [[{inner}]]}}'):
        assert "twice" in problems(f'{{"value": {text}}}', kind=Free)[0]
