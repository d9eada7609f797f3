"""Work that is done in other threads, whose results and failure are as if done in order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

_Result = TypeVar("_Result")


class InOrder(Generic[_Result]):
    """Calls made in other threads, and their results in the order in which they were added.

    Use it in a ``with`` block. Of calls that fail, the first one in that order raises its error,
    and also where the block itself fails behind it: which error is seen does not depend on time.
    """

    def __init__(self, workers: int) -> None:
        """Begin with none.

        Args:
            workers: Threads, at least 1. Twice as many calls wait at most.
        """
        self._most_waiting = 2 * workers
        self._pool = ThreadPoolExecutor(workers)
        self._calls: list[Future[_Result]] = []

    def __enter__(self) -> Self:
        """Begin the block."""
        return self

    def add(self, call: Callable[[], _Result]) -> None:
        """Have a call made; wait first where many wait already."""
        if len(self._calls) >= self._most_waiting:
            self._calls[-self._most_waiting].result()
        self._calls.append(self._pool.submit(call))

    @property
    def results(self) -> list[_Result]:
        """The results of all calls."""
        return [call.result() for call in self._calls]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for all calls; raise the error of the first that failed."""
        self._pool.shutdown(cancel_futures=error is not None and not isinstance(error, Exception))
        if error is None or isinstance(error, Exception):
            self.results  # noqa: B018 - raises what a call raised
