"""Talk to web servers: web addresses only, and what the headers of an answer mean."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

_WEB = ("http", "https")


class RefusedError(Exception):
    """This address will not do; another one may."""


class BrokenError(Exception):
    """The connection failed; another try may do, after ``wait_s`` seconds."""

    def __init__(self, why: str, wait_s: float = 0.0) -> None:
        """Keep the reason, and the seconds that the server asks to wait."""
        super().__init__(why)
        self.wait_s = wait_s


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """Follow redirects to web addresses only, and never from https to http."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the request to follow with."""
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new not in _WEB or (old == "https" and new == "http"):
            raise RefusedError(f"it redirects to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Follow; addresses that the base class refuses by itself become the same error."""
        place = headers.get("location") or headers.get("uri") or ""
        if urlsplit(place).scheme not in ("", *_WEB):
            raise RefusedError(f"it redirects to {place}")
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _opener() -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _WebOnly(),
    ):
        opener.add_handler(handler)
    return opener


OPENER = _opener()
"""Opens web addresses only: the usual one of ``urllib`` opens local files, too."""


def extent(answer: http.client.HTTPResponse) -> tuple[int, int | None]:
    """Return where an answer starts in the file, and the size of the whole file, if it is said.

    Raises:
        BrokenError: The answer is a part of the file and does not say which.
    """
    length = answer.headers.get("Content-Length")
    if answer.status != http.client.PARTIAL_CONTENT:
        return 0, int(length) if length and length.isdigit() else None
    unit, _, span = answer.headers.get("Content-Range", "").partition(" ")
    span, _, total = span.partition("/")
    first = span.partition("-")[0]
    if unit != "bytes" or not first.isdigit():
        raise BrokenError("the server sends a part without saying which")
    return int(first), int(total) if total.isdigit() else None


def version(answer: http.client.HTTPResponse) -> str | None:
    """Return what identifies this version of the file, for the header If-Range."""
    tag = answer.headers.get("ETag")
    if tag and not tag.startswith("W/"):
        return str(tag)
    return answer.headers.get("Last-Modified")


def retry_after(error: urllib.error.HTTPError) -> float:
    """Return how many seconds a server asks to wait."""
    after = error.headers.get("Retry-After", "") if error.headers else ""
    return float(after) if after.isdigit() else 0.0
