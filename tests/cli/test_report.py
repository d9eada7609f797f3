"""``harness report``: a page from stored records, and one clear line for every mistake."""

import re

import pytest


def test_a_page_of_a_run_of_ones_own(tiny, tmp_path, invoke):
    invoke("run", *tiny)
    page = tmp_path / "out" / "page.html"
    arguments = [tmp_path / "tiny.yaml", "--results", tmp_path, "--no-images"]
    result = invoke("report", *arguments, "-o", page)
    assert (result.exit_code, result.stdout) == (0, f"{page}\n")
    text = page.read_text("utf-8")
    assert "<h1>Tiny networks</h1>" in text
    ids = [path.parent.name for path in (tmp_path / "results" / "runs").glob("*/record.json")]
    assert set(re.findall(r'<tr id="record-([^"]+)"', text)) == set(ids)
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
