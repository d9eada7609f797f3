"""``harness report``: a page from stored records, and one clear line for every mistake."""

import re
import shutil

import pytest

from tests.shipped import EARLIER


def test_a_page_and_a_bundle_are_written(tmp_path, invoke):
    runs = tmp_path / "results" / "runs"
    for path in (EARLIER / "results" / "runs").glob("wdsr_*-x2-s0-*/record.json"):
        shutil.copytree(path.parent, runs / path.parent.name)
    page = tmp_path / "out" / "page.html"
    arguments = ["awru", "--results", tmp_path, "--no-images"]
    result = invoke("report", *arguments, "-o", page)
    assert (result.exit_code, result.stdout) == (0, f"{page}\n")
    text = page.read_text("utf-8")
    assert "<h1>The effect of the residual unit on WDSR with 16 units</h1>" in text
    ids = [path.name for path in runs.iterdir() if "awms" not in path.name]
    assert set(re.findall(r'<tr id="record-([^"]+)"', text)) == set(ids)
    assert invoke("report", *arguments, "-o", "-").stdout == text
    result = invoke("report", *arguments, "--bundle", tmp_path / "site")
    names = {"index.html", "page.css", "page.js"}
    assert {line.rpartition("/")[2] for line in result.stdout.split()} == names
    assert {path.name for path in (tmp_path / "site").iterdir()} == names


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "expected -o FILE or --bundle DIR, one of them"),
        (["-o", "a.html", "--bundle", "b"], 2, "one of them"),
        (["-o", "a.html", "--no-images", "--scale", "2"], 2, "nothing for --image"),
        (["-o", "a.html", "--no-images", "--scale", "0"], 2, "--scale 0: expected"),
        (["-o", "a.html", "--model", "imdn=a.pth"], 2, "expected --scale, too"),
        (["awruu", "-o", "a.html"], 2, "did you mean 'awru'"),
        (["awru", "-o", "a.html"], 1, "no records to make a page of"),
        (["-o", "a.html"], 1, "run an ablation first"),
        (["-o", "."], 2, "is a directory"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(
    arguments, code, said, tmp_path, monkeypatch, invoke
):
    monkeypatch.chdir(tmp_path)
    result = invoke("report", *arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert not [*tmp_path.iterdir()]
