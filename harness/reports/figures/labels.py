"""Where the labels of a scatter plot go: beside their points, and over nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import HarnessError

_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
_FARTHER_PT = 5.0
_RINGS = 8


@dataclass(frozen=True, slots=True)
class PageBox:
    """A rectangle on the page, in points: its middle, width and height."""

    x: float
    y: float
    width: float
    height: float

    def meets(self, other: PageBox) -> bool:
        """Tell whether two rectangles overlap."""
        return (
            abs(self.x - other.x) * 2 < self.width + other.width
            and abs(self.y - other.y) * 2 < self.height + other.height
        )

    def inside(self, other: PageBox) -> bool:
        """Tell whether this rectangle lies within another."""
        return (
            abs(self.x - other.x) * 2 <= other.width - self.width
            and abs(self.y - other.y) * 2 <= other.height - self.height
        )


def place(
    markers: Mapping[str, PageBox],
    sizes: Mapping[str, tuple[float, float]],
    *,
    others: Iterable[PageBox],
    area: PageBox,
) -> dict[str, PageBox]:
    """Return where each label goes: the nearest free place, those in a crowd first.

    Args:
        markers: The marker of each label's point.
        sizes: Width and height of each label.
        others: What else must not be covered.
        area: What all labels must lie within.

    Raises:
        HarnessError: A label has no free place.
    """
    taken = [*markers.values(), *others]
    placed: dict[str, PageBox] = {}
    for label in _crowded_first(markers):
        free = (
            box
            for box in _around(markers[label], sizes[label])
            if box.inside(area) and not any(box.meets(other) for other in taken)
        )
        box = next(free, None)
        if box is None:
            raise HarnessError(f"the figure has no room for the label '{label}'")
        placed[label] = box
        taken.append(box)
    return placed


def _around(marker: PageBox, size: tuple[float, float]) -> Iterable[PageBox]:
    """Yield the places for a label around a marker, the nearest first."""
    width, height = size
    for ring in range(_RINGS):
        gap = ring * _FARTHER_PT
        for right, up in _SIDES:
            along = (marker.width + width) / 2 + (0 if up and ring == 0 else gap)
            across = (marker.height + height) / 2 + gap
            yield PageBox(marker.x + right * along, marker.y + up * across, width, height)


def _crowded_first(markers: Mapping[str, PageBox]) -> Sequence[str]:
    """Return the labels by how near the other points are, ties in the order given."""

    def crowding(label: str) -> float:
        here = markers[label]
        distances = (
            (here.x - other.x) ** 2 + (here.y - other.y) ** 2
            for name, other in markers.items()
            if name != label
        )
        return sum(1 / (1 + distance) for distance in distances)

    return sorted(markers, key=crowding, reverse=True)
