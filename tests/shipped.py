"""Which stored trainings Tables 1 to 4 are made of; with new ones only this changes."""

import csv
from pathlib import Path

ROOT = Path(__file__).parents[1]
STEPS = 2500
TRAINED_ON = "T291+General100"
NAME = f"x2_{TRAINED_ON}_{STEPS}steps"
"""What the names of their files end in."""

EARLIER = ROOT / "results" / "recipe1"
"""A results root where nothing changes: three seeds of 1,500 steps, one of 300, on T291."""


def reported(ablation: str) -> dict[str, dict[str, str]]:
    """Return the rows of an ablation's committed table, as CSV has them, by their labels."""
    path = ROOT / "reports" / f"{ablation}_{NAME}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {row["label"]: row for row in csv.DictReader(file)}
