"""The groups are those of the paper's text, Sec. 4.4."""

import pytest

from harness.errors import UsageError
from harness.records import published_groups


def test_peers_are_those_that_the_text_names():
    peers = {group.id: set(group.peers) for group in published_groups.load()}
    assert peers == {
        "awsrn_s": {"CARN-M", "FALSR-B", "FALSR-C"},
        "awsrn_m": {"SelNet", "MoreMNAS-A", "FALSR-A"},  # "SelfNet" in the text
        "awsrn": {"CARN", "MSRN"},
    }


def test_an_unknown_group_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r"'awsrn_l'.*did you mean"):
        published_groups.find("awsrn_l")
