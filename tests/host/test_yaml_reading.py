"""YAML becomes values of declared types; keys that stand twice and its old forms are refused."""

from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest

from harness.host.declaring import OneOrMore
from harness.host.problems import FormatError
from harness.host.yaml_reading import from_yaml


@dataclass(frozen=True, slots=True)
class Content:
    title: str = ""
    seeds: Annotated[tuple[int, ...], OneOrMore()] = (0,)
    fine: bool = False
    values: dict[str, Any] = field(default_factory=dict)


def problems(text):
    with pytest.raises(FormatError) as caught:
        from_yaml(Content, text)
    return [(problem.line, str(problem)) for problem in caught.value.problems]


def value(text):
    return from_yaml(Content, f"values: {{x: {text}}}").values["x"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1e-3", 0.001),
        ("-2.5E+1", -25.0),
        (".5", 0.5),
        ("+7", 7),
        ("2024-01-01", "2024-01-01"),
        ("'010'", "010"),
        ("!!str 1e-3", "1e-3"),
        ("no", False),
        ("~", None),
        ("1.2.3", "1.2.3"),
        ("4 x 4", "4 x 4"),
        ("[1, [a]]", [1, ["a"]]),
    ],
)
def test_plain_words_are_read_as_people_mean_them(text, meant):
    assert value(text) == meant
    assert type(value(text)) is type(meant)


def test_keys_are_text():
    assert from_yaml(Content, "values: {no: 1, 3: 2, 1:30: 3}").values == {
        "no": 1,
        "3": 2,
        "1:30": 3,
    }


def test_anchors_and_merged_keys_are_read_the_own_key_first():
    text = "values: {a: &a {x: 1, y: 2}, b: {<<: *a, y: 3}, c: *a}"
    assert from_yaml(Content, text).values["b"] == {"x": 1, "y": 3}
    assert from_yaml(Content, text).values["c"] == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("5", "expected text, not 5: put it in quotes"),
        ("1.50", "not 1.50, which YAML reads as 1.5: put it in quotes"),
        ("no", "not no, which YAML reads as false: put it in quotes"),
        ("On", "not On, which YAML reads as true: put it in quotes"),
        ("true", "expected text, not true: put it in quotes"),
        ("010", "YAML reads 010 as 8: write 8, or"),
        ("1:30", "YAML reads 1:30 as 90: write 90, or"),
        ("0x1F", "YAML reads 0x1F as 31: write 31, or"),
        ("1_000", "YAML reads 1_000 as 1000: write 1000, or"),
    ],
)
def test_an_unquoted_word_where_text_is_meant_is_one_problem_with_the_hint(word, hint):
    ((line, problem),) = problems(f"fine: yes\ntitle: {word}\n")
    assert line == 2
    assert hint in problem
    assert f'"{word}"' in problem


def test_old_forms_of_numbers_are_refused_where_numbers_are_expected():
    assert [line for line, _ in problems("seeds:\n- 1\n- 010\n- 1:30\n")] == [3, 4]


def test_keys_that_stand_twice_have_both_lines():
    text = "title: a\nvalues:\n  x: 1\n  x: 2\ntitle: b\n"
    assert problems(text) == [
        (4, "values.x: stands twice, first in line 3"),
        (5, "title: stands twice, first in line 1"),
    ]


def test_all_problems_are_listed_by_line():
    text = "seeds: [a, 1]\nfine: 3\ntitel: x\ntitle: [x]\n"
    assert problems(text) == [
        (1, "seeds[0]: expected a whole number, not 'a'"),
        (2, "fine: expected true or false, not 3"),
        (3, "titel: unknown key (did you mean 'title'?)"),
        (4, "title: expected text, not a list"),
    ]


def test_a_single_value_that_stands_for_a_list_is_named_without_index():
    assert problems("seeds: x")[0][1] == "seeds: expected a whole number, not 'x'"


BOMB = "\n".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "title: [",
        "\x00",
        "- " * 5000,
        "a: &a [*a]",
        f"a: &a [1, 1]\n{BOMB}",
        "title: !!binary aGk=",
        "title: !!python/object/apply:os.getcwd []",
        "fine: .nan",
        "seeds: 1e999",
        "seeds: 99999999999999999999",
        "? [a]\n: 1",
        "title: a\n---\ntitle: b",
        'title: "\\ud800"',
    ],
)
def test_what_is_no_file_of_ours_is_a_short_problem(text):
    assert all(len(problem) < 250 for _, problem in problems(text))


@pytest.mark.parametrize("text", ["!!int _", "!!int ''", "!!float _", "!!int +"])
def test_a_tag_of_a_number_before_none_is_refused(text):
    with pytest.raises(FormatError, match="is no number"):
        from_yaml(dict[str, Any], f"a: {text}")
