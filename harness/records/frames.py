"""Records as pandas data frames, for notebooks and for export."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable
from typing import Any

import pandas as pd

from harness.errors import HarnessError, UsageError, suggest
from harness.records.record import Record


def cells(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per record and set: what was run, its cost, its mean scores.

    Columns: ``id, model, label, scale, seed, steps, train, params, multi_adds, set, psnr_db,
    ssim, full_budget, commit``; units as in the record.
    """
    return pd.DataFrame(
        [
            {
                "id": record.id,
                "model": record.model,
                "label": record.label,
                "scale": record.scale,
                "seed": record.seed,
                "steps": record.steps,
                "train": record.data.train.name if record.data.train else None,
                "params": record.params,
                "multi_adds": record.multi_adds,
                "set": score.set,
                "psnr_db": score.psnr_db,
                "ssim": score.ssim,
                "full_budget": record.full_budget,
                "commit": record.provenance.commit,
            }
            for record in records
            for score in record.scores
        ]
    ).astype({"seed": "Int64", "multi_adds": "Int64"})


def images(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per record and image: ``id, model, scale, seed, set, image, psnr_db, ssim``.

    This is the form that paired comparisons need.
    """
    return pd.DataFrame(
        [
            {
                "id": record.id,
                "model": record.model,
                "scale": record.scale,
                "seed": record.seed,
                "set": score.set,
                "image": image.name,
                "psnr_db": image.psnr_db,
                "ssim": image.ssim,
            }
            for record in records
            for score in record.scores
            for image in score.images
        ]
    ).astype({"seed": "Int64"})


_CONDITION = re.compile(r"(\w+)\s*(<=|>=|!=|=|<|>)\s*(.*)", re.DOTALL)
_COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_MOST_NAMED = 12


def where(frame: pd.DataFrame, condition: str) -> pd.DataFrame:
    """Return the rows that meet a condition; a cell without a value meets none.

    Args:
        frame: Any of the frames above.
        condition: ``COLUMN=VALUE``, or with ``!=``, ``<``, ``>``, ``<=``, ``>=``; texts are
            compared as they are written.

    Raises:
        UsageError: It is no condition, there is no such column, or it has numbers and the value
            is none.
        HarnessError: No row meets it.
    """
    found = _CONDITION.fullmatch(condition.strip())
    if found is None:
        raise UsageError(f"'{condition}': expected COLUMN=VALUE, such as steps=2500")
    name, sign, text = found.groups()
    column = frame[_known(frame, name)]
    values = column.dropna()
    if pd.api.types.is_bool_dtype(column):
        if text.lower() not in ("true", "false"):
            raise UsageError(f"'{condition}': expected true or false")
        met = _COMPARE[sign](values, text.lower() == "true")
    elif pd.api.types.is_numeric_dtype(column):
        try:
            number = float(text.replace(",", ""))
        except ValueError:
            raise UsageError(f"'{condition}': expected a number, not '{text}'") from None
        met = _COMPARE[sign](values, number)
    else:
        met = _COMPARE[sign](values.astype(str), text)
    kept: pd.DataFrame = frame.loc[values.index[met.astype(bool)]]
    if kept.empty:
        there = list(map(str, values.drop_duplicates()))
        more = ", .." if len(there) > _MOST_NAMED else ""
        listed = ", ".join(there[:_MOST_NAMED])
        raise HarnessError(f"no row has {condition} ({name} there: {listed or 'none'}{more})")
    return kept


def sorted_by(frame: pd.DataFrame, order: str) -> pd.DataFrame:
    """Return the rows sorted by a column, rows without a value last, equal ones as they were.

    Args:
        frame: Any of the frames above.
        order: Name of the column; with ``-`` before it, the largest first.

    Raises:
        UsageError: There is no such column.
    """
    name = _known(frame, order.removeprefix("-"))
    return frame.sort_values(name, ascending=not order.startswith("-"), kind="stable")


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as plain values by column; None where there is none."""
    rows = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _known(frame: pd.DataFrame, name: str) -> str:
    if name not in frame:
        known = ", ".join(map(str, frame))
        hint = suggest(name, map(str, frame), listing=False)
        raise UsageError(f"there is no column '{name}'{hint}; columns: {known}")
    return name
