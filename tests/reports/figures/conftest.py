"""Records to draw, and what must hold of every figure."""

import dataclasses
from pathlib import Path

import pytest
from matplotlib.text import Text

from harness.records.readings import Readings
from harness.records.record import ImageScore, Record, SetScore

RECORD = Record.from_json(
    (Path(__file__).parents[2] / "files" / "record.json").read_text(), source="record.json"
)


@pytest.fixture
def trained():
    """Make the record of a training with readings at steps 100, 200 and 300."""

    def make(model="wdsr_basic", seed=0, *, psnr_db=30.0, set_name="Set5", readings=True, **more):
        score = SetScore.of(set_name, "made", "pixels", (ImageScore("a", psnr_db, 0.9),))
        read = Readings(
            steps=(100, 200, 300),
            seconds=(10.0 + seed, 20.0 + 2 * seed, 30.0 + 3 * seed),
            losses=(30.0 + seed, 20.0 + seed, 10.0 + seed),
            rates=(1e-3, 1e-3, 1e-4),
            set=set_name,
            scored_steps=(150,),
            scored_seconds=(15.0 + 1.5 * seed,),
            psnr_db=(psnr_db - 2,),
        )
        values = {
            "id": f"{model}-s{seed}-{more.get('steps', 300)}",
            "model": model,
            "overrides": {},
            "drop": (),
            "seed": seed,
            "scores": (score,),
            "readings": read if readings else Readings(),
        }
        return dataclasses.replace(RECORD, **values | more)

    return make


@pytest.fixture
def uncut():
    """Assert that every text of a figure lies on the page, and none of the note over a panel."""

    def check(figure):
        figure.draw_without_rendering()
        box = figure.get_tightbbox()  # of everything that is drawn, in inches
        width, height = figure.get_size_inches()
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) > -0.01
        sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text()]
        assert sizes
        assert min(sizes) >= 6
        for note in figure.texts:
            assert not any(note.get_window_extent().overlaps(axes.bbox) for axes in figure.axes)

    return check
