"""What a fingerprint is made of: every setting, unless it is declared irrelevant."""

import json
from hashlib import sha256
from typing import Any

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
    ("profile", "channels_last", "digest"),
    [
        ("smoke", False, "9635b3a8550e6705"),
        ("cpu", True, "784c32ef6ab5708d"),
        ("paper", False, "8aafcf92e7312d1e"),
    ],
)
def test_settings_that_came_later_leave_fingerprints_as_they_were(profile, channels_last, digest):
    """The digests are those of before there was `train.compile`: records stay valid."""
    on_a_cpu = {"device": "cpu", "threads": 2 if channels_last else 1}
    before: dict[str, dict[str, Any]] = {
        "cpu": {"precision": "bf16-mixed"},
        "smoke": {"train.batch": 8, "train.patch": 24},
    }
    layers = [
        settings.PROFILES[profile],
        before.get(profile, {}),
        on_a_cpu | {"train.channels_last": channels_last},
    ]
    config, problems = settings.make(layers)
    assert problems == []
    canonical = json.dumps(deciding(config), sort_keys=True)
    assert sha256(canonical.encode()).hexdigest()[:16] == digest


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
