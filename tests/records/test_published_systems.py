"""Published networks that a user may choose, with what they were trained on."""

from decimal import Decimal

import pytest

from harness.config import paper
from harness.errors import ConfigError
from harness.records import published, published_systems


def values(system):
    return {(cell.set, cell.metric): cell.value for cell in system.cells}


def test_rows_of_table_5_in_the_order_asked_for():
    found = published_systems.systems(["IMDN", "CARN", "CARN"], 2)
    assert [system.label for system in found] == ["IMDN", "CARN"]
    imdn, carn = map(values, found)
    # IMDN and CARN x2 as their papers print them.
    assert imdn["Set14", "psnr_db"] == Decimal("33.63")
    assert str(imdn["Set5", "psnr_db"]) == "38.00"
    assert carn["Set5", "psnr_db"] == Decimal("37.76")
    assert carn["", "params_k"] == 1592


@pytest.mark.parametrize(
    ("label", "images"),
    [("CARN", "DIV2K"), ("AWSRN-M", "DIV2K"), ("DRRN", "T291")],
)
def test_training_sets_are_those_of_their_papers(label, images):
    (system,) = published_systems.systems([label], 2)
    assert system.trained_on == images


def test_what_a_row_was_trained_on_is_known_or_said_to_be_unknown():
    rows = {cell.label for cell in published.load(paper.SYSTEMS_TABLE)}
    listed = published_systems.trained_on().keys()
    assert {"AWSRN", "CARN", "DRRN"} <= listed & rows
    assert "SelNet" not in listed
    assert listed - rows == {"IMDN"}
    (selnet,) = published_systems.systems(["SelNet"], 2)
    assert selnet.trained_on == "not known"


@pytest.mark.parametrize(
    ("label", "images"),
    [
        ("SAFMN", "DF2K"),
        ("SMFANet (DF2K)", "DF2K"),
        ("SMFANet (DIV2K)", "DIV2K"),
        ("ECBSR-M16C64", "not known"),
        ("CARN", "DIV2K"),
        ("VDSR", "not known"),
    ],
)
def test_training_sets_are_known_of_the_labels_alone(label, images):
    assert published_systems.training_of(label) == images
    assert {system.trained_on for system in published_systems.systems([label], 4)} == {images}


def test_of_a_network_of_two_training_sets_one_must_be_named():
    (problem,) = published_systems.problems(["SMFANet"])
    assert "did you mean 'SMFANet (D" in problem
    first, second = published_systems.systems(["SMFANet (DF2K)", "SMFANet (DIV2K)"], 2)
    assert values(first)["", "params_k"] == values(second)["", "params_k"] == 186
    assert str(values(first)["Manga109", "psnr_db"]) == "39.11"
    assert str(values(second)["Manga109", "psnr_db"]) == "38.98"


def test_rows_that_are_not_published_at_a_scale_are_left_out():
    assert published_systems.systems(["FALSR-A"], 3) == ()


def test_unknown_labels_are_problems_with_the_nearest():
    (problem,) = published_systems.problems(["AWSRN-M", "AWSRNM"])
    assert "no published row 'AWSRNM'" in problem
    assert "did you mean 'AWSRN-M'" in problem
    with pytest.raises(ConfigError, match="AWSRNM"):
        published_systems.systems(["AWSRNM"], 2)
