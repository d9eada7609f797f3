"""The published numbers are the paper's, and a broken file is named with its line."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from harness.errors import RecordError, UsageError
from harness.records.published import COLUMNS, Published, find, load, tables

HEADER = ",".join(COLUMNS)


def value(table: int, label: str, scale: int, metric: str, set_name: str = "") -> str:
    cell = cell_of(table, label, scale, metric, set_name)
    return "" if cell.value is None else str(cell.value)


def cell_of(table: int, label: str, scale: int, metric: str, set_name: str) -> Published:
    wanted = (label, scale, metric, set_name)
    (cell,) = (c for c in load(table) if (c.label, c.scale, c.metric, c.set) == wanted)
    return cell


def test_five_tables_are_shipped() -> None:
    assert tables() == (1, 2, 3, 4, 5)


@pytest.mark.parametrize(("table", "cells"), [(1, 6), (2, 4), (3, 4), (4, 18), (5, 708)])
def test_tables_have_the_papers_number_of_cells(table: int, cells: int) -> None:
    assert len(load(table)) == cells


def test_table_5_has_the_papers_systems_per_scale() -> None:
    systems = {(cell.scale, cell.label) for cell in load(5)}
    assert Counter(scale for scale, _ in systems) == {2: 20, 3: 15, 4: 17, 8: 7}


def test_every_system_of_table_5_has_cost_and_two_scores_per_set() -> None:
    cells = Counter((cell.scale, cell.label) for cell in load(5))
    assert set(cells.values()) == {2 + 5 * 2}


@pytest.mark.parametrize(
    ("label", "params_diff", "mean_psnr_db"),
    [("Basic RU", "0", "34.99"), ("wRU", "8768", "35.02"), ("AWRU", "32", "35.02")],
)
def test_table_1_is_as_printed(label: str, params_diff: str, mean_psnr_db: str) -> None:
    assert value(1, label, 2, "params_diff") == params_diff
    assert value(1, label, 2, "mean_psnr_db") == mean_psnr_db


def test_table_2_is_as_printed() -> None:
    assert [(cell.label, str(cell.value)) for cell in load(2)] == [
        ("baseline", "34.99"),
        ("AWSRN-NA", "35.03"),
        ("AWSRN-NL", "35.02"),
        ("AWSRN-B", "35.08"),
    ]


def test_table_3_keeps_the_single_decimal_of_the_paper() -> None:
    assert [(cell.label, str(cell.value)) for cell in load(3)] == [
        ("WDSR", "34.99"),
        ("WDSR w/ AWMS", "35.02"),
        ("AWSRN-B", "35.08"),
        ("AWSRN-B w/ AWMS", "35.1"),
    ]


@pytest.mark.parametrize(
    ("label", "weight", "psnr_db"),
    [
        ("WDSR w/ AWMS, w/o 3x3", "0.1029", "32.92"),
        ("WDSR w/ AWMS, w/o 5x5", "0.0190", "38.07"),
        ("AWSRN-B w/ AWMS, w/o 3x3", "0.1282", ""),
        ("AWSRN-B w/ AWMS, w/o 7x7", "-0.0003", "38.11"),
        ("AWSRN-B w/ AWMS, w/o 9x9", "0.0173", "38.10"),
    ],
)
def test_table_4_is_as_printed(label: str, weight: str, psnr_db: str) -> None:
    assert value(4, label, 2, "removed_weight", "Set5") == weight
    assert value(4, label, 2, "psnr_db", "Set5") == psnr_db


@pytest.mark.parametrize(
    ("label", "scale", "metric", "set_name", "printed"),
    [
        ("AWSRN", 2, "params_k", "", "1397"),
        ("AWSRN", 2, "multi_adds_g", "", "320.5"),
        ("AWSRN", 2, "psnr_db", "Set5", "38.11"),
        ("AWSRN", 2, "ssim", "Set5", "0.9608"),
        ("AWSRN-M", 2, "params_k", "", "1063"),
        ("AWSRN", 4, "psnr_db", "Set5", "32.27"),
        ("AWSRN", 8, "ssim", "Manga109", "0.7782"),
        ("AWSRN-SD", 3, "psnr_db", "Set14", "32.21"),
        ("SRCNN", 2, "psnr_db", "Urban100", "29.50"),
        ("DRCN", 2, "multi_adds_g", "", "17974"),
        ("CARN", 2, "psnr_db", "Manga109", ""),
        ("LapSRN", 8, "multi_adds_g", "", ""),
    ],
)
def test_table_5_is_as_printed(
    label: str, scale: int, metric: str, set_name: str, printed: str
) -> None:
    assert value(5, label, scale, metric, set_name) == printed


def test_mean_of_table_3_is_the_plain_mean_of_the_set_means_in_table_5() -> None:
    scores = [
        cell.value
        for cell in load(5)
        if (cell.label, cell.scale, cell.metric) == ("AWSRN", 2, "psnr_db") and cell.value
    ]
    assert len(scores) == 5
    assert round(sum(scores) / 5, 1) == Decimal("35.1")


def test_suspicious_cells_carry_a_note() -> None:
    cell = cell_of(5, "AWSRN-SD", 3, "psnr_db", "Set14")
    assert "almost surely 30.21" in cell.note


def test_doubts_about_values_are_known() -> None:
    """By hand from the notes: eight cells of Table 5, and one of Table 4."""
    doubted = {(c.label, c.scale, c.set, c.metric) for c in load(5) if c.doubt}
    assert doubted == {
        ("AWSRN-SD", 3, "Set5", "ssim"),
        ("AWSRN-SD", 3, "Set14", "psnr_db"),
        ("AWSRN-SD", 4, "B100", "ssim"),
        ("VDSR", 8, "Set14", "psnr_db"),
        *(("DRCN", 8, name, "psnr_db") for name in ("Set5", "Set14", "B100", "Urban100")),
    }
    assert [(c.label, str(c.value)) for c in load(4) if c.doubt] == [
        ("WDSR w/ AWMS, w/o 3x3", "32.92")
    ]
    assert not any(c.doubt for table in (1, 2, 3) for c in load(table))


def test_ssim_at_x8_does_not_compare() -> None:
    apart = {(c.scale, c.metric) for c in load(5) if not c.comparable}
    assert apart == {(8, "ssim")}


def test_a_cell_that_is_not_published_is_none() -> None:
    assert find(load(1), label="AWRU", scale=4, metric="mean_psnr_db") is None
    assert find(load(5), label="AWSRN", scale=2, metric="psnr_db") is None, "a value of a set"
    assert find(load(5), label="AWSRN", scale=2, metric="params_k") is not None


def test_rows_are_read_from_any_folder(tmp_path: Path) -> None:
    (tmp_path / "table7.csv").write_text(
        f'{HEADER}\n7,"A, B",3,Set5,psnr_db,30.10,"as, is",exact\n'
    )
    assert load(7, tmp_path) == (
        Published(7, "A, B", 3, "Set5", "psnr_db", Decimal("30.10"), "as, is", "exact"),
    )


def test_unknown_table_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no published table 6 \(known: 1, 2, 3, 4, 5\)"):
        load(6)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "expected the columns table,label"),
        ("label,scale\n", 1, "got label,scale"),
        (f"{HEADER}\n1,AWRU,2,,psnr_db,35.O2,,\n", 2, "'35.O2'"),
        (f"{HEADER}\n1,AWRU,2,,psnr_db,NaN,,\n", 2, "value: expected a number, not 'NaN'"),
        (
            f"{HEADER}\n1,AWRU,two,,psnr_db,35.02,,\n",
            2,
            "scale: expected a whole number, not 'two'",
        ),
        (f"{HEADER}\n1,AWRU,2,,psnr_db,35.02\n", 2, "expected 8 fields, got 6"),
        (f"{HEADER}\n2,AWRU,2,,psnr_db,35.02,,\n", 2, "expected table 1, not 2"),
        (f"{HEADER}\n1,,2,,psnr_db,35.02,,\n", 2, "label and metric must not be empty"),
        (f"{HEADER}\n1,A,2,,p,1,,\n1,A,2,,p,2,,\n", 3, "same cell stands in line 2"),
        (
            f"{HEADER}\n1,A,2,,p,1,,good\n",
            2,
            "status: expected one of empty, exact, explained, open, not 'good'",
        ),
        (f'{HEADER}\n1,A,2,,p,1,"open\n', 2, "unexpected end of data"),
    ],
)
def test_broken_file_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    path = tmp_path / "table1.csv"
    path.write_text(text)
    with pytest.raises(RecordError) as caught:
        load(1, tmp_path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)


def test_binary_file_is_an_error_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "table1.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecordError, match=r"table1\.csv:1: is not UTF-8"):
        load(1, tmp_path)
