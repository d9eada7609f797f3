"""Records and published values meet in the right cells."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from harness.config.ablation import Ablation, Row, load
from harness.records.learned import LearnedScalars
from harness.records.origin import Inputs, TrainingSet
from harness.records.record import ImageScore, Record, SetScore
from harness.reports.tables.ablation import build
from harness.reports.tables.table import Table, TableCell

FIVE = ("Set5", "Set14", "B100", "Urban100", "Manga109")
AWRU = load("awru")
RECORD = Record.from_json(
    (Path(__file__).parents[2] / "files" / "record.json").read_text(), source="record.json"
)
PARAMS = {"wdsr_basic": 1_190_100, "wdsr_wru": 1_198_868, "wdsr_awru": 1_190_132}


def made(model: str, psnr_db: float, *, seed: int = 0, sets: tuple[str, ...] = ("Set5",)) -> Record:
    """Return a record whose PSNR falls by 1 dB from set to set."""
    scores = (SetScore(name, "files", name, (), psnr_db - i, 0.93) for i, name in enumerate(sets))
    return replace(
        RECORD,
        id=f"{model}-x2-s{seed}-0123456789ab",
        model=model,
        seed=seed,
        params=PARAMS.get(model, 1000),
        scores=tuple(scores),
    )


def bicubic(sets: tuple[str, ...] = ("Set5",)) -> Record:
    record = made("bicubic", 33.67, sets=sets)
    return replace(record, label="Bicubic", group="", seed=None, steps=0, params=0, multi_adds=0)


def whole(sets: tuple[str, ...] = ("Set5",)) -> list[Record]:
    return [
        made("wdsr_basic", 34.0, sets=sets),
        made("wdsr_wru", 34.5, sets=sets),
        made("wdsr_awru", 34.25, sets=sets),
    ]


def cells(table: Table, key: str) -> list[TableCell]:
    index = [column.key for column in table.columns].index(key)
    return [row.cells[index] for row in table.rows]


def only(tables: tuple[Table, ...]) -> Table:
    assert len(tables) == 1
    return tables[0]


def test_table_1_has_exactly_these_columns() -> None:
    table = only(build(AWRU, [bicubic(), *whole()]))
    assert [column.title.replace("\n", " ") for column in table.columns if column.printed] == [
        "Unit",
        "Params",
        "Params diff. (ours)",
        "Params diff. (paper)",
        "Multi-Adds (G)",
        "Set5 PSNR/SSIM",
        "",
        "Mean PSNR (ours)",
        "Diff. to base (dB)",
        "Mean PSNR (paper)",
    ]


def test_table_1_has_exactly_these_cells() -> None:
    table = only(build(AWRU, [bicubic(), *whole()]))
    assert table.name == "awru_x2_T291_300steps"
    assert cells(table, "label") == ["Bicubic", "Basic RU", "wRU", "AWRU"]
    assert [row.reference for row in table.rows] == [True, False, False, False]
    assert cells(table, "ours_params") == [0, 1_190_100, 1_198_868, 1_190_132]
    assert cells(table, "ours_params_diff") == [None, 0, 8768, 32]
    assert cells(table, "paper_params_diff") == [None, Decimal(0), Decimal(8768), Decimal(32)]
    assert cells(table, "ours_multi_adds") == [0] + 3 * [273_000_000_000]
    assert cells(table, "ours_Set5_psnr_db") == [33.67, 34.0, 34.5, 34.25]
    assert cells(table, "ours_mean_psnr_db") == [33.67, 34.0, 34.5, 34.25]
    assert cells(table, "ours_mean_psnr_diff_db") == [pytest.approx(-0.33), 0.0, 0.5, 0.25]
    assert [str(cell) for cell in cells(table, "paper_mean_psnr_db")] == [
        "None",
        "34.99",
        "35.02",
        "35.02",
    ]


def test_every_cell_traces_to_its_record_or_published_row() -> None:
    table = only(build(AWRU, whole()))
    assert cells(table, "record_ids")[2] == "wdsr_awru-x2-s0-0123456789ab"
    assert cells(table, "commit") == 3 * ["0123456789abcdef0123456789abcdef01234567"]
    assert cells(table, "seeds") == 3 * ["0"]
    assert cells(table, "steps") == 3 * ["300"]
    assert cells(table, "device") == 3 * ["cpu (Some CPU)"]
    assert cells(table, "paper_source") == 3 * ["published/table1.csv"]


def test_mean_is_the_plain_mean_over_the_sets() -> None:
    table = only(build(AWRU, whole(("Set5", "Set14"))))
    assert cells(table, "ours_Set14_psnr_db") == [33.0, 33.5, 33.25]
    assert cells(table, "ours_mean_psnr_db") == [33.5, 34.0, 33.75]


def test_rows_not_run_yet_are_blank_and_named() -> None:
    table = only(build(AWRU, [made("wdsr_basic", 34.0), made("wdsr_awru", 34.25)]))
    assert cells(table, "label") == ["Basic RU", "wRU", "AWRU"]
    assert cells(table, "ours_params")[1] is None
    assert cells(table, "ours_Set5_psnr_db") == [34.0, None, 34.25]
    assert cells(table, "ours_mean_psnr_diff_db") == [0.0, None, 0.25]
    assert cells(table, "paper_mean_psnr_db")[1] == Decimal("35.02")
    assert cells(table, "record_ids")[1] is None
    assert "Not run yet: wRU." in table.notes


def test_differences_are_blank_without_the_base_row() -> None:
    table = only(build(AWRU, [made("wdsr_wru", 34.5), made("wdsr_awru", 34.25)]))
    assert cells(table, "ours_params_diff") == [None, None, None]
    assert cells(table, "ours_mean_psnr_diff_db") == [None, None, None]


def test_a_cell_is_the_mean_over_its_seeds() -> None:
    records = [*whole(), made("wdsr_awru", 34.75, seed=1)]
    table = only(build(AWRU, records))
    assert cells(table, "ours_Set5_psnr_db")[2] == 34.5
    assert cells(table, "seeds") == ["0", "0", "0, 1"]


def test_each_group_has_a_table_of_its_own() -> None:
    longer = [
        replace(record, id=f"{record.id}-b", group="bbbbbbbbbbbb", steps=3000) for record in whole()
    ]
    tables = build(AWRU, [*whole(), *longer])
    assert [table.name for table in tables] == ["awru_x2_T291_3000steps", "awru_x2_T291_300steps"]


def test_groups_that_would_share_a_file_name_are_told_apart() -> None:
    other = [replace(record, id=f"{record.id}-b", group="bbbbbbbbbbbb") for record in whole()]
    tables = build(AWRU, [*whole(), *other])
    assert [table.name for table in tables] == [
        "awru_x2_T291_300steps_aaaaaa",
        "awru_x2_T291_300steps_bbbbbb",
    ]


def test_trainings_of_the_newest_recipe_have_the_plain_name_and_earlier_ones_their_number() -> None:
    again = [
        replace(record, id=f"{record.id}-b", group="bbbbbbbbbbbb", recipe=2) for record in whole()
    ]
    (before,) = build(AWRU, whole())
    tables = build(AWRU, [*whole(), *again])
    by_name = {table.name: table for table in tables}
    assert by_name.keys() == {f"{before.name}_recipe1", before.name}
    assert replace(by_name[f"{before.name}_recipe1"], name=before.name) == before
    (alone,) = build(AWRU, again)
    assert alone.name == before.name


def test_a_difference_of_means_over_other_images_is_blank_and_says_why() -> None:
    """wRU is perfect on one image of two: its mean of 33 would lose 1 dB against 34."""

    def scored(record: Record, *psnr_db: float) -> Record:
        images = tuple(ImageScore(f"i{n}", value, 0.9) for n, value in enumerate(psnr_db))
        return replace(record, scores=(SetScore.of("Set5", "files", "Set5", images),))

    basic, wru, awru = whole()
    records = [scored(basic, 35, 33), scored(wru, float("inf"), 33), scored(awru, 36, 33)]
    table = only(build(AWRU, records))
    assert cells(table, "ours_mean_psnr_db") == [34, 33, 34.5]
    assert cells(table, "ours_mean_psnr_diff_db") == [0, None, 0.5]
    (note,) = [note for note in table.notes if "infinite" in note]
    assert "wRU to Basic RU (Set5)" in note
    assert "AWRU to" not in note.replace("wRU to", "", 1)


def test_order_of_the_records_does_not_matter() -> None:
    records = [bicubic(), *whole(FIVE), made("wdsr_awru", 34.7, seed=1, sets=FIVE)]
    assert build(AWRU, records) == build(AWRU, records[::-1])


def test_file_names_are_safe_whatever_the_training_set_is_called() -> None:
    data = Inputs(TrainingSet("my photos/2024: best", 3, ""))
    records = [replace(record, data=data) for record in whole()]
    assert only(build(AWRU, records)).name == "awru_x2_my-photos-2024-best_300steps"


def test_other_scales_have_no_published_columns() -> None:
    records = [replace(record, scale=4) for record in whole()]
    table = only(build(AWRU, records))
    assert table.name == "awru_x4_T291_300steps"
    assert not [
        column.key
        for column in table.columns
        if column.key.startswith("paper_") and (column.printed)
    ]
    assert any("300 of the 1,000,000 steps" in note for note in table.notes)


def test_headings_say_ours_only_beside_the_papers() -> None:
    """Table 1 prints parameters and means; at x4 the paper has none of them."""
    for scale, ours in ((2, {"Params diff. (ours)", "Mean PSNR (ours)"}), (4, set())):
        table = only(build(AWRU, [replace(record, scale=scale) for record in whole()]))
        titles = [column.title.replace("\n", " ") for column in table.columns]
        assert {title for title in titles if "(ours)" in title} == ours
        assert all(title.replace("(ours)", "(paper)") in titles for title in ours)


def test_a_network_alone_shows_its_gain_over_bicubic() -> None:
    """33.67 dB is bicubic's here: a network with 36.17 gains 2.5 dB."""
    alone = Ablation(name="one", title="One", rows=(Row("mine", "awsrn_s"),), base="mine")
    table = only(build(alone, [bicubic(), made("awsrn_s", 36.17)]))
    assert cells(table, "label") == ["Bicubic", "mine"]
    assert cells(table, "ours_mean_psnr_diff_db")[1] == pytest.approx(2.5)
    titles = [column.title.replace("\n", " ") for column in table.columns if column.printed]
    assert "Gain over bicubic (dB)" in titles
    assert not [title for title in titles if title.startswith("Params diff.")]


def test_scores_and_costs_of_table_5_stand_beside_ours() -> None:
    rows = (Row("AWSRN", "awsrn"), Row("CARN", "carn"))
    comparison = Ablation(name="cmp", title="Cost", rows=rows, base="AWSRN", table=5)
    table = only(build(comparison, [made("awsrn", 34.0, sets=FIVE), made("carn", 33.0, sets=FIVE)]))
    titles = [column.title.replace("\n", " ") for column in table.columns]
    assert titles[1:3] == ["Params (ours)", "Params (K) (paper)"]
    assert {"Set5 PSNR/SSIM (ours)", "Set5 PSNR/SSIM (paper)"} < set(titles)
    assert cells(table, "paper_params_k") == [Decimal(1397), Decimal(1592)]
    assert cells(table, "paper_multi_adds_g") == [Decimal("320.5"), Decimal("222.8")]
    assert cells(table, "paper_Set5_psnr_db") == [Decimal("38.11"), Decimal("37.76")]
    assert cells(table, "paper_Manga109_ssim") == [Decimal("0.9776"), None]
    assert "paper_mean_psnr_db" not in [column.key for column in table.columns]


def test_a_users_ablation_needs_no_published_table() -> None:
    rows = (Row("plain", "net"), Row("w/o 3x3", "net", drop=(3,)))
    mine = Ablation(name="mine", title="Mine", rows=rows, base="plain", benchmarks=("Set5",))
    records = [made("net", 30.0), replace(made("net", 29.0), id="b", drop=(3,))]
    table = only(build(mine, records))
    assert table.title == "Mine, x2"
    assert table.columns[0].title == "Variant"
    assert cells(table, "ours_Set5_psnr_db") == [30.0, 29.0]


def test_an_ablation_without_records_has_no_table() -> None:
    assert build(AWRU, []) == ()


def test_a_published_column_without_any_value_is_left_out() -> None:
    carn = Ablation(name="c", title="C", rows=(Row("CARN", "carn"),), base="CARN", table=5)
    keys = [column.key for column in only(build(carn, [made("carn", 33.0, sets=FIVE)])).columns]
    assert "paper_Urban100_psnr_db" in keys
    assert "paper_Manga109_psnr_db" not in keys


def test_published_means_are_over_five_sets_whatever_the_ablation_scores() -> None:
    table = only(build(replace(AWRU, benchmarks=("Set5",)), whole()))
    assert any("missing: Set14, B100, Urban100, Manga109;" in note for note in table.notes)


def test_tables_import_neither_torch_nor_mlflow_nor_pandas() -> None:
    code = (
        "import sys, harness.reports.write;"
        "print(*sorted({'torch', 'mlflow', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_share_of_the_global_path_stands_apart_from_the_block() -> None:
    """WDSR's 5x5 path has 576 scalars more than the 3x3 one: AWSRN-NL is then +32 (Table 2)."""
    params = {"wdsr_basic": 1_190_100, "awsrn_nl": 1_189_556}
    records = [
        replace(RECORD, id=model, model=model, overrides={}, params=count)
        for model, count in params.items()
    ]
    (table,) = build(load("lfb"), records)
    keys = [column.key for column in table.columns]
    diffs = {row.cells[0]: row.cells[keys.index("ours_params_diff")] for row in table.rows}
    assert (diffs["baseline"], diffs["AWSRN-NL"]) == (576, 32)
    assert any("-576 relative to baseline" in note for note in table.notes)


def test_networks_without_a_branch_are_compared_with_themselves_whole() -> None:
    """Table 4: the weight is the whole network's, and so is what the loss is taken from."""
    rows = (Row("A", "a"), Row("B", "b"), Row("B w/o 3x3", "b", drop=(3,)))
    alpha = LearnedScalars(alpha={3: 0.25, 5: 0.5})
    records = [
        made("a", 30.0),
        replace(made("b", 33.0), learned=alpha),
        replace(made("b", 32.0), id="b-drop3", drop=(3,), params=made("b", 33.0).params - 7),
    ]
    table = only(build(Ablation("t", "T", rows, base="A"), records))
    assert cells(table, "ours_mean_psnr_diff_db") == [0.0, 3.0, -1.0]
    assert cells(table, "ours_params_diff")[2] == -7
    assert cells(table, "ours_removed_weight") == [None, None, 0.25]
    assert {column.kind for column in table.columns if "removed_weight" in column.key} == {"weight"}
    assert any(note.endswith("relative to B: B w/o 3x3.") for note in table.notes)


def test_a_row_may_be_compared_with_another_than_the_base_row() -> None:
    """Table 3: AWMS on AWSRN-B is compared with AWSRN-B, not with WDSR."""
    rows = (Row("A", "a"), Row("B", "b"), Row("B+", "c", base="B"), Row("B++", "d", base="B"))
    scores = {"a": 30.0, "b": 33.0, "c": 32.5, "d": 34.0}
    records = [made(model, psnr) for model, psnr in scores.items()]
    table = only(build(Ablation("t", "T", rows, base="A"), records))
    assert cells(table, "ours_mean_psnr_diff_db") == [0.0, 3.0, -0.5, 1.0]
    assert cells(table, "base") == ["A", "A", "B", "B"]
    assert any(note.endswith("relative to B: B+; B++.") for note in table.notes)
    table = only(build(Ablation("t", "T", rows, base="A"), records[:1] + records[2:]))
    assert cells(table, "ours_mean_psnr_diff_db") == [0.0, None, None, None]


def test_a_count_in_doubt_is_no_number_and_has_its_reason_below() -> None:
    doubtful = replace(made("wdsr_wru", 34.5), multi_adds=None, count_doubts=("by NumPy",))
    table = only(build(AWRU, [bicubic(), made("wdsr_basic", 34.0), doubtful]))
    assert cells(table, "ours_multi_adds").count("n/a") == 1
    (note,) = (note for note in table.notes if "n/a" in note)
    assert "by NumPy" in note
