"""What reports/README.md says of plans is what the plans say."""

import csv
from pathlib import Path

import pytest

from tests.shipped import NAME

ROOT = Path(__file__).parents[2]
README = (ROOT / "reports" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("ablation", "row", "base"),
    [
        ("awru", "AWRU", "Basic RU"),
        ("awru", "wRU", "Basic RU"),
        ("lfb", "AWSRN-NA", "baseline"),
        ("lfb", "AWSRN-NL", "baseline"),
        ("lfb", "AWSRN-B", "baseline"),
        ("awms", "WDSR w/ AWMS", "WDSR"),
        ("awms", "AWSRN-B w/ AWMS", "AWSRN-B"),
    ],
)
def test_the_seeds_are_those_of_the_plans(ablation, row, base):
    path = ROOT / "reports" / f"{ablation}_{NAME}_plan.csv"
    with path.open(encoding="utf-8", newline="") as file:
        found = {one["sets"]: one for one in csv.DictReader(file) if one["row"] == row}
    whole, alone = found["Set5, Set14, B100"], found["B100"]
    assert whole["base"] == base
    (line,) = [line for line in README.splitlines() if line.startswith(f"| {row} to {base} |")]
    width, needed, assured, on_b100 = line.strip("| ").split(" | ")[1:]
    assert float(width) == pytest.approx(float(whole["half_width_infinite_db"]), abs=0.0006)
    assert (needed, assured) == (whole["seeds_needed"], whole["seeds_assured"])
    assert on_b100 == f"{alone['seeds_needed']}, {alone['seeds_assured']}"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "reports").glob("*_[0-9]*steps*.md")), ids=lambda path: path.stem
)
def test_a_table_of_trainings_names_its_budget_and_hardware(path):
    """Also the small ones, which go into a paper without the table that they stand beside."""
    text = path.read_text(encoding="utf-8")
    (steps,) = {word.removesuffix("steps") for word in path.stem.split("_") if "steps" in word}
    assert f"{int(steps):,} steps x batch" in text
    assert "cpu (" in text
