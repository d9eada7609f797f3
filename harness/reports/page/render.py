"""A page as one file that needs nothing else, or as a folder of files for a web server."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from harness import __version__
from harness.config import paper
from harness.errors import HarnessError
from harness.host.files import write_atomic
from harness.host.writing import json_text
from harness.reports import notes
from harness.reports.page import details as facts
from harness.reports.page.content import Page, Section
from harness.reports.page.photographs import Detail, Shot
from harness.reports.page.plot_point import KINDS
from harness.reports.tables.table import PrintedValue, join

LARGEST = 3_000_000
"""Bytes that a page of one file may have: what is larger goes through no mail."""

_ASSETS = Path(__file__).with_name("assets")
_SCRIPTS = ("chart.js", "plot.js", "lines.js", "tables.js", "records.js", "slider.js")
_KIND_TEXTS = dict(zip(KINDS, ("published", "re-scored here", "own"), strict=True))
_MARKS = ("<strong>{}</strong>", "<u>{}</u>")
_UNSAFE = re.compile("[<>&\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class _Parts:
    """Where style, script and photographs stand: in the page, or beside it."""

    policy: str
    picture: Callable[[Detail, Shot], str]
    style_file: str = ""
    script_file: str = ""


def text_of(page: Page, details: Sequence[Detail]) -> str:
    """Return a page of one file.

    Args:
        page: What it shows.
        details: Its photographs.

    Raises:
        HarnessError: The page is larger than :data:`LARGEST`.
    """
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_sha256(_style())}'; "
        f"script-src '{_sha256(_script())}'; base-uri 'none'; form-action 'none'"
    )
    text = _render(page, details, _Parts(policy, lambda _, shot: _data_url(shot)))
    size = len(text.encode())
    if size > LARGEST:
        raise HarnessError(
            f"the page would have {size / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f} MB: name "
            "fewer ablations or images, or write a folder with --bundle DIR"
        )
    return text


def one_file(page: Page, details: Sequence[Detail], path: Path) -> Path:
    """Write a page of one file, its folder made where it is missing; returns the file.

    Raises:
        HarnessError: The page is too large, as for :func:`text_of`, or cannot be written.
    """
    write_atomic(path, text_of(page, details))
    return path


def bundle(page: Page, details: Sequence[Detail], folder: Path) -> tuple[Path, ...]:
    """Write a page with style, script, data and photographs in files of their own.

    Args:
        page: What it shows.
        details: Its photographs.
        folder: Where the files go, made where it is missing.

    Raises:
        HarnessError: A file cannot be written.
    """
    policy = (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = _Parts(policy, _file_name, style_file="page.css", script_file="page.js")
    files: dict[str, str | bytes] = {
        "index.html": _render(page, details, parts),
        "page.css": _style(),
        "page.js": _script(),
    }
    files |= {_file_name(one, shot): shot.content for one in details for shot in one.shots}
    for name, content in files.items():
        write_atomic(folder / name, content)
    return tuple(folder / name for name in files)


def _render(page: Page, details: Sequence[Detail], parts: _Parts) -> str:
    shown = [
        {
            "name": one.name,
            "scale": one.scale,
            "width": one.width,
            "height": one.height,
            "caption": one.caption,
            "shots": [
                {"label": shot.label, "source": parts.picture(one, shot)} for shot in one.shots
            ],
        }
        for one in details
    ]
    environment = Environment(
        loader=FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        page=page,
        title=_title(page.sections),
        details=shown,
        data=Markup(_json(page.data)),
        style="" if parts.style_file else Markup(_style()),
        script="" if parts.script_file else Markup(_script()),
        style_file=parts.style_file,
        script_file=parts.script_file,
        policy=parts.policy,
        kinds=_KIND_TEXTS.items(),
        marks=_shapes(),
        version=__version__,
        steps=f"{paper.STEPS:,}",
        family=paper.FAMILY,
        output_size=paper.OUTPUT_SIZE,
        budget=facts.budget,
        commit=notes.commit,
        printed=_printed,
    )


def _title(sections: Sequence[Section]) -> str:
    """Return the title of a page: of one ablation its own."""
    if len(sections) == 1:
        return sections[0].title
    return "Lightweight super-resolution: what was run, and what came out"


def _printed(cell: Sequence[PrintedValue]) -> Markup:
    """Return a printed cell: the best in bold, the second best underlined."""
    return Markup(join(cell, lambda text: str(escape(text)), _MARKS))


def _json(content: Any) -> str:
    """Return JSON text that may stand in a page: no mark in it ends the element."""
    text = json_text(content, compact=True)
    return _UNSAFE.sub(lambda mark: f"\\u{ord(mark[0]):04x}", text)


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _style() -> str:
    return _asset("page.css")


def _script() -> str:
    return "\n".join(map(_asset, _SCRIPTS))


def _shapes() -> dict[str, str]:
    """Return the shapes of the marks by kind, which the script declares."""
    return dict(re.findall(r'^ {2}"([\w-]+)": "(M[^"]+)",$', _asset("chart.js"), re.MULTILINE))


def _sha256(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _data_url(shot: Shot) -> str:
    return f"data:image/webp;base64,{base64.b64encode(shot.content).decode()}"


def _file_name(detail: Detail, shot: Shot) -> str:
    """Return a name of a photograph's file that its content decides."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{detail.name}-x{detail.scale}-{shot.label}")
    return f"{plain}-{hashlib.sha256(shot.content).hexdigest()[:8]}.webp"
