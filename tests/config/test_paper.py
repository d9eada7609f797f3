"""The constants of the paper are what the networks, the settings and the printed tables have."""

from harness.config import paper
from harness.config.settings import PROFILES, Config
from harness.models import registry
from harness.records import published


def test_the_registered_network_has_the_kernel_sizes_of_the_paper():
    assert registry.get("awsrn").build(scale=2).tail.kernel_sizes == paper.KERNEL_SIZES


def test_the_defaults_and_the_profile_of_the_paper_train_as_it_does():
    assert (Config().train.steps, Config().data.train) == (1_000_000, "DIV2K")
    assert PROFILES["paper"].get("train.steps", paper.STEPS) == paper.STEPS


def test_the_sets_are_those_that_the_table_of_systems_prints_in_its_order():
    printed = dict.fromkeys(cell.set for cell in published.load(paper.SYSTEMS_TABLE) if cell.set)
    assert tuple(printed) == paper.SETS


def test_the_size_as_text_is_width_by_height():
    assert paper.OUTPUT_SIZE == "1280x720"
