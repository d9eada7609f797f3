"""Columns and rows come from the same fields, in the same order."""

from harness.reports.tables.fields import (
    Field,
    columns_of,
    counted,
    doubt_notes,
    field,
    hidden,
    joined,
    numbered,
    rows_of,
)

FIELDS: tuple[Field[complex], ...] = (
    field("real", "Real", lambda number: number.real, "psnr", signed=True),
    joined("imaginary", lambda number: number.imag),
    hidden("both", str),
)


def test_cells_stand_below_their_columns():
    columns = columns_of(FIELDS)
    (row,) = rows_of(FIELDS, [3 + 4j])
    assert dict(zip((column.key for column in columns), row.cells, strict=True)) == {
        "real": 3.0,
        "imaginary": 4.0,
        "both": "(3+4j)",
    }
    assert [(column.joined, column.printed) for column in columns] == [
        (False, True),
        (True, True),
        (False, False),
    ]


def test_a_line_is_drawn_above_each_block_but_the_first():
    rows = rows_of(FIELDS, [1j, 2j, 1 + 1j, 2 + 1j, 2j], block=lambda number: number.real)
    assert [row.ruled for row in rows] == [False, False, True, True, True]


def test_groups_and_the_reference_are_those_of_the_items():
    rows = rows_of(
        FIELDS, [0j, 1j], group=lambda number: str(number.imag), reference=lambda number: not number
    )
    assert [(row.group, row.reference) for row in rows] == [("0.0", True), ("1.0", False)]


def test_texts_are_numbered_once_in_the_order_of_first_use():
    assert numbered(["b", "a", "b", "c", "a"]) == {"b": 1, "a": 2, "c": 3}
    assert numbered([]) == {}


def test_a_count_in_doubt_is_not_available_and_the_note_says_why_once():
    assert (counted(None), counted(0), counted(7)) == ("n/a", 0, 7)
    reasons = ("reason one", "reason two")
    (note,) = doubt_notes([("Net", reasons), ("Net", reasons), ("Sure", ())])
    assert "Net" in note
    assert "reason one; reason two" in note
