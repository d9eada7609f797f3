"""Records and weights stand beside each other where they may, and are refused where not."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import save_file
from scipy import stats

from harness.errors import UsageError
from harness.evaluation.compare import collect
from harness.evaluation.contenders import Request
from harness.models import registry
from harness.records import record
from harness.records.record import ImageScore, Record, SetScore
from harness.reports.tables.compare import build

RECORD = Record.from_json(
    (Path(__file__).parents[1] / "files" / "record.json").read_text(), source="record.json"
)


def made(model, seed, psnr_db, *, sets=("Set5", "Set14"), **changes):
    images = tuple(ImageScore(f"i{i}", value, 0.9) for i, value in enumerate(psnr_db))
    scores = tuple(SetScore.of(name, "files", f"pixels of {name}", images) for name in sets)
    name = f"{model}-x2-s{seed}-{model[:1]}{seed}"
    new = {"id": name, "model": model, "label": model.upper(), "seed": seed, "drop": ()}
    return replace(RECORD, **(new | {"scores": scores} | changes))


def bicubic(psnr_db, **changes):
    free = {"id": "bicubic-x2-b", "group": "", "steps": 0, "params": 0, "multi_adds": 0}
    return made("bicubic", None, psnr_db, **(free | changes))


@pytest.fixture
def root(tmp_path):
    """A results root with two networks of three seeds, one of one, and bicubic."""
    for seed in range(3):
        record.write(tmp_path, made("plain", seed, [30 + seed, 31 + seed, 36 + seed]))
        record.write(tmp_path, made("wide", seed, [30.5 + seed, 31.6 + seed, 36.5 + seed]))
    record.write(tmp_path, made("other", 0, [30.4, 31.2, 36.1], group="bbbbbbbbbbbb"))
    record.write(tmp_path, bicubic([28, 29, 33]))
    return tmp_path


def compare(names, request):
    return build(*collect(names, request))


def cells(table, key):
    index = [column.key for column in table.columns].index(key)
    return [row.cells[index] for row in table.rows]


def test_the_beginning_of_ids_takes_all_seeds_as_one_row(root):
    table = compare(["plain-x2", "wide-x2"], Request(results=root))
    assert cells(table, "label") == ["PLAIN", "WIDE"]
    assert cells(table, "seeds") == ["0, 1, 2", "0, 1, 2"]
    assert cells(table, "Set5_psnr_db") == pytest.approx([100 / 3, 100 / 3 + 1.6 / 3])
    assert cells(table, "mean_psnr_diff_db") == pytest.approx([0, 1.6 / 3])
    assert cells(table, "mean_psnr_sd_db") == pytest.approx([1, 1])
    assert cells(table, "mean_psnr_diff_over") == [None, "seeds and images"]


def test_differences_in_ssim_have_an_interval_in_a_column(root):
    """Of one seed and one set it is the paired t test over images."""
    ssims = {"plain": [0.90, 0.92, 0.95], "wide": [0.91, 0.935, 0.958]}
    for model, values in ssims.items():
        stored = made(model, 0, [30, 31, 36], sets=("Set5",))
        images = [
            replace(image, ssim=ssim)
            for image, ssim in zip(stored.scores[0].images, values, strict=True)
        ]
        score = SetScore.of("Set5", "files", "pixels of Set5", tuple(images))
        record.write(root, replace(stored, id=f"{model}-x2-ssim", scores=(score,)))
    table = compare(["plain-x2-ssim", "wide-x2-ssim"], Request(results=root))
    oracle = stats.ttest_rel(ssims["wide"], ssims["plain"])
    interval = oracle.confidence_interval()
    assert cells(table, "mean_ssim_diff") == [None, pytest.approx(0.011)]
    assert cells(table, "mean_ssim_diff_low") == [None, pytest.approx(interval.low)]
    assert cells(table, "mean_ssim_diff_high") == [None, pytest.approx(interval.high)]
    assert cells(table, "mean_ssim_diff_p_corrected") == [None, pytest.approx(oracle.pvalue)]
    assert all(c.printed for c in table.columns if c.key == "mean_ssim_diff")
    assert not any("SSIM" in note for note in table.notes)


def test_infinite_psnr_is_null_in_json_and_no_part_of_a_difference(tmp_path, invoke):
    record.write(tmp_path, made("plain", 0, [30, 31, 36]))
    record.write(tmp_path, made("wide", 0, [float("inf")] * 3))
    done = invoke("compare", "plain-x2", "wide-x2", "--results", tmp_path, "--format", "json")
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout, parse_constant=pytest.fail)
    _, wide = content["rows"]
    assert wide["Set5_psnr_db"] is None
    assert wide["mean_psnr_diff_db"] is None
    assert any("WIDE to PLAIN (Set5, Set14)" in note for note in content["notes"])


def test_the_first_row_is_the_base(root):
    table = compare(["wide-x2", "plain-x2"], Request(results=root))
    assert cells(table, "mean_psnr_diff_db") == pytest.approx([0, -1.6 / 3])
    assert table.title == "Comparison with WIDE, x2"


@pytest.mark.parametrize("of", ["id", "file", "folder", "pattern", "list"])
def test_a_record_is_named_in_many_ways(root, of):
    folder = root / "results" / "runs" / "wide-x2-s1-w1"
    names = {
        "id": "wide-x2-s1-w1",
        "file": str(folder / "record.json"),
        "folder": str(folder),
        "pattern": "*ide*s1*",
        "list": "wide-x2-s1-w1,wide-x2-s2",
    }
    table = compare(["plain-x2", names[of]], Request(results=root))
    assert cells(table, "seeds")[1] == ("1, 2" if of == "list" else "1")


def test_networks_with_dropped_branches_need_to_be_named(root):
    record.write(root, made("wide", 0, [29, 30, 31], id="wide-x2-s0-w0-drop7", drop=(7,)))
    table = compare(["plain-x2", "wide-x2", "wide-x2-*-drop7"], Request(results=root))
    assert cells(table, "seeds") == ["0, 1, 2", "0, 1, 2", "0"]


def test_bicubic_is_paired_with_every_seed(root):
    table = compare(["plain-x2", "bicubic"], Request(results=root))
    assert cells(table, "mean_psnr_diff_over")[1] == "seeds and images"
    assert not any("Not paired" in note for note in table.notes)


def test_rows_trained_otherwise_are_compared_with_a_warning(root):
    alike = compare(["plain-x2", "wide-x2", "bicubic"], Request(results=root))
    other = compare(["plain-x2", "other"], Request(results=root))
    warning = "not all trained alike"
    assert not any(warning in note for note in alike.notes)
    assert any(warning in note for note in other.notes)


def test_rows_of_one_label_are_called_what_they_were_called(root):
    table = compare(["plain-x2-s0", "plain-x2-s1"], Request(results=root))
    assert cells(table, "label") == ["plain-x2-s0", "plain-x2-s1"]


def test_only_the_sets_asked_for_are_shown(root):
    table = compare(["plain-x2", "wide-x2"], Request(results=root, sets=("Set14",)))
    keys = [column.key for column in table.columns]
    assert "Set14_psnr_db" in keys
    assert "Set5_psnr_db" not in keys
    assert any(note.startswith("Left out") and "Set5" in note for note in table.notes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": 4}, "'plain-x2' is x2, 'odd' x4"),
        ({"protocol": "rgb"}, "'plain-x2' is scored by protocol awsrn, 'odd' by rgb"),
        ({"sets": ("Urban100",)}, "no test set in common"),
    ],
)
def test_rows_that_cannot_be_compared_are_refused_by_name(root, changes, message):
    record.write(root, made("odd", 0, [30, 31, 32], **changes))
    with pytest.raises(UsageError, match=message):
        compare(["plain-x2", "odd"], Request(results=root))


def test_scores_of_other_pixels_are_refused_by_name(root):
    odd = made("odd", 0, [30, 31, 32])
    odd = replace(odd, scores=(odd.scores[0], replace(odd.scores[1], sha256="others")))
    record.write(root, odd)
    with pytest.raises(UsageError, match=r"'plain-x2' and 'odd' .* different images of Set14"):
        compare(["plain-x2", "odd"], Request(results=root))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["plain-x2"], "two rows"),
        (["plain-x2", "plain-x2"], "named twice"),
        (["plain-x2", "wide-x3"], "'wide-x3' is neither .*did you mean 'wide-x2"),
        (["plain-x2", "imdn"], "write imdn=FILE"),
        (["plain-x2", "imdn=x.pth"], "say by --scale"),
        (["plain-x2", "*x2-*"], r"different trainings: .* and 5 more"),
    ],
)
def test_names_that_mean_nothing_are_refused(root, names, message):
    with pytest.raises(UsageError, match=message):
        compare(names, Request(results=root))


def test_a_set_that_a_record_lacks_is_refused(root):
    with pytest.raises(UsageError, match="'plain-x2' has no score on B100"):
        compare(["plain-x2", "wide-x2"], Request(results=root, sets=("B100",)))


@pytest.mark.parametrize("form", ["table", "csv", "json", "markdown", "latex"])
def test_the_command_prints_every_form(root, invoke, form):
    done = invoke("compare", "plain-x2", "wide-x2", "--results", root, "--format", form)
    assert done.exit_code == 0, done.output
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        assert [row["label"] for row in rows] == ["PLAIN", "WIDE"]
        assert float(rows[1]["mean_psnr_diff_low_db"]) < float(rows[1]["mean_psnr_diff_db"])
    elif form == "json":
        content = json.loads(done.stdout)
        assert content["rows"][1]["label"] == "WIDE"
        assert any("Minimum detectable difference" in note for note in content["notes"])
    else:
        assert "n.s." in done.stdout
        assert "WIDE" in done.stdout


def test_weights_are_scored_now_and_stand_beside_their_cost(tmp_path, tiny_root, invoke):
    for seed, model in enumerate(["espcn", "fsrcnn"]):
        save_file(registry.get(model).build(scale=2).state_dict(), tmp_path / f"{seed}.safetensors")
    done = invoke(
        *("compare", f"espcn={tmp_path / '0.safetensors'}", f"fsrcnn={tmp_path / '1.safetensors'}"),
        *("bicubic", "--scale", 2, "--data-root", tiny_root, "--device", "cpu", "--format", "json"),
        *("--data", "own", "sample"),
    )
    assert done.exit_code == 0, done.output
    espcn, fsrcnn, plain = json.loads(done.stdout)["rows"]
    assert (espcn["label"], fsrcnn["label"], plain["label"]) == ("ESPCN", "FSRCNN", "Bicubic")
    assert espcn["params"] == sum(
        each.numel() for each in registry.get("espcn").build(scale=2).parameters()
    )
    assert espcn["activations"] > 0
    assert plain["multi_adds"] == 0
    mean = (plain["own_psnr_db"] + plain["sample_psnr_db"]) / 2
    assert plain["mean_psnr_db"] == pytest.approx(mean)
    assert fsrcnn["mean_psnr_diff_over"] == "images"
    assert "\u2020" in fsrcnn["mean_psnr_diff_mark"]


def test_weights_are_loaded_before_any_is_scored(tmp_path, tiny_root, invoke):
    save_file(registry.get("espcn").build(scale=2).state_dict(), tmp_path / "a.safetensors")
    done = invoke(
        *("compare", f"espcn={tmp_path / 'a.safetensors'}", f"imdn={tmp_path / 'none.pth'}"),
        *("--scale", 2, "--data-root", tiny_root, "--data", "own"),
    )
    assert done.exit_code == 2
    assert "none.pth" in done.output
    assert "scoring" not in done.output


def test_parameters_of_the_train_form_stand_beside_those_of_the_merged_one(root):
    """By hand: x2 of M4C8 merged is 80 + 4 * 584 + 292 of six kernels, and 5 * 8 slopes."""
    counted = {"params": 80 + 4 * 584 + 292 + 40, "multi_adds": 2_664 * 640 * 360}
    record.write(root, made("ecbsr_m4c8", 0, [30, 31, 36], **counted))
    table = compare(["plain-x2-s0", "ecbsr_m4c8-x2"], Request(results=root))
    assert cells(table, "params")[1] == 2_748
    assert cells(table, "params_trained") == [None, 10_804]
    assert any(note.startswith("ECBSR_M4C8: counted in the merged form") for note in table.notes)
    without = compare(["plain-x2-s0", "wide-x2-s0"], Request(results=root))
    assert "params_trained" not in [column.key for column in without.columns]
