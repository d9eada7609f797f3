"""After how many seeds a run with ``seeds=auto`` looks at its rows."""

LOOKS = (3, 4, 5, 6, 8, 10, 12)
"""Numbers of seeds; the error of each look is in :mod:`harness.statistics.looks`."""

AUTO = "auto"
"""The value of ``seeds`` that asks for it."""


def looks_to(most: int) -> tuple[int, ...]:
    """Return the looks of a run with at most so many seeds.

    Example:
        >>> looks_to(6)
        (3, 4, 5, 6)
    """
    return tuple(seeds for seeds in LOOKS if seeds <= most)
