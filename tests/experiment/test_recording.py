"""What a record says of its training."""

import pytest

from harness.config import settings
from harness.experiment.recording import _is_paper_budget


@pytest.mark.parametrize(
    ("asked", "is_papers"),
    [
        ({"train.steps": 1_000_000, "data.train": "DIV2K"}, True),
        ({"train.steps": 1_200_000, "data.train": "DIV2K"}, True),
        ({"train.steps": 999_999, "data.train": "DIV2K"}, False),
        ({"train.steps": 1_000_000, "data.train": "T291"}, False),
        ({"train.steps": 1_000_000, "data.train": "DIV2K+T291"}, False),
        (settings.PROFILES["paper"], True),
        (settings.PROFILES["cpu"], False),
        (settings.PROFILES["smoke"], False),
    ],
)
def test_the_papers_budget_is_its_steps_on_its_data(asked, is_papers):
    """Sec. 4.2 trains on DIV2K, the authors' code for 1,000,000 steps."""
    config, problems = settings.make([asked])
    assert problems == []
    assert _is_paper_budget(config) is is_papers
