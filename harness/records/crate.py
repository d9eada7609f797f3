"""An ablation as a Workflow Run RO-Crate: what was run, on what, by whom, and what came of it.

Profile: Workflow Run Crate 0.5 (Leo et al., PLoS ONE 19(9), 2024), on RO-Crate 1.1.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness import __version__
from harness.errors import HarnessError, UsageError
from harness.host.files import reason, write_atomic
from harness.host.writing import json_text
from harness.records import record
from harness.records.record import Record

FILE_NAME = "ro-crate-metadata.json"
_CONTEXT = [
    "https://w3id.org/ro/crate/1.1/context",
    "https://w3id.org/ro/terms/workflow-run/context",
]
_WORKFLOW_PROFILE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
_PROFILES = (
    *(f"https://w3id.org/ro/wfrun/{name}/0.5" for name in ("process", "workflow")),
    _WORKFLOW_PROFILE,
)
_SOFTWARE = "#harness"
_FORMS = {".csv": "text/csv", ".md": "text/markdown", ".tex": "application/x-tex"}

Entity = dict[str, Any]


def write(
    folder: Path,
    *,
    results: Path,
    workflow: Path,
    title: str,
    stored: Sequence[Record],
    reports: Mapping[Path, str],
    license_url: str | None = None,
) -> Path:
    """Write the crate: metadata, the ablation's file, records and reports; returns its file.

    Args:
        folder: A folder that is not there yet, or empty.
        results: Results root.
        workflow: The ablation's YAML file.
        title: Of the ablation.
        stored: The records of its rows.
        reports: Text of each of its tables, by where it is to lie in the crate.
        license_url: Of the records; None to leave that open.

    Raises:
        UsageError: The folder holds anything, or there is no record.
        HarnessError: It cannot be written.
    """
    if not stored:
        raise UsageError("there is no record of this ablation: expected `harness run` before")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"'{folder}' is there already: expected a new or empty folder")
    files = [*_copied(folder, results, workflow, stored), *_written(folder, reports)]
    ended = max(one.provenance.finished for one in stored)
    graph = [
        _descriptor(),
        _root(title, ended, files, stored) | _license(license_url),
        *({"@id": one, "@type": "CreativeWork", "name": one} for one in _PROFILES),
        _workflow(files[0][0], title),
        {"@id": "#yaml", "@type": "ComputerLanguage", "name": "YAML", "url": "https://yaml.org"},
        {
            "@id": _SOFTWARE,
            "@type": "SoftwareApplication",
            "name": "awsrn-harness",
            "softwareVersion": __version__,
        },
        _run(title, files[0][0], stored, ended),
        *(_training(one) for one in stored),
        *_sets(stored),
        *({"@id": name, "@type": "File", "encodingFormat": form} for name, form in files[1:]),
    ]
    path = folder / FILE_NAME
    write_atomic(path, json_text({"@context": _CONTEXT, "@graph": graph}) + "\n")
    return path


def _copied(
    folder: Path, results: Path, workflow: Path, stored: Sequence[Record]
) -> Iterable[tuple[str, str]]:
    """Copy workflow and records; yields their ids in the crate, which are URIs, and media types."""
    sources = [(workflow, workflow.name, "application/yaml")]
    for one in stored:
        path = record.folder(results, one.id) / record.FILE_NAME
        sources.append((path, f"records/{one.id}.json", "application/json"))
    for source, name, form in sources:
        target = folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        except OSError as error:
            raise HarnessError(f"cannot write '{target}': {reason(error)}") from error
        yield quote(name), form


def _written(folder: Path, reports: Mapping[Path, str]) -> Iterable[tuple[str, str]]:
    """Write the tables; yields as :func:`_copied` does."""
    for path, text in reports.items():
        write_atomic(folder / path, text)
        yield quote(path.as_posix()), _FORMS[path.suffix]


def _descriptor() -> Entity:
    return {
        "@id": FILE_NAME,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": [
            {"@id": "https://w3id.org/ro/crate/1.1"},
            {"@id": _WORKFLOW_PROFILE},
        ],
    }


def _root(
    title: str, ended: str, files: Sequence[tuple[str, str]], stored: Sequence[Record]
) -> Entity:
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": title,
        "description": f"Records and tables of an ablation: {title}",
        "datePublished": ended or datetime.now(UTC).isoformat(timespec="seconds"),
        "conformsTo": [{"@id": profile} for profile in _PROFILES],
        "hasPart": [{"@id": path} for path, _ in files],
        "mainEntity": {"@id": files[0][0]},
        "mentions": [{"@id": "#run"}, *({"@id": f"#{one.id}"} for one in stored)],
    }


def _license(url: str | None) -> Entity:
    return {"license": {"@id": url}} if url else {}


def _workflow(name: str, title: str) -> Entity:
    return {
        "@id": name,
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": title,
        "encodingFormat": "application/yaml",
        "programmingLanguage": {"@id": "#yaml"},
    }


def _run(title: str, workflow: str, stored: Sequence[Record], ended: str) -> Entity:
    return {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"harness run: {title}",
        "instrument": {"@id": workflow},
        "startTime": min(one.provenance.started for one in stored),
        "endTime": ended,
        "actionStatus": "http://schema.org/CompletedActionStatus",
        "object": [{"@id": name} for name in _digests(stored)],
        "result": [{"@id": f"records/{one.id}.json"} for one in stored],
    }


def _training(stored: Record) -> Entity:
    """Return the action that one record came of."""
    origin = stored.provenance
    said: dict[str, Any] = {
        "device": origin.device,
        "threads": origin.threads,
        "torch": origin.torch,
        "commit": origin.commit,
        "seed": stored.seed,
        "steps": stored.steps or None,
        "fingerprint": stored.fingerprint,
    }
    return {
        "@id": f"#{stored.id}",
        "@type": "CreateAction",
        "name": stored.id,
        "description": ", ".join(
            f"{key}: {value}" for key, value in said.items() if value is not None
        ),
        "instrument": {"@id": _SOFTWARE},
        "startTime": origin.started,
        "endTime": origin.finished,
        "object": [{"@id": name} for name in _digests([stored])],
        "result": {"@id": f"records/{stored.id}.json"},
    }


def _digests(stored: Sequence[Record]) -> dict[str, tuple[str, str]]:
    """Return name and digest of the pixels of all sets, by their ids in the crate.

    A set has other pixels at each scale, and with other LR: each of these has an id of its own.
    """
    trained = [one.data.train for one in stored if one.data.train]
    sets = [("train", train.name, train.sha256) for train in trained]
    sets += [("test", score.set, score.sha256) for one in stored for score in one.scores]
    return {f"#{use}-{quote(name)}-{sha256[:12]}": (name, sha256) for use, name, sha256 in sets}


def _sets(stored: Sequence[Record]) -> Iterable[Entity]:
    """Yield the image sets, known by a digest of their pixels; no image is in the crate."""
    for one, (name, sha256) in _digests(stored).items():
        yield {
            "@id": one,
            "@type": "CreativeWork",
            "name": name,
            "identifier": f"sha256:{sha256}",
        }
