"""READMEs show what the reports hold, and nothing gets lost between them.

Their commands are run by test_readme_commands.py.
"""

import csv
import re
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest

from harness.cli.flops import flops
from harness.config import ablation
from harness.config.protocols import names
from harness.records import published
from tests.shipped import NAME, reported

ROOT = Path(__file__).parents[1]
FOLDERS = (
    *("ablations", "models", "reports", "results", "results/pretrained", "harness"),
    *(f"harness/{name}" for name in ("data", "weights", "evaluation", "efficiency", "deploy")),
)
TEXTS = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "CONTRIBUTING.md", *(f"{folder}/README.md" for folder in FOLDERS))
}
README, REPORTS = TEXTS["README.md"], TEXTS["reports/README.md"]

ORDER = [
    *("Install", "What it says", "Your own block", "Table 5, re-scored", "Commands"),
    *("Data", "How to cite", "Licence"),
]
MOST_LINES = 170

NOW_IN = {
    "Why believe a number of it": ("harness", "Why believe a number of it"),
    "Use it": ("", "Commands"),
    "Profiles": ("ablations", "Settings"),
    "Stop and go on": ("results", "What is written"),
    "One bad cell stops nothing else": ("results", "What is written"),
    "Your own block": ("", "Your own block"),
    "Does the difference mean anything?": ("reports", "Does the difference mean anything?"),
    "Weights of others": ("harness/weights", "Weights of others"),
    "Upscale your own images": ("harness/deploy", "Your own images"),
    "Prune what does not earn its cost": (
        "harness/deploy",
        "Prune what does not earn its cost",
    ),
    "What three seeds say": ("reports", "What three seeds say"),
    "Table 5 does not compare what it seems to": ("reports", "Table 5, re-scored"),
    "Data": ("harness/data", "Image sets"),
    "How it scores and counts: PSNR and SSIM": ("harness/evaluation", "How it scores"),
    "How it scores and counts: Multi-Adds": ("harness/efficiency", "How it counts"),
    "How it scores and counts: Latency": ("harness/efficiency", "Latency"),
    "What it writes": ("results", "What is written"),
    "Two machines": ("results", "What is written"),
    "Contributing, licence": ("", "Licence"),
}
"""Where each heading of the README stands since it was cut down to what a newcomer reads."""


def headings(text):
    """The headings of a text, code left out."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return re.findall(r"^#+ (.+)$", prose, flags=re.MULTILINE)


def test_the_readme_is_short_and_in_order():
    assert headings(README)[1:] == ORDER
    assert len(README.splitlines()) < MOST_LINES
    for line in README.splitlines():
        assert len(line) <= 104 or line.startswith(("|", "!")), line


@pytest.mark.parametrize("was", NOW_IN)
def test_what_stood_in_the_readme_stands_somewhere(was):
    folder, heading = NOW_IN[was]
    path = f"{folder}/README.md".removeprefix("/")
    assert heading in headings(TEXTS[path])
    way = f"]({path}" if folder else "# "
    assert way in README, "nothing in the README leads there"


def test_each_key_of_an_ablation_is_explained():
    text = TEXTS["ablations/README.md"]
    declared = [
        item.metadata.get("alias", item.name)
        for of in (ablation.AblationFile, ablation.RowEntry, ablation.Pair)
        for item in fields(of)
    ]
    explained = re.findall(r"`([a-z_]+)`", " ".join(re.findall(r"^\| (`.*?) \|", text, re.M)))
    profiles = {"smoke", "cpu", "paper"}
    assert set(explained) - profiles == set(declared)
    for name in ablation.shipped():
        assert f"`{name}`" in text


@pytest.mark.parametrize("path", TEXTS)
def test_words_are_those_of_the_field(path):
    text = " ".join(TEXTS[path].split())
    assert not re.search(r"\b(least found|comes? along|bad cell|cells? (is|are) done)\b", text)


def test_the_table_is_that_of_the_report():
    """Five columns of the many; the paper's difference is of its means, 34.99 and 35.02."""
    base, *rows = (row for label, row in reported("awru").items() if label != "Bicubic")
    lines = [f"| {base['label']} | {int(base['ours_params']):,} | {_db(base, 'mean_psnr')} | | |"]
    for row in rows:
        diff, low, high = (
            float(row[f"ours_mean_psnr_diff_{key}db"]) for key in ("", "low_", "high_")
        )
        paper = Decimal(row["paper_mean_psnr_db"]) - Decimal(base["paper_mean_psnr_db"])
        interval = (
            f"{diff:+.3f} [{low:+.3f}, {high:+.3f}] {row['ours_mean_psnr_diff_mark']}".strip()
        )
        more = f"{int(row['ours_params_diff']):+,}"
        lines.append(
            f"| {row['label']} | {more} | {_db(row, 'mean_psnr')} | {interval} | {paper:+} |"
        )
    assert "\n".join(lines) in README
    widths = [
        float(rows[-1][f"ours_mean_psnr_diff_half_width{of}_db"]) for of in ("_unrelated", "")
    ]
    assert "from \u00b1{:.3f} to \u00b1{:.3f} dB".format(*widths) in " ".join(README.split())


def _db(row, metric):
    return f"{float(row[f'ours_{metric}_db']):.2f}"


@pytest.mark.parametrize(
    ("ablation", "label", "compared"),
    [
        ("awru", "wRU", "WDSR with wRU to WDSR"),
        ("awru", "AWRU", "WDSR with AWRU to WDSR"),
        ("lfb", "AWSRN-NA", "AWSRN-NA to WDSR"),
        ("lfb", "AWSRN-NL", "AWSRN-NL to WDSR"),
        ("lfb", "AWSRN-B", "AWSRN-B to WDSR"),
        ("awms", "WDSR w/ AWMS", "WDSR with AWMS to WDSR"),
        ("awms", "AWSRN-B w/ AWMS", "AWSRN to AWSRN-B"),
    ],
)
def test_the_differences_are_those_of_the_reports(ablation, label, compared):
    rows = reported(ablation)
    row = rows[label]
    diff, low, high, least, most = (
        float(row[f"ours_mean_psnr_diff_{key}"])
        for key in ("db", "low_db", "high_db", "detectable_low_db", "detectable_high_db")
    )
    means = [float(rows[name]["paper_mean_psnr_db"]) for name in (label, row["base"])]
    line = next(line for line in REPORTS.splitlines() if f"| {compared} |" in line)
    numbers = (
        f"{diff:+.3f} | [{low:+.3f}, {high:+.3f}] | {least:.3f} to {most:.3f} | "
        f"{means[0] - means[1]:+.2f} |"
    )
    assert line.endswith(numbers)


def test_the_pairs_are_those_of_the_report():
    """Their last column is the paper's: 35.08 of AWSRN-B, 35.03 and 35.02 of two others."""
    path = ROOT / "reports" / f"lfb_{NAME}_pairs.md"
    lines = path.read_text(encoding="utf-8").replace("\\", "").splitlines()
    rows = [line[2:-2].split(" | ") for line in lines if line.startswith("| AWSRN-B")]
    printed = ("+0.05 ", "+0.06 ", "")
    for (row, base, _, diff, interval, *_), theirs in zip(rows, printed, strict=True):
        line = next(line for line in REPORTS.splitlines() if f"| {row} to {base} |" in line)
        assert f"| {diff} | {interval.removesuffix(' n.s.')} |" in line
        assert line.endswith(f" | {theirs}|")
    for *_, in_ssim, p_in_ssim in rows[1:]:
        assert f"{in_ssim}, corrected p {p_in_ssim}" in " ".join(REPORTS.split())


@pytest.mark.parametrize(
    ("name", "label"), [("lfb", "AWSRN-B"), ("lfb", "AWSRN-NA"), ("awru", "AWRU")]
)
def test_differences_in_ssim_are_those_of_the_report(name, label):
    row = reported(name)[label]
    diff, low, high, p = (
        float(row[f"ours_mean_ssim_diff{key}"]) for key in ("", "_low", "_high", "_p_corrected")
    )
    text = " ".join(REPORTS.split())
    assert f"{diff:+.5f} [{low:+.5f}, {high:+.5f}], corrected p {p:.3f}" in text


def test_the_rescored_rows_are_those_of_the_report():
    path = ROOT / "reports" / "table5_rescored.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["scale"], row["set"]) == ("2", "Set5")]
    shown = 0
    for row in rows:
        if f"| {row['label']} | {row['weights']} |" not in README:
            continue
        shown += 1
        scores = [
            f"{float(row[f'{of}_psnr_db']):.2f}/{float(row[f'{of}_ssim']):.4f}"
            for of in ("printed", "rescored")
        ]
        ranks = [row[f"{of}_rank"] for of in ("printed", "rescored")]
        assert f"| {row['label']} | {row['weights']} | {' | '.join([*scores, *ranks])} |" in README
    assert shown == 3


def test_what_is_said_of_falsr_a_is_what_the_report_has():
    path = ROOT / "reports" / "table5_rescored.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["scale"] == "2"]
    falsr = {row["set"]: row for row in rows if row["label"] == "FALSR-A"}
    ranks = {name: (row["printed_rank"], row["rescored_rank"]) for name, row in falsr.items()}
    assert ranks["Set5"] == ("6", "4")
    assert len(set(ranks["Set14"])) == len(set(ranks["B100"])) == 1
    leads = [
        "{:.2f} to {:.2f}".format(*(float(row[f"{of}_lead_db"]) for of in ("printed", "rescored")))
        for row in falsr.values()
    ]
    text = " ".join(REPORTS.split())
    assert f"from {', '.join(leads[:-1])} and {leads[-1]} dB" in text
    reranked = {row["label"] for row in rows if row["weights"] == "authors"}
    assert f"{len(reranked)} of the {len({row['label'] for row in rows})} rows at x2" in text


def test_the_number_of_trainings_is_that_of_the_ablations():
    trained = {
        (row.model, str(row.overrides), seed)
        for name in ("awru", "lfb", "awms", "branches")
        for chosen in [ablation.load(name)]
        for row in chosen.rows
        for seed in chosen.seeds
    }
    assert f"The same tables on your machine, {len(trained)} trainings" in " ".join(REPORTS.split())


def test_the_default_convention_of_counting_is_the_one_that_is_named():
    (option,) = [one for one in flops.params if one.name == "convention"]
    text = " ".join(TEXTS["harness/efficiency/README.md"].split())
    assert f"(`--convention {option.default}`, its default)" in text


def test_the_sizes_that_come_out_to_the_digit_are_as_many_as_are_exact():
    """AWSRN-M x2 is explained, by a truncation: 1,063,742 is printed 1,063K."""
    cells = [
        cell
        for cell in published.load(5)
        if cell.label.startswith("AWSRN") and cell.metric in ("params_k", "multi_adds_g")
    ]
    networks = {(cell.label, cell.scale) for cell in cells}
    others = {(cell.label, cell.scale) for cell in cells if cell.status != "exact"}
    assert (len(networks), others) == (13, {("AWSRN-M", 2)})
    assert "Twelve of the 13 AWSRN networks" in TEXTS["harness/README.md"]


def test_the_protocols_are_those_there_are():
    text = TEXTS["harness/evaluation/README.md"]
    assert tuple(re.findall(r"^\| `([a-z_]+)`", text, flags=re.MULTILINE)) == names()


def test_the_two_set_up_commands_are_there():
    first, second = re.findall(r"^    (python -m pip .*)$", README, flags=re.MULTILINE)
    assert first.startswith("python -m pip install -c constraints.txt -e . && harness run awru ")
    assert second == "python -m pip install nox && python -m nox -s tests"
    gate = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if "-m pip" in line]
    assert gate == [first, second], "the landing gate runs both as they are"


def _anchor(heading):
    """The anchor that the hosting site gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


LINKS = [(path, link) for path in TEXTS for link in re.findall(r"\]\(([^)]+)\)", TEXTS[path])]


@pytest.mark.parametrize(("path", "link"), LINKS)
def test_links_lead_somewhere(path, link):
    if "://" in link:
        return
    file, _, anchor = link.partition("#")
    target = (ROOT / path).parent / file if file else ROOT / path
    assert target.exists()
    if anchor:
        assert anchor in map(_anchor, headings(target.read_text(encoding="utf-8")))
