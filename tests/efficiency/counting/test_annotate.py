"""The status of every published count of Table 5 is computed."""

import csv
import io

import pytest

from harness.efficiency.counting.annotate import (
    annotate,
    modern_statuses,
    statuses,
    with_status,
)
from harness.host.paths import bundled
from harness.models import registry
from harness.records import published, published_modern


@pytest.fixture(scope="module")
def computed():
    return statuses(published.load(5))


def test_every_printed_count_has_a_status(computed):
    printed = {
        (cell.label, cell.scale, cell.metric)
        for cell in published.load(5)
        if cell.metric in ("params_k", "multi_adds_g") and cell.value is not None
    }
    assert set(computed) == printed
    assert len(printed) > 100


def test_only_what_nobody_can_reproduce_is_open(computed):
    open_cells = {
        (label, metric) for (label, _, metric), status in computed.items() if status == "open"
    }
    assert open_cells == {
        ("MoreMNAS-A", "params_k"),
        ("MoreMNAS-A", "multi_adds_g"),
        ("SRDenseNet", "params_k"),
        ("SRDenseNet", "multi_adds_g"),
        ("FALSR-A", "multi_adds_g"),
    }


def test_the_shipped_file_holds_what_is_computed(computed):
    text = (bundled("published") / "table5.csv").read_text(encoding="utf-8")
    assert with_status(text, computed) == text


@pytest.mark.parametrize(
    ("label", "scale", "params", "multi_adds"),
    [
        ("AWSRN", 3, "exact", "exact"),
        ("AWSRN-M", 2, "explained", "exact"),  # truncated
        ("SRMDNF", 4, "exact", "exact"),
        ("VDSR", 8, "exact", "exact"),
        ("DRCN", 2, "explained", "exact"),  # without biases
        ("CARN", 4, "explained", "exact"),  # three scales together
        ("MSRN", 2, "exact", "explained"),  # all on the LR grid
        ("MSRN", 3, "explained", "explained"),  # truncated, too
        ("MemNet", 2, "explained", "explained"),  # rounded twice
        ("FSRCNN", 4, "explained", "exact"),
        ("FSRCNN", 8, "explained", "explained"),  # the x4 figure
        ("LapSRN", 2, "explained", "explained"),  # another network, a smaller image
        ("FALSR-A", 2, "exact", "open"),
        ("FALSR-C", 2, "explained", "explained"),
    ],
)
def test_statuses(computed, label, scale, params, multi_adds):
    assert computed[label, scale, "params_k"] == params
    assert computed[label, scale, "multi_adds_g"] == multi_adds


COMPUTED = {
    ("BSRN", 4),  # exact and explained
    ("ECBSR-M16C64", 4),
    ("EFDN", 4),  # at another size
    ("IMDN", 2),
    ("IMDN", 3),  # on 427x240 px
    ("IMDN", 4),
    ("RFDN-L", 4),  # explained and open
    ("SAFMN", 2),
    ("SMFANet+", 2),
}
REGISTERED = {variant.label for variant in registry.VARIANTS}


def stored(cells):
    return {(cell.label, cell.scale, cell.metric): cell.status for cell in cells if cell.is_count}


def test_statuses_of_younger_networks():
    """All others are held to facts and digits by test_gold_modern.py."""
    cells = [
        cell
        for cell in published_modern.load()
        if (cell.label, cell.scale) in COMPUTED or cell.label not in REGISTERED
    ]
    computed = modern_statuses(cells)
    assert computed == stored(cells)
    assert set(computed.values()) == {"exact", "explained", "open", "printed"}
    printed = {label for (label, *_), status in computed.items() if status == "printed"}
    assert not printed & REGISTERED
    assert printed >= {"SRFormer-light", "CFSR"}


def test_of_younger_networks_all_that_nobody_explains_are_multi_adds_of_rfdn_l():
    by_status: dict[str, set[tuple[str, str]]] = {}
    for (label, _, metric), status in stored(published_modern.load()).items():
        by_status.setdefault(status, set()).add((label, metric))
    assert by_status["open"] == {("RFDN-L", "multi_adds_g")}
    assert by_status["explained"] == {
        ("BSRN", "multi_adds_g"),
        ("ECBSR-M16C64", "params_k"),
        ("ECBSR-M16C64", "multi_adds_g"),
        ("IMDN", "multi_adds_g"),  # at x3, on 427x240 px
        ("RFDN", "params_k"),
        ("RFDN", "multi_adds_g"),
        ("RFDN-L", "params_k"),
        ("SAFMN", "multi_adds_g"),  # at x2
        ("SMFANet", "multi_adds_g"),
        ("SMFANet+", "multi_adds_g"),
        ("SwinIR-light", "params_k"),
        ("SwinIR-light", "multi_adds_g"),
    }


@pytest.mark.slow
def test_the_shipped_file_of_younger_networks_holds_what_is_computed():
    text = (bundled("published") / "modern.csv").read_text(encoding="utf-8")
    assert with_status(text, modern_statuses(published_modern.load())) == text


def test_the_column_is_written_beside_what_stands_there(tmp_path):
    source = bundled("published") / "table5.csv"
    copy = tmp_path / "table5.csv"
    copy.write_bytes(source.read_bytes())
    cells = tuple(cell for cell in published.load(5) if cell.label == "AWSRN-S")
    annotate(copy, statuses(cells))
    before = list(csv.DictReader(io.StringIO(source.read_text(encoding="utf-8"))))
    after = list(csv.DictReader(io.StringIO(copy.read_text(encoding="utf-8"))))
    marked = {row["label"] for row in after if row["status"]}
    assert marked == {"AWSRN-S"}
    for old, new in zip(before, after, strict=True):
        assert old | {"status": new["status"]} == new


def test_the_column_is_replaced_where_it_stands_already():
    found = {("A", 2, "params_k"): "exact"}
    text = "label,scale,metric,value,status\nA,2,params_k,1,open\nA,2,psnr_db,30.1,exact\n"
    fresh = with_status(text, found)
    assert fresh.splitlines()[1:] == ["A,2,params_k,1,exact", "A,2,psnr_db,30.1,"]
    assert with_status(fresh, found) == fresh
