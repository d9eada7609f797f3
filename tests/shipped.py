"""Which stored trainings Tables 1 to 4 are made of; with new ones only this changes."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
STEPS = 2500
TRAINED_ON = "T291+General100"
NAME = f"x2_{TRAINED_ON}_{STEPS}steps"
"""What the names of their files end in."""

EARLIER = ROOT / "results" / "recipe1"
"""A results root where nothing changes: three seeds of 1,500 steps, one of 300, on T291."""
