"""What is printed of networks younger than the paper; a broken file is named with its line."""

from dataclasses import fields
from decimal import Decimal

import pytest

from harness.errors import RecordError
from harness.models import registry
from harness.records import published, published_modern, published_systems, released
from harness.records.published_modern import ModernCell, counts_at_720p, load, rows

HEADER = ",".join(column.name for column in fields(ModernCell))


def values(label, scale, set_name=""):
    return {
        cell.metric: str(cell.value)
        for cell in load()
        if (cell.label, cell.scale, cell.set) == (label, scale, set_name)
    }


def test_values_are_kept_as_printed():
    assert values("PAN", 3) == {"params_k": "261", "multi_adds_g": "39.0"}
    assert values("SwinIR-light", 4, "Urban100") == {"psnr_db": "26.47", "ssim": "0.7980"}
    assert values("RFDN", 4) == {"params_k": "550", "multi_adds_g": "23.9"}


def test_only_what_sources_say_has_a_training_set():
    by_label = {cell.label: cell.training for cell in load()}
    assert {label for label, images in by_label.items() if images == "DF2K"} >= {"PAN", "BSRN"}
    assert {label for label, images in by_label.items() if images == "DIV2K"} >= {"RFDN", "IMDN"}
    assert {by_label[label] for label in ("EFDN", "ECBSR-M16C64", "SPAN-28", "VapSR-S")} == {""}
    assert set(by_label.values()) == {"", "DIV2K", "DF2K"}


def test_what_was_not_read_again_is_left_out():
    """Of these the sources have recollections alone."""
    printed = {(cell.label, cell.scale) for cell in load()}
    assert not printed & {("BSRN", 2), ("BSRN", 3), ("SPAN", 3), ("RLFN-52", 4), ("RLFN-S", 4)}
    assert values("SPAN", 4) == {"params_k": "498"}
    assert values("SPAN", 2) == {}
    assert values("SPAN", 2, "Urban100") == {"psnr_db": "32.24", "ssim": "0.9294"}
    assert values("SPAN", 4, "Set5") == {}


def test_counts_of_challenges_are_at_their_own_size_and_stand_apart():
    of_challenge = [cell for cell in load() if cell.input]
    assert {cell.input_px for cell in of_challenge} == {(256, 256)}
    labels = {cell.label for cell in of_challenge}
    assert not labels & {cell.label for cell in counts_at_720p() if cell.metric == "multi_adds_g"}
    imdn = published.find(counts_at_720p(), label="IMDN", scale=4, metric="multi_adds_g")
    assert imdn is not None
    assert imdn.value == Decimal("40.9")


def test_no_label_is_one_of_table_5():
    assert not {cell.label for cell in load()} & {cell.label for cell in published.load(5)}


def test_registered_networks_are_recognised_by_their_labels():
    registered = {variant.label for variant in registry.VARIANTS}
    counted = {cell.label for cell in load() if cell.status not in ("", "printed")}
    assert {"RFDN", "RFDN-L", "PAN", "BSRN", "EFDN", "SwinIR-light"} <= counted <= registered


def test_a_row_may_stand_beside_ones_own():
    """PAN x4 stands in the list of released weights, too, which has less of it."""
    (pan,) = published_systems.systems(["PAN"], 4)
    assert {str(cell.value) for cell in pan.cells} >= {"272", "28.2", "32.13", "0.8948"}
    assert (pan.trained_on, pan.source) == ("DF2K", "published/modern.csv")
    (srformer,) = published_systems.systems(["SRFormer-light"], 4)
    assert (srformer.trained_on, srformer.source) == ("not known", "published/modern.csv")


@pytest.mark.parametrize(
    ("label", "network"),
    [
        ("SMFANet+ (DF2K)", "SMFANet+"),
        ("SAFMN", "SAFMN"),
        ("CARN", "CARN"),
        ("X (DF2K)", "X (DF2K)"),
    ],
)
def test_a_row_may_name_its_training_set_beside_the_network(label, network):
    assert published_modern.network(label) == network


def test_released_weights_have_the_prints_of_this_file():
    """Where both have a score of a network and training set."""
    by_row = {key: {(c.set, c.metric): c.value for c in found} for key, found in rows().items()}
    compared = 0
    for weights in released.load():
        for scale in weights.published:
            label = registry.get(weights.model).label
            named = f"{label} ({weights.images})"
            for of in by_row.items():
                if of[0][:2] in {(label, scale), (named, scale)}:
                    for cell in published_systems.of_weights(weights, scale):
                        assert of[1][cell.set, cell.metric] == cell.value
                        compared += 1
    assert compared > 40


def test_a_network_of_two_training_sets_has_two_rows_with_its_counts(monkeypatch):
    def cell(training, name, metric, value):
        return ModernCell("Net", 4, training, name, metric, Decimal(value), "", "here", "")

    cells = (
        cell("", "", "params_k", "186"),
        cell("DIV2K", "Set5", "psnr_db", "32.1"),
        cell("DF2K", "Set5", "psnr_db", "32.2"),
    )
    monkeypatch.setattr(published_modern, "load", lambda: cells)
    values_of = {key: [str(one.value) for one in found] for key, found in rows().items()}
    assert values_of == {
        ("Net (DIV2K)", 4, "DIV2K"): ["186", "32.1"],
        ("Net (DF2K)", 4, "DF2K"): ["186", "32.2"],
    }


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["A,2,,Set5,psnr,30.1,,here,,"], ":2: unknown metric 'psnr'"),
        (["A,2,,,psnr_db,30.1,,here,,"], ":2: scores belong to a set"),
        (["A,2,,Set5,params_k,30,,here,,"], ":2: scores belong to a set"),
        (["A,2,,,params_k,30,,,,"], ":2: label and source must not be empty"),
        (["A,2,,,params_k,30,256,here,,"], ":2: input must be WIDTHxHEIGHT"),
        (["A,2,,,params_k,x,,here,,"], ":2: .*value"),
        (["A,2,,,params_k,30,,here,,"] * 2, ":3: the same cell stands in line 2"),
        (["B,2,,,params_k,30,,here,,", "A,2,,,params_k,30,,here,,"], "not sorted by label"),
    ],
)
def test_a_broken_file_is_named(lines, message, tmp_path):
    (tmp_path / "modern.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    with pytest.raises(RecordError, match=message):
        load(tmp_path)
