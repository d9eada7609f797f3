"""The command that makes records again, from what they say of themselves."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.config import settings
from harness.config.ablation import Ablation, Row
from harness.config.file_limits import flat
from harness.config.protocols import DEFAULT
from harness.data.catalogue import SAMPLE
from harness.data.low_resolution import MADE
from harness.records.belonging import belongs
from harness.records.record import Record
from harness.weights import naming

_RECORDED = ("precision", "device", "devices", "threads")


@dataclass(frozen=True, slots=True)
class Asked:
    """An ablation of the page.

    Attributes:
        name: As the user named it: a shipped one, or a file.
        ablation: What it is.
    """

    name: str
    ablation: Ablation


def of(record: Record, asked: Iterable[Asked]) -> str:
    """Return one line for a shell that makes a record again, given the images and weights.

    Args:
        record: Trained, or scored from loaded weights.
        asked: The ablations of the page; the first that has the record's row is run. A network
            of none is trained by itself.
    """
    if not record.group:
        return shlex.join(_scoring(record))
    for one in asked:
        row = next((row for row in one.ablation.rows if belongs(record, row)), None)
        if row:
            return shlex.join(_run(record, one, row))
    name = naming.joined(record.model, record.overrides)
    own = [f"seeds={record.seed}", *settings_of(record, {})]
    return shlex.join(["harness", "train", name, "--scale", str(record.scale), *own])


def of_group(records: Sequence[Record], asked: Asked) -> str:
    """Return one line for a shell that trains rows again that were trained alike, with all seeds.

    Args:
        records: One a row and seed, at least one.
        asked: Their ablation.
    """
    first = records[0]
    words = ["harness", "run", f"ablation={asked.name}", f"scale={first.scale}"]
    until = next((one.config for one in records if one.config.until is not None), None)
    known = {record.seed for record in records if record.seed is not None}
    seeds = [f"seeds={','.join(map(str, sorted(known)))}"]
    if until is not None:
        seeds = ["seeds=auto", f"until={until.until:g}", f"max={until.max}"]
    return shlex.join([*words, *seeds, *settings_of(first, asked.ablation.config)])


def _run(record: Record, asked: Asked, row: Row) -> Iterator[str]:
    chosen = row.model if "," in row.label else row.label  # rows= takes names between commas
    yield from ("harness", "run", f"ablation={asked.name}", f"rows={chosen}")
    yield from (f"seeds={record.seed}", f"scale={record.scale}")
    yield from settings_of(record, asked.ablation.config)


def settings_of(record: Record, shared: dict[str, Any]) -> Iterator[str]:
    """Yield the settings of a training that its profile and ablation do not give.

    Args:
        record: Of a training.
        shared: Settings of the ablation.
    """
    config = record.config
    profile = config.profile if config.profile in settings.PROFILES else "paper"
    given, _ = settings.make([settings.PROFILES[profile], shared])
    before = dict(flat(settings.plain(given)))
    used: dict[str, Any] = {key: getattr(config, key) for key in _RECORDED}
    if config.train:
        used |= {f"train.{key}": value for key, value in asdict(config.train).items()}
    if config.data:
        used["data.train"] = config.data.train
        used["data.lr"] = config.data.lr
    used["data.test"] = [score.set for score in record.scores]
    yield f"profile={profile}"
    for key, value in used.items():
        if value != before[key]:
            yield f"{key}={_text(value)}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _scoring(record: Record) -> Iterator[str]:
    yield from ("harness", "eval", naming.joined(record.model, record.overrides))
    yield from ("--scale", str(record.scale))
    weights = record.data.weights
    if weights and weights.file:
        yield from ("--checkpoint", weights.file)
    if weights and weights.key:
        yield from ("--key", weights.key)
    yield from ("--data", *(score.set for score in record.scores))
    if record.protocol != DEFAULT.name:
        yield from ("--protocol", record.protocol)
    sources = {
        score.lr_from if score.lr == "files" else MADE
        for score in record.scores
        if score.set != SAMPLE
    }
    if len(sources) == 1 and (source := sources.pop()):
        yield from ("--lr", source)
    if record.config.self_ensemble:
        yield "--self-ensemble"
    yield from ("--results", ".")
