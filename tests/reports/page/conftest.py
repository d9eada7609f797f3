"""Results of a few trainings, one of them with a hostile label, and a browser, if there is one."""

import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from harness.reports.page import content, render
from harness.reports.page.photographs import Detail, Shot

ROOT = Path(__file__).parents[3]
CHROMIUM = "/usr/bin/chromium"
HOSTILE = """<script>alert("1")</script> 'x' & </td>"""

ABLATION = {
    "name": "mine",
    "title": f"Units {HOSTILE}",
    "note": f"A note {HOSTILE}",
    "base": "plain",
    "rows": [
        {"label": "plain", "model": "wdsr_basic"},
        {"label": "weighted", "model": "wdsr_wru"},
        {"label": HOSTILE, "model": "wdsr_awru"},
    ],
}


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """A results root: three seeds of three rows, with readings, and an ablation of them."""
    root = tmp_path_factory.mktemp("results")
    for path in (ROOT / "results" / "runs").glob("*-x2-*/record.json"):
        if re.match(r"wdsr_(basic|wru|awru)-|bicubic|vdsr-x2-awsrn|awsrn_s-", path.parent.name):
            raw = json.loads(path.read_text("utf-8"))
            if raw["seed"] is not None:
                seed = raw["seed"]
                raw["readings"] = {
                    "steps": [100, 200, 300],
                    "seconds": [10.0 + seed, 20.0 + seed, 30.0 + seed],
                    "losses": [30.0 + seed, 10.0 + seed, 5.0 + seed],
                    "rates": [0.1, 0.1, 0.1],
                }
            if raw["model"] == "wdsr_awru":
                raw["label"] = HOSTILE
            folder = root / "results" / "runs" / path.parent.name
            folder.mkdir(parents=True)
            (folder / "record.json").write_text(json.dumps(raw), encoding="utf-8")
    (root / "mine.yaml").write_text(json.dumps(ABLATION), encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def details():
    """A photograph of two colours for the slider."""

    def shot(label, colour):
        content = io.BytesIO()
        Image.new("RGB", (64, 48), colour).save(content, format="WEBP", lossless=True)
        return Shot(label, "30.00 / 0.9000", content.getvalue())

    shots = (shot("HR", "green"), shot("Bicubic", "red"), shot(HOSTILE, "blue"))
    return (Detail(HOSTILE, 2, 64, 48, shots, f"Caption {HOSTILE}"),)


@pytest.fixture(scope="session")
def mine(results):
    return content.of([str(results / "mine.yaml")], results)


@pytest.fixture(scope="session")
def page_file(results, mine, details):
    """The page of that ablation, one file."""
    return render.one_file(mine, details, results / "report.html")


@pytest.fixture(scope="session")
def chromium():
    if not Path(CHROMIUM).exists():
        pytest.skip(f"there is no {CHROMIUM}")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, page_file):
    """Open the page in a browser that says whether anything was wrong or left the machine."""
    contexts = []

    def open_page(file=page_file, *, anchor="", width=1200, height=900, **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(20_000)
        page = context.new_page()
        said, asked = [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{file.as_uri()}{anchor}")
        contexts.append((context, said, asked))
        return page

    yield open_page
    for context, said, asked in contexts:
        context.close()
        assert said == []
        assert all(url.startswith(("file:", "data:")) for url in asked)
