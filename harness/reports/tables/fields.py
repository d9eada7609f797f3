"""Fields of a table: a column together with the function that makes its cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

from harness.records.counts import in_doubt
from harness.records.published import Published
from harness.reports.tables.table import DAGGER, Column, ColumnKind, Doubted, TableCell, TableRow

RowT = TypeVar("RowT")
"""The value that a row of a table is made from."""


@dataclass(frozen=True, slots=True)
class Field(Generic[RowT]):
    """A column, and the function that makes its cell from the value of a row."""

    column: Column
    cell: Callable[[RowT], TableCell]


def field(
    key: str,
    title: str,
    cell: Callable[[RowT], TableCell],
    kind: ColumnKind = "text",
    *,
    signed: bool = False,
) -> Field[RowT]:
    """Return a field that is printed in a column of its own."""
    return Field(Column(key, title, kind, signed=signed), cell)


def joined(
    key: str,
    cell: Callable[[RowT], TableCell],
    kind: ColumnKind = "ssim",
    *,
    unranked: tuple[str, ...] = (),
) -> Field[RowT]:
    """Return a field that is printed in the column of the field before it.

    Args:
        key: Of the column.
        cell: Makes the cell of a row.
        kind: Which rounding applies.
        unranked: Groups of rows whose values in it do not compete.
    """
    return Field(Column(key, kind=kind, joined=True, unranked=unranked), cell)


def scored(
    name: str,
    scores: Callable[[RowT], Mapping[tuple[str, str], TableCell]],
    *,
    unranked: tuple[str, ...] = (),
) -> list[Field[RowT]]:
    """Return the two fields of a set, PSNR and behind it SSIM.

    Args:
        name: Of the set.
        scores: Returns a row's scores by set and metric.
        unranked: Groups of rows whose SSIM do not compete.
    """

    def of(metric: str) -> Callable[[RowT], TableCell]:
        return lambda row: scores(row).get((name, metric))

    return [
        field(f"{name}_psnr_db", f"{name}\nPSNR/SSIM", of("psnr_db"), "psnr"),
        joined(f"{name}_ssim", of("ssim"), unranked=unranked),
    ]


def hidden(key: str, cell: Callable[[RowT], TableCell]) -> Field[RowT]:
    """Return a field that only the CSV file shows."""
    return Field(Column(key, printed=False), cell)


def as_printed(cell: Published) -> Decimal | Doubted | None:
    """Return the cell of a value of the paper, doubted where it seems misprinted."""
    return Doubted(cell.value) if cell.value is not None and cell.doubt else cell.value


def misprint_notes(cells: Iterable[Published]) -> tuple[str, ...]:
    """Return the note on values that seem misprinted, with the reasons."""
    named: dict[str, list[str]] = {}
    for cell in cells:
        if cell.doubt:
            unit = " dB" if cell.metric.endswith("_db") else ""
            name = f"{cell.label} x{cell.scale} {cell.set} {cell.value}{unit}"
            named.setdefault(cell.doubt, []).append(" ".join(name.split()))
    if not named:
        return ()
    texts = [f"{', '.join(names)}: {reason}" for reason, names in named.items()]
    return (
        f"{DAGGER} after a printed value: a misprint is suspected there, and it takes no part in "
        f"marks, ranks and leads. {'. '.join(texts)}.",
    )


def numbered(texts: Iterable[str]) -> dict[str, int]:
    """Return every text once, with its number, counted from 1 in the order of first use."""
    return {text: number for number, text in enumerate(dict.fromkeys(texts), start=1)}


def counted(multi_adds: int | None) -> int | str:
    """Return the cell of a network's Multi-Adds: ``n/a`` where the count is in doubt."""
    return "n/a" if multi_adds is None else multi_adds


def doubt_notes(doubts: Iterable[tuple[str, Sequence[str]]]) -> tuple[str, ...]:
    """Return the note on each network whose Multi-Adds are ``n/a``, by label and reasons."""
    texts = dict.fromkeys(
        f"Multi-Adds of {label}: {in_doubt(reasons)}." for label, reasons in doubts if reasons
    )
    return tuple(texts)


def columns_of(fields: Iterable[Field[RowT]]) -> tuple[Column, ...]:
    """Return the columns of a table's fields."""
    return tuple(item.column for item in fields)


def rows_of(
    fields: Sequence[Field[RowT]],
    items: Sequence[RowT],
    *,
    block: Callable[[RowT], object] = lambda item: None,
    group: Callable[[RowT], str] = lambda item: "",
    reference: Callable[[RowT], bool] = lambda item: False,
) -> tuple[TableRow, ...]:
    """Return the rows of a table.

    Args:
        fields: The fields of the table.
        items: The values that the rows are made from, one a row.
        block: What the rows of a block have in common; a line is drawn between two blocks.
        group: Which rows compete for the marks.
        reference: Whether it is the bicubic row.
    """
    blocks = [block(item) for item in items]
    return tuple(
        TableRow(
            tuple(made.cell(item) for made in fields),
            reference=reference(item),
            ruled=index > 0 and blocks[index] != blocks[index - 1],
            group=group(item),
        )
        for index, item in enumerate(items)
    )
