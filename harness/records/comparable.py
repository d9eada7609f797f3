"""In words: which records make a table with which others, and why the rest do not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from harness.errors import UsageError
from harness.records.means import same_images
from harness.records.record import Record, SetScore
from harness.records.threads import joint_group
from harness.weights import networks, parts

_SAID = 3


def report(new: Sequence[Record], here: Iterable[Record]) -> list[str]:
    """Return, for each group of new records, what of the records here they compare with.

    Args:
        new: Records that have just come, trained or scored.
        here: Those that were there before.
    """
    ours = _by_group(here)
    lines = [
        line
        for group, records in _by_group(new).items()
        for line in _of_group(group, records, ours)
    ]
    loaded = [one for one in new if not one.group]
    if loaded:
        lines.append(
            f"{_count(loaded)} of loaded weights or of bicubic: comparable where protocol, images "
            f"and LR are the same (protocol {_distinct(one.protocol for one in loaded)})"
        )
    return lines


def _of_group(
    group: str, records: Sequence[Record], ours: Mapping[str, Sequence[Record]]
) -> Iterator[str]:
    """Yield what of the records here those of one group compare with, and where not."""
    head = f"group {group}, {_what(records)}"
    if beside := ours.get(group):
        yield f"{head}: comparable with {_count(beside)} here"
        yield from (f"  but {text}" for text in _reservations(records, beside))
    elif ours:
        nearest = min(ours, key=lambda other: len(_reasons(records[0], ours[other][0])))
        first = ours[nearest][0]
        reasons = _reasons(records[0], first)
        why = "; ".join(reasons) or "their groups are of different recipes"
        yield (
            f"{head}: not comparable with any record here; nearest is group {nearest}, "
            f"{_what(ours[nearest])}, but of other {why}"
        )
        if joint_group(records[0]) == joint_group(first):
            yield "  `harness tables --merge-threads` puts the two in one table, with a note"
            yield from (f"  but {text}" for text in _reservations(records, ours[nearest]))
    else:
        yield f"{head}: there is no training here to compare it with"
    yield from (f"  but {text}" for text in _other_code(records))


def _reasons(new: Record, here: Record) -> list[str]:
    """Return in what two trainings differ that are not of one group."""
    theirs, ours = _conditions(new), _conditions(here)
    names = [name for name in theirs if name in ours and theirs[name] != ours[name]]
    return [f"{name} ({theirs[name]}, here {ours[name]})" for name in names]


def _conditions(record: Record) -> dict[str, object]:
    """Return what must be the same, by its name for people, as far as the record tells."""
    train, config = record.data.train, record.config
    known: dict[str, object] = {
        "scale": f"x{record.scale}",
        "training recipe": record.recipe,
        "training images": (
            f"{train.name}, {train.images} images, digest {train.sha256[:12]}" if train else None
        ),
        "PyTorch": record.provenance.torch.partition("+")[0],
        "precision": config.precision,
        "device": config.device,
        "devices": config.devices,
    }
    if train and train.lr:
        known["LR of the training images"] = train.lr
    if config.device == "cpu":
        known["CPU threads"] = config.threads
    if config.train:
        settings = asdict(config.train)
        unread = {"checkpoint_every", "log_every", "eval_every"}
        if settings["schedule"] != "halving":
            unread.add("halve_every")
        known |= {f"train.{key}": value for key, value in settings.items() if key not in unread}
    return known


def _reservations(records: Sequence[Record], beside: Sequence[Record]) -> Iterator[str]:
    """Yield what keeps records of one group from one table, or sets from one mean."""
    theirs, ours = (_distinct(one.protocol for one in some) for some in (records, beside))
    if theirs != ours:
        yield f"scored by other protocols ({theirs}, here {ours})"
    scored = {score.set: score for one in beside for score in one.scores}
    told: set[str] = set()
    for score in (score for one in records for score in one.scores):
        known = scored.get(score.set)
        if known and score.set not in told and not same_images(score, known):
            told.add(score.set)
            sources = f"{_source(score)}, here {_source(known)}"
            yield f"{score.set} was scored on other images or LR ({sources})"
    codes: dict[object, set[str]] = defaultdict(set)
    for one in beside:
        codes[_network(one)].update(one.marks.code)
    other = [
        one.id
        for one in records
        if one.marks.code
        and codes[_network(one)]
        and codes[_network(one)].isdisjoint(one.marks.code)
    ]
    if other:
        yield f"the code of the network is other than in the records here: {_listed(other)}"


def _other_code(records: Sequence[Record]) -> Iterator[str]:
    """Yield which records are of other code than the network of that name has here today."""
    other = []
    for one in records:
        try:
            today = networks.code_digest(one.model, one.overrides) if one.marks.code else ""
        except UsageError:  # a network of the user's that is not here: its records say enough
            continue
        if today and today not in one.marks.code:
            other.append(one.id)
    if other:
        yield f"the network of that name has other code here today: {_listed(other)}"


def _network(record: Record) -> tuple[str, str, tuple[int, ...]]:
    name = record.model.rpartition(":")[2] if networks.is_users(record.model) else record.model
    return name, repr(sorted(parts.portable(record.overrides).items())), tuple(sorted(record.drop))


def _source(score: SetScore) -> str:
    return f"{score.lr_text}, digest {score.sha256[:12]}"


def _by_group(records: Iterable[Record]) -> dict[str, list[Record]]:
    groups: defaultdict[str, list[Record]] = defaultdict(list)
    for one in records:
        if one.group:
            groups[one.group].append(one)
    return dict(groups)


def _what(records: Sequence[Record]) -> str:
    rows = _distinct(one.row or one.label for one in records)
    seeds = _distinct(str(one.seed) for one in sorted(records, key=lambda one: one.seed or 0))
    first = records[0]
    return f"{_count(records)} ({rows}; x{first.scale}, {first.steps:,} steps, seeds {seeds})"


def _count(records: Sequence[Record]) -> str:
    return f"{len(records)} record{'' if len(records) == 1 else 's'}"


def _distinct(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _SAID} more" if len(ids) > _SAID else ""
    return ", ".join(ids[:_SAID]) + more
