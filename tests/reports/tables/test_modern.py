"""Efficient networks of today: values as printed and as counted from the authors' modules."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import RecordError
from harness.models import registry
from harness.records import counts
from harness.reports.tables import chosen, modern, modern_rows, render
from harness.reports.tables.latex import to_latex

ROOT = Path(__file__).parents[3]
PAN_X4 = "739fab99ee7b7058dab4d1b84aa2869bb9fc3995a1c08789c20355bee943833c"
PLUS_DF2K_X4 = "28a807e1ee1f46a990458efd813654ea0ba023148a8423e49847d9b5c4f98ca3"


@pytest.fixture
def rows(tmp_path):
    """What makes the rows of the CSV form by label, scale and training set."""

    def of(*records):
        table = modern.build(records, tmp_path)
        found = csv.DictReader(io.StringIO(render.to_csv(table)))
        return {(row["label"], int(row["scale"]), row["images"]): row for row in found}

    return of


@pytest.mark.parametrize(
    ("label", "scale", "images", "expected"),
    [
        ("IMDN", 2, "DIV2K", "694 158.8"),
        ("PAN", 3, "DF2K", "261 39.0"),
        ("RFDN", 4, "DIV2K", "550 23.9"),
        ("RFDN-L", 3, "DIV2K", "633 65.6"),
        ("ShuffleMixer", 4, "DF2K", "411 28"),
        ("BSRN", 4, "DF2K", "352 19.4"),
        ("ECBSR-M16C64", 2, "", "596 137.31"),
        ("VapSR", 4, "DF2K", "342 19.5"),
        ("SAFMN", 2, "DF2K", "228 52"),
        ("SMFANet", 3, "DIV2K", "191 19"),
        ("SMFANet+", 2, "DF2K", "480 108"),
    ],
)
def test_counts_are_as_printed(rows, label, scale, images, expected):
    row = rows()[label, scale, images]
    assert [row["printed_params_k"], row["printed_multi_adds_g"]] == expected.split()
    assert row["printed_file"] == "published/modern.csv"
    assert row["printed_source"]


@pytest.mark.parametrize(
    ("label", "scale", "images", "params", "trained", "multi_adds_g"),
    [
        ("RFDN", 4, "DIV2K", 433448, "", 23.759),
        ("RFDN-L", 2, "DIV2K", 663870, "", 144.583),
        ("PAN", 4, "DF2K", 272419, "", 28.164),
        ("ECBSR-M16C64", 2, "", 594884, "2190932", 136.559),
        ("SPAN", 4, "", 498208, "2157136", 28.631),
        ("SPAN-S", 4, "", 426288, "1840488", 24.493),
        ("SMFANet+", 2, "", 480300, "", 101.144),
    ],
)
def test_counts_of_ours_are_those_of_the_authors_modules(
    rows, label, scale, images, params, trained, multi_adds_g
):
    found = {(one, at): row for (one, at, _), row in rows().items()}
    row = found[label, scale]
    assert row["images"] in (images, "DIV2K", "DF2K")
    assert row["params"] == str(params)
    assert row["params_trained"] == trained
    assert int(row["multi_adds"]) / 1e9 == pytest.approx(multi_adds_g, abs=5e-4)


def test_a_print_stands_with_its_status_and_rule(rows):
    row = rows()["BSRN", 4, "DF2K"]
    assert (row["params_k_status"], row["multi_adds_g_status"]) == ("exact", "explained")
    assert row["rule"] == "biases and average pools"
    assert int(row["rule_multi_adds"]) / 1e9 == pytest.approx(19.45, abs=0.01)
    assert rows()["RFDN-L", 4, "DIV2K"]["multi_adds_g_status"] == "open"
    assert rows()["RFDN", 3, "DIV2K"]["rule_multi_adds"] == "", "nothing is printed there"


@pytest.mark.parametrize(
    ("label", "scale", "images", "name", "expected"),
    [
        ("PAN", 2, "DF2K", "Set5", "38.00 0.9605"),
        ("PAN", 4, "DF2K", "Manga109", "30.51 0.9095"),
        ("IMDN", 3, "DIV2K", "B100", "29.09 0.8046"),
        ("SwinIR-light", 4, "DIV2K", "Urban100", "26.47 0.7980"),
        ("RFDN-L", 2, "DIV2K", "Set14", "33.67 0.9190"),
        ("SMFANet", 4, "DF2K", "Manga109", "30.82 0.9104"),
        ("SPAN", 2, "DF2K", "Urban100", "32.24 0.9294"),
        ("PLKSR-tiny", 3, "DIV2K", "B100", "29.15 0.8070"),
    ],
)
def test_scores_are_as_printed(rows, label, scale, images, name, expected):
    row = rows()[label, scale, images]
    assert [row[f"printed_{name}_psnr_db"], row[f"printed_{name}_ssim"]] == expected.split()


def test_weights_of_two_training_sets_have_a_row_each(rows, of_weights):
    """Printed of SMFANet+ x4 on Set5: 32.43/0.8979 of DIV2K and 32.51/0.8985 of DF2K."""
    record = of_weights(PLUS_DF2K_X4, "smfanet_plus", 32.5108, ssim=0.8985, scale=4)
    found = rows(record)
    ours = found["SMFANet+", 4, "DF2K"]
    other = found["SMFANet+", 4, "DIV2K"]
    assert float(ours["rescored_Set5_psnr_db"]) == 32.5108
    assert ours["record_id"] == record.id
    assert ours["weights_file"] == "smfanetp_DF2K_x4.pth"
    assert float(ours["printed_Set5_psnr_db"]) == 32.51
    assert float(other["printed_Set5_psnr_db"]) == 32.43
    assert other["rescored_Set5_psnr_db"] == other["record_id"] == ""


def test_scores_of_another_protocol_or_network_are_not_ours(rows, of_weights):
    records = [
        of_weights(PAN_X4, "pan", 32.13, scale=4, protocol="y_rounded"),
        of_weights(PAN_X4, "rfdn", 32.13, scale=4),
    ]
    assert "rescored_Set5_psnr_db" not in rows(*records)["PAN", 4, "DF2K"]


def test_rows_are_every_network_at_every_scale_line_by_line(tmp_path):
    systems = modern_rows.systems([], tmp_path)
    places = dict.fromkeys((one.count.model, one.count.scale) for one in systems)
    expected = {(one.id, scale) for one in modern_rows.variants() for scale in one.scales}
    assert expected == set(places)
    assert [scale for _, scale in places] == sorted(scale for _, scale in places)
    shown = [one.id for one in modern_rows.variants()]
    assert shown[:2] == ["imdn", "rlfn"]
    assert len(shown) == len(set(shown)) == 28
    assert set(shown) < {one.id for one in registry.VARIANTS}


def _latency(name, ratio, machine="one"):
    return {
        "name": name,
        "what": "latency",
        "turns": 5,
        "ratio": ratio,
        "least": 0.8,
        "most": 3.0,
        "own_s": 0.2,
        "imdn_s": 0.1,
        "machine": machine,
        "amx": False,
        "torch": "2.13",
        "script": "test_latency_beside_imdn.py",
    }


def _store(tmp_path, text):
    path = tmp_path / "results" / "bench" / "latency.json"
    path.parent.mkdir(parents=True)
    path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")


def test_latencies_are_those_of_one_machine(rows, tmp_path):
    others = [_latency("rfdn x4", 9.0, "another"), _latency("awsrn x4", 4.0)]
    _store(tmp_path, [*others, _latency("rfdn x4", 0.812), _latency("pan x4", 1.437)])
    found = rows()
    assert found["RFDN", 4, "DIV2K"]["latency"] == "0.812"
    assert found["RFDN", 4, "DIV2K"]["latency_machine"] == "one"
    assert found["RFDN", 2, "DIV2K"]["latency"] == ""
    table = modern.build([], tmp_path)
    line = next(one for one in render.to_markdown(table).splitlines() if "| 4 | PAN |" in one)
    assert " | 1.44 | " in line
    assert any("measured in turn (latency; one, PyTorch 2.13)" in note for note in table.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "latency.json: is not JSON"),
        ([_latency("rfdn", 1.0)], r"\[0\].name: expected 'ID xSCALE', not 'rfdn'"),
        ([_latency("rfdn x4", 1.0)] * 2, "rfdn x4 of one stands there twice"),
    ],
)
def test_broken_latencies_are_named(tmp_path, text, said):
    _store(tmp_path, text)
    with pytest.raises(RecordError, match=said):
        modern.build([], tmp_path)


def test_without_latencies_there_is_no_column_and_a_note(tmp_path):
    table = modern.build([], tmp_path)
    assert "Latency" not in render.to_markdown(table).splitlines()[2]
    assert "No latencies are stored (results/bench/latency.json)." in table.notes


def test_marks_have_their_notes_and_notes_their_marks(rows, tmp_path):
    keys = ("params_k_mark", "multi_adds_g_mark")
    marks = {row[key] for row in rows().values() for key in keys}
    numbers = {mark[1:] for mark in marks if mark[1:]}
    listed = [note for note in modern.build([], tmp_path).notes if note.startswith("(")]
    assert [note[1 : note.index(")")] for note in listed] == sorted(numbers, key=int)
    assert {mark[:1] for mark in marks} == {"", "\u2713", "\u2020", "\u25cb"}


def test_multi_adds_of_another_input_stand_in_a_note_alone(rows, tmp_path):
    assert rows()["EFDN", 4, ""]["printed_multi_adds_g"] == ""
    (note,) = [one for one in modern.build([], tmp_path).notes if "of another size" in one]
    assert "EFDN x4 16.7G for 256x256 (exact)" in note
    assert "SPAN-28 x4 9.83G for 256x256 (exact)" in note


def test_a_missing_count_is_named(tmp_path, monkeypatch):
    of_model = counts.of_model

    def without_pan(model, scale):
        return of_model("none" if model == "pan" else model, scale)

    monkeypatch.setattr(counts, "of_model", without_pan)
    with pytest.raises(RecordError, match="lack none x2"):
        modern.build([], tmp_path)


def test_the_same_records_give_the_same_bytes_in_any_order(tmp_path, of_weights):
    records = [
        of_weights(PLUS_DF2K_X4, "smfanet_plus", 32.51, scale=4),
        of_weights(PAN_X4, "pan", 32.13, scale=4),
    ]
    tables = [modern.build(given, tmp_path) for given in (records, records[::-1])]
    for form in render.FORMATS.values():
        assert form(tables[0]) == form(tables[1])


def test_for_a_paper_it_is_split_by_scale_without_columns_that_are_empty_there(
    tmp_path, of_weights
):
    record = of_weights(PAN_X4, "pan", 32.13, scale=4)
    parts = chosen.by_scale(chosen.of(modern.build([record], tmp_path)))
    assert [part.name for part in parts] == ["modern_x2", "modern_x3", "modern_x4"]
    shown = [{column.key for column in part.columns} for part in parts]
    assert ["rescored_Set5_psnr_db" in keys for keys in shown] == [False, False, True]
    assert ["rescored_Set5_ssim" in keys for keys in shown] == [False, False, True]
    assert all({"label", "images", "params_trained", "printed_Set5_ssim"} <= keys for keys in shown)
    assert all(len(row.cells) == len(part.columns) for part in parts for row in part.rows)


def test_it_needs_no_torch(tmp_path):
    script = (
        "import sys; from pathlib import Path; from harness.reports.tables import modern\n"
        "modern.build([], Path(sys.argv[1])); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.split() == ["False"]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("extra", ["", r"\usepackage[margin=2cm]{geometry}\usepackage{amssymb}"])
def test_latex_goes_on_below_and_no_line_is_too_wide(tmp_path, of_weights, extra):
    record = of_weights(PAN_X4, "pan", 32.13, sets=("Set5", "Set14", "B100"), scale=4)
    _store(tmp_path, [_latency("pan x4", 1.437)])
    text = to_latex(modern.build([record], tmp_path))
    assert text.count(r"\begin{longtable}") == text.count("continued") + 1 == 3
    assert text.count(r"\label{tab:modern}") == 1
    (tmp_path / "modern.tex").write_text(text, encoding="utf-8")
    (tmp_path / "paper.tex").write_text(
        rf"\documentclass[a4paper]{{article}}\usepackage{{booktabs,longtable}}{extra}"
        r"\begin{document}\input{modern}\end{document}"
    )
    for _ in range(2):  # the widths of a longtable are known at the second
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "Table 2" not in done.stdout
