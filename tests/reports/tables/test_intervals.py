"""Rows with several seeds show spread, interval and p; rows with one look as before."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import stdev

import pytest
from scipy import stats

from harness.config.ablation import Ablation, Pair, Row
from harness.records.record import ImageScore, Record, SetScore
from harness.reports.tables.ablation import build
from harness.reports.tables.latex import to_latex
from harness.reports.tables.render import to_csv, to_markdown
from harness.reports.tables.table import Column, ColumnKind, Table, TableCell, format_value

RECORD = Record.from_json(
    (Path(__file__).parents[2] / "files" / "record.json").read_text(), source="record.json"
)
ABC = Ablation(
    name="abc",
    title="A, B and C",
    rows=(Row("A", "a"), Row("B", "b"), Row("C", "c")),
    base="A",
    benchmarks=("Set5",),
)


def made(
    model: str, seed: int, psnr_db: Sequence[float], ssim: Sequence[float] = (0.9, 0.9, 0.9)
) -> Record:
    """Return a record with these scores, one an image."""
    images = tuple(
        ImageScore(f"i{i}", *values) for i, values in enumerate(zip(psnr_db, ssim, strict=True))
    )
    scores = (SetScore.of("Set5", "files", "pixels", images),)
    return replace(RECORD, id=f"{model}-x2-s{seed}", model=model, seed=seed, scores=scores)


def row(model: str, shift: Sequence[float], *, first_seed: int = 0) -> list[Record]:
    """Return one record a shift in dB, alike on three images up to 0.01 dB."""
    return [
        made(model, first_seed + i, [30.0 + by, 31.0 + by + 0.01 * i, 35.0 + by])
        for i, by in enumerate(shift)
    ]


BASE = row("a", [0.0, 0.5, -0.5])
BETTER = row("b", [0.3, 0.82, -0.21])
ALIKE = row("c", [0.2, 0.4, -0.6])


def table(records: Sequence[Record]) -> Table:
    (found,) = build(ABC, records)
    return found


def cells(found: Table, key: str) -> list[TableCell]:
    index = [column.key for column in found.columns].index(key)
    return [each.cells[index] for each in found.rows]


def column(found: str, head: str) -> list[str]:
    """Return the cells below a heading of a Markdown table."""
    lines = [line[2:-2].split(" | ") for line in found.splitlines() if line.startswith("|")]
    index = lines[0].index(head)
    return [line[index].strip() for line in lines[2:]]


def test_one_seed_a_row_shows_nothing_new() -> None:
    found = table([BASE[0], BETTER[0]])
    keys = " ".join(each.key for each in found.columns)
    assert not any(word in keys for word in ("_sd_", "_low_", "_p_"))
    assert not any("nterval" in note for note in found.notes)


def test_one_seed_a_row_loads_neither_numpy_nor_scipy() -> None:
    code = (
        "import sys; from pathlib import Path; from harness.config import ablation;"
        "from harness.records import record; from harness.reports.tables.ablation import build;"
        "single = [stored for stored in record.load_all(Path()) if not stored.seed];"
        "assert build(ablation.load('awru'), single);"
        "print(*{'numpy', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_spread_is_the_standard_deviation_of_the_seeds_means() -> None:
    found = table([*BASE, *BETTER])
    means = [record.scores[0].psnr_db for record in BASE]
    assert cells(found, "ours_mean_psnr_sd_db")[0] == pytest.approx(stdev(means))


def test_intervals_are_paired_by_seed() -> None:
    # The difference is the same on every image: the t test over three seeds.
    found = table([*BASE, *BETTER])
    paired = stats.ttest_rel([0.3, 0.82, -0.21], [0.0, 0.5, -0.5])
    low, high = paired.confidence_interval()
    assert cells(found, "ours_mean_psnr_diff_low_db")[1] == pytest.approx(low, abs=1e-6)
    assert cells(found, "ours_mean_psnr_diff_high_db")[1] == pytest.approx(high, abs=1e-6)
    assert cells(found, "ours_mean_psnr_diff_p")[1] == pytest.approx(paired.pvalue, rel=1e-6)
    assert cells(found, "ours_mean_psnr_diff_df")[1] == pytest.approx(2, rel=1e-6)


def test_the_base_has_no_interval() -> None:
    found = table([*BASE, *BETTER])
    assert cells(found, "ours_mean_psnr_diff_low_db")[0] is None
    assert cells(found, "ours_mean_psnr_diff_db")[0] == 0
    assert not any("No interval" in note for note in found.notes)


def test_p_is_corrected_for_the_rows() -> None:
    found = table([*BASE, *BETTER, *ALIKE])
    plain = cells(found, "ours_mean_psnr_diff_p")
    corrected = cells(found, "ours_mean_psnr_diff_p_corrected")
    assert corrected[1] == pytest.approx(2 * float(str(plain[1])))
    assert corrected[2] == pytest.approx(float(str(plain[2])))
    assert any("Holm-corrected for 2 rows" in note for note in found.notes)


def test_an_interval_that_holds_zero_is_marked() -> None:
    found = to_markdown(table([*BASE, *BETTER, *ALIKE]))
    base, better, alike = column(found, "95 % interval (dB)")
    assert base == ""
    assert better == "\\[+0.265, +0.341\\]"
    assert alike.startswith("\\[-0.")
    assert alike.endswith("\\] n.s.")
    assert column(found, "p (corrected)")[:2] == ["", "0.002"]


def test_latex_prints_minus_signs_within_an_interval() -> None:
    found = to_latex(table([*BASE, *BETTER, *ALIKE]))
    assert "& [$-$0." in found
    assert "[+0.265, +0.341]" in found


def test_the_csv_file_has_every_number_in_a_column_of_its_own() -> None:
    header = to_csv(table([*BASE, *BETTER])).splitlines()[0].split(",")
    ends = "low_db high_db p_corrected p df bootstrap_low_db bootstrap_high_db detectable_db"
    assert {f"ours_mean_psnr_diff_{end}" for end in ends.split()} < set(header)
    assert "ours_mean_psnr_sd_db" in header


def test_notes_name_what_could_be_detected_and_what_pairing_gains() -> None:
    notes = table([*BASE, *BETTER]).notes
    (note,) = (note for note in notes if note.startswith("Minimum detectable difference"))
    ends = re.search(r": B ([\d.]+) to ([\d.]+) dB\.$", note)
    assert ends
    low, high = map(float, ends.groups())
    (point,) = cells(table([*BASE, *BETTER]), "ours_mean_psnr_diff_detectable_db")[1:2]
    assert low < float(str(point)) < high
    assert any("Gain of common seeds" in note and "(1." in note for note in notes)


def test_rows_of_different_seeds_are_not_paired_and_named() -> None:
    shifted = row("b", [0.3, 0.82, -0.21], first_seed=5)
    found = table([*BASE, *shifted])
    paired = table([*BASE, *BETTER])
    key = "ours_mean_psnr_diff_half_width_db"
    assert float(str(cells(found, key)[1])) > 10 * float(str(cells(paired, key)[1]))
    assert any(
        note.startswith("Not paired by seed") and note.endswith(": B.") for note in found.notes
    )
    assert not any("Gain of" in note for note in found.notes)


def test_the_gain_over_bicubic_of_a_network_alone_has_an_interval() -> None:
    """Three seeds with gains of 2.0, 2.2 and 2.1 dB on every image: the t test over seeds."""
    gains = (2.0, 2.2, 2.1)
    runs = [made("a", seed, [28.0 + by, 29.0 + by, 33.0 + by]) for seed, by in enumerate(gains)]
    bicubic = replace(
        made("bicubic", 0, [28.0, 29.0, 33.0]), group="", seed=None, steps=0, label="Bicubic"
    )
    alone = Ablation(name="a", title="A", rows=(Row("A", "a"),), base="A")
    (found,) = build(alone, [*runs, bicubic])
    interval = stats.ttest_1samp(gains, 0).confidence_interval()
    assert cells(found, "ours_mean_psnr_diff_db")[1] == pytest.approx(2.1)
    assert cells(found, "ours_mean_psnr_diff_low_db")[1] == pytest.approx(interval.low)
    assert cells(found, "ours_mean_psnr_diff_high_db")[1] == pytest.approx(interval.high)
    assert not [note for note in found.notes if note.startswith("No interval")]


def test_no_gain_is_said_where_common_seeds_widen_the_interval() -> None:
    """Row c falls where the base rises, so that the difference moves twice as far as either."""
    found = table([*BASE, *BETTER, *row("c", [0.2, -0.4, 0.6])])
    (note,) = [note for note in found.notes if "common seeds" in note]
    gain, no_gain = note.split("No gain of common seeds")
    assert "B 0." in gain
    assert "C " not in gain
    assert "C " in no_gain
    half_width, unrelated = (
        cells(found, f"ours_mean_psnr_diff_half_width{key}")[2] for key in ("_db", "_unrelated_db")
    )
    assert half_width > unrelated


def test_a_row_of_one_seed_is_marked_as_over_images_alone() -> None:
    found = table([*BASE, *BETTER, made("c", 0, [30.2, 31.5, 35.0])])
    assert cells(found, "ours_mean_psnr_diff_over")[2] == "images"
    assert str(cells(found, "ours_mean_psnr_diff_mark")[2]) == "\u2020 n.s."
    assert any(note.startswith("\u2020") and note.endswith("seeds: C.") for note in found.notes)


def test_rows_without_scores_of_images_have_no_interval_and_are_named() -> None:
    bare = [
        replace(record, scores=(replace(record.scores[0], images=()),))
        for record in row("c", [0, 1])
    ]
    found = table([*BASE, *BETTER, *bare])
    assert cells(found, "ours_mean_psnr_diff_low_db")[2] is None
    assert any(note.startswith("No interval") and note.endswith(": C.") for note in found.notes)


def test_infinite_scores_have_no_interval() -> None:
    perfect = [made("c", seed, [30.0, float("inf"), 35.0]) for seed in range(3)]
    found = table([*BASE, *BETTER, *perfect])
    assert cells(found, "ours_mean_psnr_diff_low_db")[2] is None


def test_without_the_base_row_only_the_spread_is_shown() -> None:
    found = table([*BETTER, *ALIKE])
    assert cells(found, "ours_mean_psnr_sd_db")[1] is not None
    assert cells(found, "ours_mean_psnr_diff_low_db") == [None, None, None]


def test_rows_not_run_yet_are_blank() -> None:
    found = table([*BASE, *BETTER])
    assert cells(found, "ours_mean_psnr_sd_db")[2] is None
    assert cells(found, "ours_mean_psnr_diff_mark")[2] is None


def test_ssim_stands_in_the_csv_file_and_in_a_note() -> None:
    """SSIM rises by 0.010, 0.012 and 0.011 on all images: the t test over three seeds."""
    base = [made("a", seed, [30, 31, 35]) for seed in range(3)]
    gains = (0.010, 0.012, 0.011)
    better = [made("b", seed, [30, 31, 35], [0.9 + by] * 3) for seed, by in enumerate(gains)]
    found = table([*base, *better])
    interval = stats.ttest_1samp(gains, 0).confidence_interval()
    assert cells(found, "ours_mean_ssim_diff")[1] == pytest.approx(0.011)
    assert cells(found, "ours_mean_ssim_diff_low")[1] == pytest.approx(interval.low)
    assert cells(found, "ours_mean_ssim_diff_high")[1] == pytest.approx(interval.high)
    assert cells(found, "ours_mean_ssim_diff_mark")[1] is None
    assert cells(found, "ours_mean_ssim_diff_p_corrected")[1] == pytest.approx(
        stats.ttest_1samp(gains, 0).pvalue
    )
    assert any(f"B: +0.01100 [{interval.low:+.5f}, {interval.high:+.5f}]" in n for n in found.notes)
    assert not any(column.printed and "ssim_diff" in column.key for column in found.columns)


def test_pairs_stand_under_the_table_and_in_one_of_their_own() -> None:
    """C to B: -0.1, -0.42 and -0.39 dB on all images, tested beside the two rows."""
    paired = replace(ABC, pairs=(Pair(row="C", base="B", shows="the rest"),))
    whole, small = build(paired, [*BASE, *BETTER, *ALIKE])
    assert small.name == f"{whole.name}_pairs"
    test = stats.ttest_1samp([-0.1, -0.42, -0.39], 0)
    interval = test.confidence_interval()
    assert [cells(small, key) for key in ("row", "base", "shows")] == [["C"], ["B"], ["the rest"]]
    assert cells(small, "ours_mean_psnr_diff_low_db")[0] == pytest.approx(interval.low, abs=1e-6)
    note = next(note for note in whole.notes if note.startswith("Pairs"))
    assert f"C to B (the rest): -0.303 [{interval.low:.3f}, {interval.high:+.3f}] n.s." in note
    assert any("2 rows and 1 pair." in note for note in whole.notes)
    plain = [*cells(whole, "ours_mean_psnr_diff_p")[1:], *cells(small, "ours_mean_psnr_diff_p")]
    corrected = cells(small, "ours_mean_psnr_diff_p_corrected")[0]
    assert sorted(map(float, map(str, plain)))[1] == pytest.approx(test.pvalue, rel=1e-6)
    assert corrected == pytest.approx(2 * test.pvalue, rel=1e-6)


def test_pairs_that_were_not_run_have_no_table() -> None:
    paired = replace(ABC, pairs=(Pair(row="C", base="B"),))
    (found,) = build(paired, [*BASE, *BETTER])
    assert any("for 1 row." in note for note in found.notes)
    assert not any(note.startswith("Pairs") for note in found.notes)


def test_a_loss_that_every_image_shows_is_said_beside_n_s() -> None:
    """Losses of 1, 4 and 0.1 dB on all 3 images: p of the sign test is 2 / 2^3."""
    losing = row("b", [-1.0, -3.5, -0.6])
    found = table([*BASE, *losing])
    assert cells(found, "ours_mean_psnr_diff_mark")[1] == "n.s. \u2021"
    assert cells(found, "ours_mean_psnr_diff_images_worse")[1] == 3
    assert cells(found, "ours_mean_psnr_diff_sign_p")[1] == 0.25
    assert any(
        note.startswith("\u2021")
        and note.endswith("B: all 3 images lose in all 3 seeds, sign test p 0.250.")
        for note in found.notes
    )
    assert not any(note.startswith("\u2021") for note in table([*BASE, *ALIKE]).notes)


def test_the_note_of_an_ablation_stands_under_its_tables() -> None:
    (found,) = build(replace(ABC, note="Mind the path."), [*BASE, *BETTER])
    assert "Mind the path." in found.notes


@pytest.mark.parametrize(
    ("value", "kind", "printed"),
    [
        (-0.00048, "diff", "-0.0005"),
        (0.000042, "diff", "+0.00004"),
        (0.000004, "diff", "0.000"),
        (0.0, "diff", "0.000"),
        (-0.0206, "diff", "-0.021"),
        (0.00046, "ssim_diff", "+0.00046"),
        (-0.0000012, "ssim_diff", "-0.000001"),
    ],
)
def test_a_difference_is_not_rounded_to_zero(value: float, kind: ColumnKind, printed: str) -> None:
    assert format_value(value, Column("x", kind=kind, signed=True)) == printed
