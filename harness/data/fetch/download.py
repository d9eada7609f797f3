"""Fetch one file over HTTP: go on where it stopped, check it, try the next address.

What has arrived lies in ``NAME.part``, beside a note of where it came from (``NAME.part.json``),
and stays there whatever happens, so that the next call goes on from it. A file takes its own
name only when it is whole, and equal to its known hash where there is one.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness import __version__
from harness.data.fetch.http import OPENER, BrokenError, RefusedError, extent, retry_after, version
from harness.data.fetch.registry import Archive
from harness.data.fetch.room import limit, require_space
from harness.errors import DataError, HarnessError
from harness.host.files import reason, write_atomic
from harness.host.progress import Transfer

log = logging.getLogger(__name__)

_CHUNK = 2**18
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server.

    Attributes:
        stall_s: Seconds without a byte after which a connection is given up.
        slow_bytes: At least so many bytes must arrive within ``slow_s`` seconds.
        slow_s: See ``slow_bytes``.
        attempts: Tries of one address; the count starts anew whenever more has arrived.
        wait_s: Seconds before the second try; doubled before each further one.
        sleep: Waits so many seconds.
    """

    stall_s: float = 30.0
    slow_bytes: int = 16 * 1024
    slow_s: float = 60.0
    attempts: int = 5
    wait_s: float = 1.0
    sleep: Callable[[float], None] = time.sleep


PATIENT = Patience()


class DownloadError(DataError):
    """No address gave the file."""


def download(archive: Archive, folder: Path, *, patience: Patience = PATIENT) -> Path:
    """Fetch an archive into a folder, unless it is there already.

    Args:
        archive: What to fetch, and what is known of it.
        folder: Where to; made when missing.
        patience: How long to wait.

    Returns:
        The file: of the known hash; where none is known, of the size the server said.

    Raises:
        DownloadError: No address gave it; says why for each of them.
        DataError: The disk is full or cannot be written.
    """
    target = folder / archive.name
    if target.is_file():
        problem = mismatch(target, archive)
        if problem is None:
            return target
        log.warning("%s: %s; fetching it again", target, problem)
        target.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    problems = []
    for url in archive.urls:
        try:
            _Fetch(archive, url, target, patience).run()
        except RefusedError as error:
            problems.append(f"  - {url}: {error}")
            log.warning("%s: %s", url, error)
        except OSError as error:
            raise DataError(f"{target}: cannot be written ({reason(error)})") from error
        else:
            return target
    raise DownloadError("\n".join([f"{archive.name}: no address gave it", *problems]))


def mismatch(path: Path, archive: Archive) -> str | None:
    """Say how a file differs from what is known of the archive; None where it does not."""
    size = path.stat().st_size
    if archive.size not in (None, size):
        return f"expected {archive.size} bytes, found {size}"
    if archive.hashed is None:
        return None
    kind, expected = archive.hashed
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, lambda: _hasher(kind)).hexdigest()
    return None if found == expected else f"expected {kind} {expected}, found {found}"


class _Fetch:
    """One archive from one address."""

    def __init__(self, archive: Archive, url: str, target: Path, patience: Patience) -> None:
        self.archive = archive
        self.url = url
        self.target = target
        self.part = target.with_name(f"{target.name}.part")
        self.note = target.with_name(f"{target.name}.part.json")
        self.patience = patience
        self.digest: hashlib._Hash | None = None  # of what came, where all of it was seen

    def run(self) -> None:
        """Fetch the file, in as many tries as it takes.

        Raises:
            RefusedError: This address will not do.
            OSError: The disk is full or cannot be written.
        """
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise RefusedError("expected an http or https address")
        tries, best = 0, self._have()
        while True:
            resumed = self._have() > 0
            try:
                self._fetch()
                problem = self._problem()
            except BrokenError as error:
                if self._have() > best:
                    tries, best = 0, self._have()
                tries += 1
                if tries >= self.patience.attempts:
                    raise RefusedError(f"{error} ({tries} tries)") from error
                wait_s = max(error.wait_s, self.patience.wait_s * 2 ** (tries - 1))
                log.info("%s: %s; again in %.0f s", self.url, error, wait_s)
                self.patience.sleep(min(wait_s, _LONGEST_WAIT_S))
                continue
            if problem is None:
                break
            self._forget()
            if not resumed:
                raise RefusedError(problem)
            log.info("%s: %s; once more from the start", self.url, problem)
        self.part.replace(self.target)
        self.note.unlink(missing_ok=True)

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def _problem(self) -> str | None:
        if self.digest is None or self.archive.hashed is None:
            return mismatch(self.part, self.archive)
        kind, expected = self.archive.hashed
        found = self.digest.hexdigest()
        return None if found == expected else f"expected {kind} {expected}, found {found}"

    def _fetch(self) -> None:
        """Fetch what is missing; returns once the part file is as long as it should be."""
        note = self._read_note()
        if self._have() and self._have() == (self.archive.size or note.get("size")):
            return
        try:
            with OPENER.open(self._request(note), timeout=self.patience.stall_s) as answer:
                self._receive(answer, note)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # the part is longer than the file, or of another one
                self._forget()
                raise BrokenError("the server has another file than before") from error
            if error.code in _AGAIN:
                raise BrokenError(f"HTTP {error.code}", retry_after(error)) from error
            raise RefusedError(f"HTTP {error.code} {error.reason}") from error
        except urllib.error.URLError as error:
            why = f"cannot be reached ({error.reason})"
            if self._have():  # it could be a moment ago
                raise BrokenError(why) from error
            raise RefusedError(why) from error
        except TimeoutError as error:
            raise BrokenError(f"nothing came for {self.patience.stall_s:g} s") from error
        except (ConnectionError, http.client.HTTPException) as error:
            raise BrokenError(f"the connection broke ({error or type(error).__name__})") from error

    def _read_note(self) -> dict[str, Any]:
        """Return what is known of the part file; forget a part that cannot be gone on with."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            note = {}
        # A part from another address will do where the whole is checked in the end.
        if not isinstance(note, dict) or (note.get("url") != self.url and not self.archive.hashed):
            note = {}
        if not note:
            self._forget()
        return note

    def _request(self, note: dict[str, Any]) -> urllib.request.Request:
        headers = {"User-Agent": f"awsrn-harness/{__version__}", "Accept-Encoding": "identity"}
        if have := self._have():
            headers["Range"] = f"bytes={have}-"
            if note.get("url") == self.url and note.get("version"):
                headers["If-Range"] = note["version"]
        return urllib.request.Request(self.url, headers=headers)

    def _receive(self, answer: http.client.HTTPResponse, note: dict[str, Any]) -> None:
        """Write what an answer brings; the part file grows, or begins anew."""
        start, total = extent(answer)
        if start != self._have() or (start and note.get("size") not in (None, total)):
            if start:
                self._forget()
                raise BrokenError("the server has another file than before")
            log.info("%s: the server sends it from the start", self.url)
        if total is not None and self.archive.size not in (None, total):
            raise RefusedError(f"expected {self.archive.size} bytes, the server has {total}")
        if total is not None and total > (most := limit(self.archive)):
            raise RefusedError(f"expected at most {most} bytes, the server has {total}")
        require_space(self.part.parent, (total or start) - start)
        self._write_note({"url": self.url, "size": total, "version": version(answer)})
        self.digest = self._digest(start)
        bar = Transfer(self.archive.name, total=total, done=start)
        try:
            with self.part.open("ab" if start else "wb") as out:
                for chunk in self._chunks(answer, start, total):
                    out.write(chunk)
                    self.digest.update(chunk)
                    bar.advance(len(chunk))
        finally:
            bar.close()
        if total is not None and self._have() != total:
            raise BrokenError(f"the connection ended at {self._have()} of {total} bytes")

    def _digest(self, start: int) -> hashlib._Hash:
        """Return the digest of what is there, to go on with."""
        kind = self.archive.hashed[0] if self.archive.hashed else "sha256"
        if not start:
            return _hasher(kind)
        with self.part.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: _hasher(kind))

    def _chunks(
        self, answer: http.client.HTTPResponse, have: int, total: int | None
    ) -> Iterator[bytes]:
        since, arrived, most = time.monotonic(), 0, total or limit(self.archive)
        while chunk := answer.read1(_CHUNK):
            have += len(chunk)
            if have > most:
                self._forget()
                raise RefusedError(f"expected at most {most} bytes, the server sends more")
            yield chunk
            arrived += len(chunk)
            if total is None:
                require_space(self.part.parent, 0)
            if time.monotonic() - since > self.patience.slow_s:
                if arrived < self.patience.slow_bytes:
                    raise BrokenError(f"only {arrived} bytes in {self.patience.slow_s:g} s")
                since, arrived = time.monotonic(), 0

    def _write_note(self, note: dict[str, Any]) -> None:
        try:
            write_atomic(self.note, json.dumps(note))
        except HarnessError as error:
            raise DataError(str(error)) from error


def _hasher(kind: str) -> hashlib._Hash:
    return hashlib.new(kind, usedforsecurity=False)
