"""What a page says: the numbers of the printed tables, of each its record, and nothing else's."""

import html
import json
import re
from dataclasses import fields, replace
from decimal import ROUND_HALF_UP, Decimal
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from harness.efficiency.bench import rows as bench_rows
from harness.efficiency.bench.rows import BenchRow
from harness.errors import HarnessError, UsageError
from harness.records import published
from harness.records import record as records
from harness.records.record import ImageScore, SetScore
from harness.reports.page import content, photographs, plot_point, render
from harness.reports.page import details as facts
from harness.reports.page.photographs import Wanted
from tests.shipped import NAME, STEPS, TRAINED_ON

ROOT = Path(__file__).parents[3]
HOSTILE = """<script>alert("1")</script> 'x' & </td>"""


class Tables(HTMLParser):
    """The texts of all cells by table id, and how many elements of each name there are."""

    def __init__(self, text):
        super().__init__()
        self.tables: dict = {}
        self.elements: dict = {}
        self._rows: list = []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements[tag] = self.elements.get(tag, 0) + 1
        if tag == "table":
            self._rows = self.tables.setdefault(dict(attrs)["id"], [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._in_cell = True
            self._rows[-1].append("")

    def handle_endtag(self, tag):
        if tag in ("td", "th", "tr"):  # a td ends where the next cell or row does
            self._in_cell = False

    def handle_data(self, data):
        if self._in_cell:
            self._rows[-1][-1] += data


@pytest.fixture(scope="module")
def everything():
    return content.of([], ROOT)


@pytest.fixture(scope="module")
def whole(everything, tmp_path_factory):
    file = render.one_file(everything, (), tmp_path_factory.mktemp("page") / "report.html")
    return file.read_text("utf-8")


def data_of(text):
    return json.loads(re.findall(r'id="data">(.*?)</script>', text, flags=re.DOTALL)[0])


@pytest.mark.parametrize("name", [f"awru_{NAME}", "table5_rescored", "protocol", "modern"])
def test_a_table_has_the_cells_of_the_printed_one(name, whole):
    lines = (ROOT / "reports" / f"{name}.md").read_text("utf-8").splitlines()
    rows = [line[2:-2].split(" | ") for line in lines if line.startswith("| ")]
    del rows[1]
    plain = [[re.sub(r"\*\*|</?u>|\\", "", cell).strip() for cell in row] for row in rows]
    head, *shown = Tables(whole).tables[f"table-{name}"]
    names = [name for name in head if name not in ("Interval, drawn", "From", "Printed in")]
    assert [text.replace("Mark", "") for text in names] == plain[0]
    kept = [index for index, name in enumerate(head) if name in names]
    assert [[row[index] for index in kept] for row in shown] == plain[1:]


def test_the_head_of_a_row_is_the_name_of_the_network(whole):
    """Not the training set behind it: it stays in sight where a table is moved sideways."""
    (body,) = re.findall(r'<table id="table-modern".*?<tbody>(.*?)</tbody>', whole, re.DOTALL)
    heads = re.findall(r"<th scope=row>(.*?)</th>", body)
    assert {"IMDN", "PAN", "SwinIR-light"} <= set(heads)
    assert "DIV2K" not in heads


def test_an_interval_is_drawn_where_it_is_printed(everything):
    """It leaves zero out just where the table does not say n.s."""
    tables = [table for section in everything.sections for table in section.tables]
    drawn = [
        (row.interval, " ".join(value.text for cell in row.cells for value in cell))
        for table in tables
        for row in table.rows
        if row.interval
    ]
    assert len(drawn) > 15
    for interval, printed in drawn:
        assert 0 < interval.low <= interval.middle <= interval.high < 100
        low, high = re.findall(r"\[(\S+) (\S+)\]", printed)[0]
        assert interval.text.endswith(f"dB, [{low}, {high}]")
        assert interval.shown is ("n.s." not in printed)
        assert interval.shown is not (interval.low <= interval.zero <= interval.high)


def test_every_number_of_ours_leads_to_its_record(whole, everything):
    head, *rows = Tables(whole).tables[f"table-awru_{NAME}"]
    assert [row[head.index("From")] for row in rows] == ["awsrn", *["seed 0, seed 1, seed 2"] * 3]
    linked = set(re.findall(r'href="#record-([^"]+)"', whole))
    stored = data_of(whole)["records"]
    assert linked == stored.keys() == {record.id for record in everything.records}
    assert set(re.findall(r'<tr id="record-([^"]+)"', whole)) == linked


def test_scores_of_images_are_those_of_the_records(whole):
    data = data_of(whole)
    checked = 0
    assert len(data["names"]) < 0.5 * len(data["sets"])  # one list serves a set at all scales
    for name, shown in data["records"].items():
        raw = json.loads((ROOT / "results" / "runs" / name / "record.json").read_text("utf-8"))
        for (at, *means, images), of_set in zip(shown["scores"], raw["scores"], strict=True):
            listed = data["sets"][at]
            assert (listed["set"], listed["sha256"]) == (of_set["set"], of_set["sha256"])
            for number, image in enumerate(of_set["images"]):
                digits = images[6 * number : 6 * number + 6]
                wanted = [
                    Decimal(str(image[key])).quantize(Decimal(step), ROUND_HALF_UP)
                    for key, step in (("psnr_db", "0.01"), ("ssim", "0.0001"))
                ]
                assert [int(digits[:3], 36), int(digits[3:], 36)] == [
                    int(wanted[0] * 100),
                    int(wanted[1] * 10_000) + 10_000,
                ]
                assert data["names"][listed["images"]][number] == image["name"]
                checked += 1
            wanted = [of_set["psnr_db"], of_set["ssim"]]
            assert [float(one) for one in means] == pytest.approx(wanted, abs=0.005)
    assert checked > 5000


def test_ssim_below_zero_is_no_other_number(mine):
    """What a network that learned nothing makes of an image may be unlike it."""
    score = SetScore.of("Set5", "files", "0" * 64, (ImageScore("one", 5.5, -0.0123),))
    shown = facts.of([replace(mine.records[0], scores=(score,))], [])
    ((_, _, _, images),) = shown["records"][mine.records[0].id]["scores"]
    assert [int(images[:3], 36), int(images[3:], 36) - 10_000] == [550, -123]


def test_where_a_record_comes_from_is_said(whole):
    data = data_of(whole)
    (path,) = (ROOT / "results" / "runs").glob("wdsr_awru-x2-s1-*/record.json")
    record = records.read_file(path)
    shown = data["records"][record.id]
    texts = [data["texts"][at] for at in shown["facts"]]
    known = dict(zip(texts[::2], texts[1::2], strict=True))
    assert known["Commit"] == record.provenance.commit == data["texts"][shown["commit"]]
    assert (known["Seed"], known["Fingerprint"]) == ("1", record.fingerprint)
    assert known["Device"].startswith(record.provenance.device)
    assert f"{STEPS:,} steps" in known["Training"]
    assert known["Short budget"] == f"{STEPS:,} of the 1,000,000 steps of the authors' code"


def test_published_points_are_those_of_table_5(everything):
    printed = {
        (cell.label, cell.scale, cell.set): f"{cell.value}\u2020" if cell.doubt else str(cell.value)
        for cell in published.load(5)
        if cell.metric == "psnr_db" and cell.value and not cell.label.startswith("MoreMNAS-A")
    }
    shown = {
        (point.label, point.scale, name): psnr
        for point in everything.plot.points
        if point.kind == "published" and point.source == "published/table5.csv"
        for name, psnr in point.psnr.items()
    }
    assert shown == printed


def test_published_points_of_younger_networks_may_name_their_training_set(everything):
    shown = {(one.label, one.scale): one for one in everything.plot.points if not one.records}
    plus = shown["SMFANet+ (DF2K)", 2]
    assert (plus.psnr["Set5"], plus.costs["Parameters (K)"]) == ("38.19", "480")
    assert plus.budget == "as published; trained on: DF2K"
    assert ("SMFANet+", 2) not in shown
    (left_out,) = everything.plot.left_out
    assert "SMFANet" not in left_out
    assert "SRFormer-light" in left_out


def test_todays_networks_are_points_for_each_training_set(everything):
    """Printed and re-scored ones of the table, which the issue of their authors tells apart."""
    shown = {
        (point.kind, point.label, point.scale): point
        for point in everything.plot.points
        if point.scale == 4 and point.label.startswith(("SMFANet+", "PAN"))
    }
    printed = shown["published", "SMFANet+ (DF2K)", 4]
    assert (printed.psnr["Set5"], printed.budget) == ("32.51", "as published; trained on: DF2K")
    assert shown["published", "SMFANet+ (DIV2K)", 4].psnr["Set5"] == "32.43"
    ours = shown["re-scored", "SMFANet+ (DF2K)", 4]
    assert ours.psnr["Set5"] == "32.51"
    assert "smfanetp_DF2K_x4.pth" in ours.budget
    pan = shown["published", "PAN", 4]
    assert pan.costs == {"Multi-Adds (G)": "28.16", "Parameters (K)": "272"}
    assert ("re-scored", "PAN", 4) in shown
    lines = (ROOT / "reports" / "modern.md").read_text("utf-8").splitlines()
    rows = [line.split(" | ") for line in lines if line.startswith(("| 2 |", "| 3 |", "| 4 |"))]
    at = lines[2].split(" | ").index("Set5 printed")
    printed_rows = [row for row in rows if row[at]]
    places = [(point.label, point.scale) for point in everything.plot.points]
    for row in printed_rows:
        assert {(row[1], int(row[0][2:])), (f"{row[1]} ({row[2]})", int(row[0][2:]))} & {*places}
    assert len(printed_rows) > 15


def test_points_tell_whose_they_are_and_how_they_were_trained(everything):
    by_kind: dict = {kind: [] for kind in plot_point.KINDS}
    for point in everything.plot.points:
        by_kind[point.kind].append(point)
    assert all(not point.short for kind in ("published", "re-scored") for point in by_kind[kind])
    assert all("weights " in point.budget for point in by_kind["re-scored"])
    awru = next(point for point in by_kind["own"] if point.label == "AWRU")
    assert awru.short
    assert awru.budget.startswith(f"{STEPS:,} steps on {TRAINED_ON}, a short budget")
    assert len(awru.records) == 3
    table = (ROOT / "reports" / f"awru_{NAME}.md").read_text("utf-8")
    row = next(line for line in table.splitlines() if line.startswith("| AWRU"))
    for name in ("Set5", "Set14", "B100"):
        assert f"{awru.psnr[name]}" in row.replace("*", "")
    assert f"| {awru.costs[plot_point.MULTI_ADDS]} |" in row


def test_measured_latency_is_an_axis(results, tmp_path):
    texts = {"memory_format": "contiguous", "weights": "folded", "label": "AWSRN-S"}
    values: dict = {field.name: texts.get(field.name, field.name) for field in fields(BenchRow)}
    for field in fields(BenchRow):
        if str(field.type).startswith(("int", "float")):
            values[field.name] = 2
    values |= {"model": "awsrn_s", "p50_ms": 152.37}
    row = BenchRow(**values)
    other = replace(row, backend="onnx", p50_ms=99.8)  # an axis of its own, not the same again
    bench_rows.write([row, other], tmp_path / "results" / "bench")
    (tmp_path / "results" / "runs").symlink_to(results / "results" / "runs")
    page = content.of([str(results / "mine.yaml")], tmp_path)
    axes = [name for name in page.plot.axes if name.startswith("Latency (ms): device, dtype, 2")]
    measured = {(point.label, point.scale): point for point in page.plot.points}
    found = [
        {key: point.costs[axis] for key, point in measured.items() if axis in point.costs}
        for axis in axes
    ]
    assert found == [{("AWSRN-S", 2): "152"}, {("AWSRN-S", 2): "99.8"}]


def test_the_page_of_this_repository_is_small_and_asks_nobody(whole):
    assert len(whole.encode()) < 600_000  # every record, no photographs
    addresses = set(re.findall(r"https?://[^\"'\s)<]+", whole))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in html.unescape(whole)
    assert not re.search(r"<(?:link|iframe|object|embed|base)\b|\bsrc=\"(?!data:)", whole)


@pytest.mark.slow
def test_with_its_photographs_too_and_they_are_bundled_ones(everything, tmp_path):
    shown = photographs.of(Wanted())
    assert {detail.name for detail in shown} == {"astronaut", "chelsea"}
    assert {detail.scale for detail in shown} == {2, 4}
    file = render.one_file(everything, shown, tmp_path / "report.html")
    assert len(file.read_bytes()) < 600_000
    assert render.one_file(
        everything, photographs.of(Wanted()), tmp_path / "b.html"
    ).read_bytes() == (file.read_bytes())


def test_the_same_records_give_the_same_bytes(results, mine, details, page_file, tmp_path):
    other = content.of([str(results / "mine.yaml")], results)
    assert other.data == mine.data
    again = render.one_file(other, details, tmp_path / "report.html")
    assert again.read_bytes() == page_file.read_bytes()


def test_what_a_user_writes_is_text_and_never_code(page_file, mine):
    text = page_file.read_text("utf-8")
    parsed = Tables(text)
    assert parsed.elements["script"] == 2
    assert "<script>alert" not in text
    (name,) = [name for name in parsed.tables if name.startswith(f"table-mine_{NAME}")]
    assert parsed.tables[name][-1][0] == " ".join(HOSTILE.split())
    data = data_of(text)
    assert any(point["label"] == HOSTILE for point in data["plot"]["points"])
    assert data == json.loads(json.dumps(mine.data))


def test_a_bundle_is_the_same_page_with_files_apart(mine, details, page_file, tmp_path):
    written = render.bundle(mine, details, tmp_path)
    names = {path.name for path in written}
    index = (tmp_path / "index.html").read_text("utf-8")
    named = set(re.findall(r'(?:src|<link rel="stylesheet" href)="([^"]+)"', index))
    assert named | {"index.html"} == names
    whole = page_file.read_text("utf-8")
    assert Tables(index).tables == Tables(whole).tables
    assert data_of(index) == data_of(whole)
    assert (tmp_path / "page.css").read_text("utf-8") in whole
    assert (tmp_path / "page.js").read_text("utf-8") in whole


def test_a_page_that_is_too_large_is_refused(mine, details, tmp_path, monkeypatch):
    monkeypatch.setattr(render, "LARGEST", 1000)
    with pytest.raises(HarnessError, match=r"more than 0 MB: name fewer ablations or images"):
        render.one_file(mine, details, tmp_path / "report.html")
    assert not [*tmp_path.iterdir()]


def test_learned_weights_and_curves_are_those_of_the_records(results, mine):
    record = next(one for one in mine.records if one.model == "wdsr_awru" and one.steps == STEPS)
    shown = next(one for one in mine.learned if record.id in one["records"])
    drawn = shown["panels"][0]["res"][shown["records"].index(record.id)]
    assert drawn == pytest.approx(record.learned.lambda_res, rel=1e-4)
    (section,) = mine.sections
    curve = next(one for one in section.curves if str(STEPS) in one["name"])
    assert [row["label"] for row in curve["panels"][0]["rows"]] == ["plain", "weighted", HOSTILE]
    assert curve["panels"][0]["rows"][0]["mean"] == [31, 11, 6]  # of 30, 31, 32 and so on
    assert curve["panels"][0]["rows"][0]["high"] == [32, 12, 7]


def test_a_photograph_is_shown_as_the_networks_have_it(tmp_path):
    Image.fromarray(astronaut()[:64, 200:280]).save(tmp_path / "part.png")
    (detail,) = photographs.of(Wanted((str(tmp_path / "part.png"),), ("awsrn_s",), 2))
    assert (detail.name, detail.scale) == ("part", 2)
    assert [shot.label for shot in detail.shots] == ["HR", "Bicubic", "AWSRN-S"]
    assert detail.caption.startswith("PSNR / SSIM of the whole image: Bicubic ")
    left, top = map(int, re.findall(r"HR pixels at (\d+),(\d+)", detail.caption)[0])
    hr, _, ours = (np.asarray(Image.open(BytesIO(shot.content))) for shot in detail.shots)
    shown = (slice(top, top + detail.height), slice(left + 200, left + 200 + detail.width))
    assert np.array_equal(hr, astronaut()[shown])  # without loss
    assert ours.shape == hr.shape
    assert not np.array_equal(ours, hr)


def test_what_is_not_there_is_said(tmp_path, results):
    with pytest.raises(UsageError, match="awru"):
        content.of(["awruu"], results)
    (tmp_path / "other.yaml").write_text((results / "mine.yaml").read_text("utf-8"), "utf-8")
    files = [
        str(folder / name) for folder, name in ((results, "mine.yaml"), (tmp_path, "other.yaml"))
    ]
    with pytest.raises(UsageError, match="are ablations of one name"):
        content.of(files, results)
    for scale in (0, 8):
        with pytest.raises(
            UsageError, match=rf"--scale {scale}: the bundled weights .* x2, x3, x4"
        ):
            photographs.of(Wanted(scale=scale))
    with pytest.raises(HarnessError, match="no records to make a page of"):
        content.of([], tmp_path)
    with pytest.raises(HarnessError, match="no records of 'branches'"):
        content.of(["branches"], results)
