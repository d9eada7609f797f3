"""Run a recorded training again, and say how what comes out differs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import stdev
from typing import Any

import torch

from harness.config.ablation import Ablation, Row
from harness.data.prepare import Prepared, prepare
from harness.errors import HarnessError, UsageError
from harness.experiment import plan
from harness.experiment.plan import Plan
from harness.experiment.run import execute
from harness.host import environment
from harness.host.paths import cache_folder
from harness.records import record
from harness.records.marks import RECIPE
from harness.records.record import Record, load_all
from harness.weights import networks


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not as it was when the record was made.

    Attributes:
        what: Which circumstance.
        recorded: As it was.
        here: As it is.
        decides: Whether other weights are to be expected for it.
    """

    what: str
    recorded: str
    here: str
    decides: bool = True


@dataclass(frozen=True, slots=True)
class SetDifference:
    """How a score came out.

    Attributes:
        set: Name of the set.
        recorded_db, here_db: Mean PSNR, in dB.
        same: Whether every image has the same PSNR and SSIM, to the last bit.
        seeds_db: Standard deviation of the set's mean over the recorded seeds of the same
            training; None where there is one seed.
    """

    set: str
    recorded_db: float
    here_db: float
    same: bool
    seeds_db: float | None


@dataclass(frozen=True, slots=True)
class Reproduced:
    """What came out.

    Attributes:
        record: The new record.
        same_weights: Whether its weights are the same bytes; None where the old record has no
            digest of its own, as those of long ago.
        sets: The scores on the sets that both have.
        missing: Recorded sets that are not here.
    """

    record: Record
    same_weights: bool | None
    sets: tuple[SetDifference, ...]
    missing: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether weights, where they are known, and all scores are the same."""
        return self.same_weights is not False and all(one.same for one in self.sets)


def planned(stored: Record, *, root: str | None, into: Path) -> Plan:
    """Return the plan that runs a record's cell again, with its own settings.

    Args:
        stored: Of a training.
        root: Data root; None for the usual one.
        into: Results root of the new run.

    Raises:
        UsageError: Nothing was trained for the record, or its settings are not in it.
        ConfigError: It cannot be run here; all reasons are listed.
    """
    config = stored.config
    if stored.seed is None or config.train is None or config.data is None:
        raise UsageError(
            f"nothing was trained for '{stored.id}': score its weights by "
            f"'harness eval {stored.model} --scale {stored.scale} --checkpoint FILE'"
        )
    row = Row(stored.row or stored.label, stored.model, stored.overrides, tuple(stored.drop))
    again = Ablation(name="reproduced", title=row.label, rows=(row,), base=row.label)
    settings: dict[str, Any] = {
        "profile": config.profile,
        "scale": [stored.scale],
        "seeds": [stored.seed],
        "precision": config.precision,
        "device": config.device,
        "devices": config.devices,
        "threads": config.threads,
        "data.train": config.data.train,
        "data.test": list(config.data.test),
        "data.root": root,
        "results.root": str(into),
        "tracking.mlflow": False,
    }
    settings |= {f"train.{key}": value for key, value in asdict(config.train).items()}
    if config.data.lr is not None:
        settings["data.lr"] = config.data.lr
    return plan.make(again, {key: value for key, value in settings.items() if value is not None})


def check_place(stored: Record, into: Path) -> None:
    """Refuse a results root that holds the record itself: it would be compared with itself.

    Raises:
        UsageError: It does.
        RecordError: There is a record of its id that cannot be read.
    """
    there = record.read(into, stored.id)
    if there is not None and there.provenance == stored.provenance:
        raise UsageError(f"--into: '{into}' holds the record itself: expected another folder")


def differences(stored: Record, again: Plan) -> Iterator[Difference]:
    """Yield what is not as it was when a record was made; trains nothing."""
    was, here = stored.provenance, environment.commit()
    of_commit = f"{was.commit or 'installed'}{' (changed)' if was.dirty else ''}"
    commit = f"{here[0] or 'installed'}{' (changed)' if here[1] else ''}"
    code = networks.code_digest(stored.model, stored.overrides)
    prepared = _images(again, stored.scale)
    train = stored.data.train
    found = [
        Difference("commit", of_commit, commit, decides=False),
        Difference("recipe of training", str(stored.recipe), str(RECIPE)),
        Difference("PyTorch", was.torch, torch.__version__),
        Difference("device", was.device, environment.device_name(again.config.device)),
        Difference("threads", str(was.threads), str(again.config.threads)),
        Difference("digest of the training images", train.sha256 if train else "", prepared.sha256),
    ]
    yield from (one for one in found if one.recorded != one.here)
    if stored.marks.code and code not in stored.marks.code:
        yield Difference("digest of the network's code", stored.marks.code[-1], code)


def _images(again: Plan, scale: int) -> Prepared:
    return prepare(again.train[scale], scale, cache_folder(again.config.data.cache))


def reproduce(stored: Record, again: Plan, *, results: Path) -> Reproduced:
    """Train and score a record's cell again, and compare.

    Args:
        stored: The record.
        again: From :func:`planned`.
        results: Results root in which other seeds of the same training are looked for.

    Raises:
        HarnessError: The cell failed.
    """
    outcome = execute(again, report=lambda *_: ())
    if outcome.failures:
        raise HarnessError(outcome.summary())
    (new,) = [one for one in outcome.records if one.seed is not None]
    alike = [one for one in load_all(results) if _is_of_same_training(one, stored)]
    sets = []
    for recorded in stored.scores:
        here = new.score(recorded.set)
        if here is None:
            continue
        means = [score.psnr_db for one in alike if (score := one.score(recorded.set))]
        spread = stdev(means) if len(means) > 1 and all(map(math.isfinite, means)) else None
        same = here.images == recorded.images
        sets.append(SetDifference(recorded.set, recorded.psnr_db, here.psnr_db, same, spread))
    missing = [score.set for score in stored.scores if new.score(score.set) is None]
    known = stored.weights_sha256
    same_weights = new.weights_sha256 == known if known else None
    return Reproduced(new, same_weights, tuple(sets), tuple(missing))


def _is_of_same_training(one: Record, stored: Record) -> bool:
    """Tell whether a record is of the same training, with whatever seed."""
    same = (one.group, one.model, one.overrides, one.drop)
    return same == (stored.group, stored.model, stored.overrides, stored.drop)


def summary(stored: Record, reproduced: Reproduced) -> Sequence[str]:
    """Return in words what came out, a line each."""
    lines = [
        "weights: the record has no digest of them"
        if reproduced.same_weights is None
        else "weights: the same, byte for byte"
        if reproduced.same_weights
        else "weights: other ones"
    ]
    for one in reproduced.sets:
        change = "the same in every image, to the last bit"
        if not one.same:
            spread = "one seed is recorded"
            if one.seeds_db is not None:
                spread = f"standard deviation over the recorded seeds: {one.seeds_db:.4f} dB"
            change = f"{one.here_db - one.recorded_db:+.4f} dB ({spread})"
        lines.append(
            f"{one.set}: {one.recorded_db:.4f} dB recorded, {one.here_db:.4f} dB: {change}"
        )
    lines += [f"{name}: not scored, because it is not here" for name in reproduced.missing]
    return lines
