"""The README shows what the reports hold; its commands are run by test_readme_commands.py."""

import csv
import re
from pathlib import Path

import pytest

from harness.cli.flops import flops
from harness.config import ablation
from harness.config.protocols import names
from harness.records import published

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_is_that_of_the_report():
    report = (ROOT / "reports" / "awru_x2_T291_1500steps.md").read_text(encoding="utf-8")
    table = [line for line in report.splitlines() if line.startswith("|")]
    assert len(table) == 6
    assert "\n".join(table) in README


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
    path = ROOT / "reports" / f"{ablation}_x2_T291_1500steps.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["label"]: row for row in csv.DictReader(file)}
    row = rows[label]
    diff, low, high, least, most = (
        float(row[f"ours_mean_psnr_diff_{key}"])
        for key in ("db", "low_db", "high_db", "detectable_low_db", "detectable_high_db")
    )
    means = [float(rows[name]["paper_mean_psnr_db"]) for name in (label, row["base"])]
    line = next(line for line in README.splitlines() if f"| {compared} |" in line)
    numbers = (
        f"{diff:+.3f} | [{low:+.3f}, {high:+.3f}] | {least:.3f} to {most:.3f} | "
        f"{means[0] - means[1]:+.2f} |"
    )
    assert line.endswith(numbers)


def test_the_pairs_are_those_of_the_report():
    """Their last column is the paper's: 35.08 of AWSRN-B, 35.03 and 35.02 of the others."""
    path = ROOT / "reports" / "lfb_x2_T291_1500steps_pairs.md"
    lines = path.read_text(encoding="utf-8").replace("\\", "").splitlines()
    rows = [line[2:-2].split(" | ") for line in lines if line.startswith("| AWSRN-B")]
    assert len(rows) == 2
    for (row, base, _, diff, interval, *_), theirs in zip(rows, ("+0.05", "+0.06"), strict=True):
        line = next(line for line in README.splitlines() if f"| {row} to {base} |" in line)
        assert f"| {diff} | {interval.removesuffix(' n.s.')} |" in line
        assert line.endswith(f"| {theirs} |")


def test_the_gain_in_ssim_is_that_of_the_report():
    path = ROOT / "reports" / "awru_x2_T291_1500steps.csv"
    with path.open(encoding="utf-8", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["label"] == "wRU")
    diff, low, high, p = (
        float(row[f"ours_mean_ssim_diff{key}"]) for key in ("", "_low", "_high", "_p_corrected")
    )
    text = " ".join(README.split())
    assert f"{diff:+.5f} [{low:+.5f}, {high:+.5f}], corrected p {p:.3f}" in text


def test_the_rescored_table_is_that_of_the_report():
    report = (ROOT / "reports" / "table5_rescored.md").read_text(encoding="utf-8").splitlines()
    shown = [line for line in README.splitlines() if line.startswith("| 2 | Set5 |")]
    assert shown == [line for line in report if line.startswith("| 2 | Set5 |")][: len(shown)]
    assert len(shown) > 10


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
    text = " ".join(README.split())
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
    assert f"The same tables on your machine, {len(trained)} trainings" in " ".join(README.split())


def test_the_default_convention_of_counting_is_the_one_that_is_named():
    (option,) = [one for one in flops.params if one.name == "convention"]
    assert f"(`--convention {option.default}`, its default)" in " ".join(README.split())


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
    assert "Twelve of the 13 AWSRN networks" in README


def test_the_protocols_are_those_there_are():
    assert tuple(re.findall(r"^\| `([a-z_]+)`", README, flags=re.MULTILINE)[-10:]) == names()


def test_the_two_set_up_commands_are_there():
    for session in ("demo", "tests"):
        assert f"python -m pip install nox && python -m nox -s {session}" in README


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_lead_somewhere(link):
    assert "://" in link or (ROOT / link).exists()
