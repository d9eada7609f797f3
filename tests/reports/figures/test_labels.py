"""Labels lie beside their points, within the frame and over nothing."""

import pytest

from harness.errors import HarnessError
from harness.reports.figures.labels import PageBox, place

AREA = PageBox(50, 50, 100, 100)
SIZE = (20, 8)


def marker(x, y):
    return PageBox(x, y, 6, 6)


def test_rectangles_that_touch_do_not_meet():
    assert not PageBox(0, 0, 2, 2).meets(PageBox(2, 0, 2, 2))
    assert PageBox(0, 0, 2, 2).meets(PageBox(1.9, 1.9, 2, 2))
    assert PageBox(1, 1, 2, 2).inside(PageBox(1, 1, 2, 2))
    assert not PageBox(1.1, 1, 2, 2).inside(PageBox(1, 1, 2, 2))


def test_a_lonely_label_stands_to_the_right():
    placed = place({"a": marker(50, 50)}, {"a": SIZE}, others=(), area=AREA)
    assert placed == {"a": PageBox(63, 50, *SIZE)}


def test_a_label_at_the_right_edge_stands_to_the_left():
    placed = place({"a": marker(95, 50)}, {"a": SIZE}, others=(), area=AREA)
    assert placed == {"a": PageBox(82, 50, *SIZE)}


def test_labels_cover_neither_marks_nor_each_other():
    markers = {name: marker(45 + 7 * n, 48 + 5 * (n % 2)) for n, name in enumerate("abcde")}
    line = PageBox(40, 60, 60, 2)
    placed = place(markers, dict.fromkeys(markers, SIZE), others=[line], area=AREA)
    boxes = list(placed.values())
    assert set(placed) == set(markers)
    assert all(box.inside(AREA) for box in boxes)
    assert not any(box.meets(other) for box in boxes for other in [line, *markers.values()])
    assert not any(a.meets(b) for n, a in enumerate(boxes) for b in boxes[:n])


def test_no_room_is_an_error():
    with pytest.raises(HarnessError, match="no room for the label 'a'"):
        place({"a": marker(5, 5)}, {"a": (200, 8)}, others=(), area=AREA)
