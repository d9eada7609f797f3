"""What the tests of the data layer share."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


class Site:
    """A web server on this machine that behaves as it is told.

    Attributes:
        files: What it has, by path.
        answers: Functions that answer the next requests of a path, instead of the usual answer.
        asked: Every request: path and headers.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.released = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, dict(self.headers.items())))
                waiting = site.answers.get(self.path, [])
                answer = waiting.pop(0) if waiting else send
                with suppress(BrokenPipeError, ConnectionResetError):  # clients may give up
                    answer(self, site.files.get(self.path, b""))

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def cut(self, size: int, *, hang: bool = False) -> Answer:
        return cut(size, hang=self.released if hang else None)

    def code(self, number: int, *, body: bytes = b"", **headers: str) -> Answer:
        return code(number, body=body, **headers)

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def ranges(self, path: str) -> list[str | None]:
        """Return the Range header of each request of a path."""
        return [headers.get("Range") for asked, headers in self.asked if asked == path]


def send(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    """Answer as a good server does: with ranges and a strong ETag."""
    if not content:
        code(404)(handler, content)
        return
    asked = handler.headers.get("Range")
    if asked is None or handler.headers.get("If-Range") not in (None, _tag(content)):
        cut(len(content))(handler, content)
        return
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    if start >= len(content):
        code(416)(handler, content)
        return
    span = f"bytes {start}-{len(content) - 1}/{len(content)}"
    code(206, Content_Range=span, ETag=_tag(content), body=content[start:])(handler, content)


def cut(size: int, *, hang: threading.Event | None = None) -> Answer:
    """Answer from the start, with the right length, but send only so much of it; then hang."""

    def answer(handler: BaseHTTPRequestHandler, content: bytes) -> None:
        length = str(len(content))
        code(200, Content_Length=length, ETag=_tag(content), body=content[:size])(handler, content)
        handler.wfile.flush()
        if hang:
            hang.wait(10)

    return answer


def code(number: int, *, body: bytes = b"", **headers: str) -> Answer:
    """Answer with a status, headers and a body."""

    def answer(handler: BaseHTTPRequestHandler, content: bytes) -> None:
        handler.send_response(number)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:8]}"'


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Give a web server; its ways to misbehave are ``cut`` and ``code``."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site = Site()
    yield site
    site.close()
