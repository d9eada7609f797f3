"""What a fingerprint is made of: every setting, unless it is declared irrelevant."""

import pytest

from harness.config import settings
from harness.config.deciding import IRRELEVANT, SOMETIMES, deciding

LAST_SEEN = {
    *("precision", "device", "devices", "threads", "train.steps", "train.batch", "train.patch"),
    *("train.lr", "train.schedule", "train.halve_every", "train.channels_last"),
    "train.compile",
}


def test_every_setting_decides_about_weights_unless_declared_otherwise():
    """A new setting is in the fingerprint by itself; then it belongs to the list above, too."""
    keys = set(settings.settings())
    assert keys - IRRELEVANT == LAST_SEEN
    assert keys > IRRELEVANT
    assert set(SOMETIMES) < LAST_SEEN
    assert set(deciding(settings.Config())) | set(SOMETIMES) == LAST_SEEN


@pytest.mark.parametrize(
    ("changes", "key", "decides"),
    [
        ({"device": "cpu"}, "threads", True),
        ({"device": "cuda"}, "threads", False),
        ({"train.schedule": "halving"}, "train.halve_every", True),
        ({"train.schedule": "cosine"}, "train.halve_every", False),
        ({"train.compile": "true"}, "train.compile", True),
        ({"train.compile": "false"}, "train.compile", False),
    ],
)
def test_some_settings_decide_only_with_others(changes, key, decides):
    config, problems = settings.make([changes])
    assert problems == []
    assert (key in deciding(config)) == decides
