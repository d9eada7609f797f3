"""What the tests of the data layer share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest


@pytest.fixture
def shared_tmp() -> Iterator[Path]:
    """Give a temporary folder that other users may search, unlike pytest's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for path in [folder, *folder.iterdir()]:
            path.chmod(0o755)


@pytest.fixture
def unprivileged() -> Callable[[], AbstractContextManager[None]]:
    """Give a context in which file permissions apply, even where the tests run as root."""
    if not hasattr(os, "geteuid"):
        pytest.skip("needs POSIX file permissions")
    if os.geteuid() == 0:
        try:
            os.seteuid(65534)
        except OSError as error:
            pytest.skip(f"cannot become an unprivileged user: {error}")
        os.seteuid(0)

    @contextmanager
    def context() -> Iterator[None]:
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(user)

    return context
