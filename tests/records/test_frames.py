"""Records as data frames."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.records import frames
from harness.records.record import Record

FILE = Path(__file__).parents[1] / "files" / "record.json"


@pytest.fixture
def stored():
    record = Record.from_json(FILE.read_text(encoding="utf-8"), source="record.json")
    return [record, replace(record, id="other", seed=None)]


def test_one_row_per_record_and_set(stored):
    frame = frames.cells(stored)
    assert len(frame) == sum(len(record.scores) for record in stored)
    first = frame.iloc[0]
    assert (first.id, first.set) == (stored[0].id, stored[0].scores[0].set)
    assert first.psnr_db == stored[0].scores[0].psnr_db
    assert frame.seed.isna().sum() == len(stored[1].scores)


def test_means_over_images_are_the_scores_of_the_sets(stored):
    images = frames.images(stored[:1])
    means = images.groupby("set").psnr_db.mean()
    for score in stored[0].scores:
        assert means[score.set] == pytest.approx(score.psnr_db, abs=1e-9)
