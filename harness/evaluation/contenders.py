"""What ``harness compare`` compares: stored records, or weights that are scored now."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.evaluation import record_names
from harness.host.device import DeviceChoice, inference_device
from harness.records import counts
from harness.records.means import mean_scores
from harness.records.record import Record, SetScore, digest
from harness.statistics.differences import Runs
from harness.weights import naming, parts

if TYPE_CHECKING:
    from harness.evaluation.forms import Precision

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """How weights are scored, and where records lie.

    Attributes:
        scale: Upscaling factor; None where only records are named.
        sets: Names or folders of test sets; of records, those that are shown.
        protocol: Name of the protocol.
        root: Data root.
        device: ``auto``, ``cpu`` or ``cuda``.
        results: Results root.
        key: Which state dict of files with several; None for the one that is wanted first.
        lr: Folder of the sets' LR files, or ``made``; None where it is clear.
        fused: Whether weights are scored in the fused form.
        precision: ``fp32``, or ``bf16``: in what they are scored.
    """

    scale: int | None = None
    sets: tuple[str, ...] = ()
    protocol: str = "awsrn"
    root: Path | None = None
    device: DeviceChoice = "auto"
    results: Path = Path()
    key: str | None = None
    lr: str | None = None
    fused: bool = False
    precision: Precision = "fp32"


@dataclass(frozen=True, slots=True)
class Contender:
    """One row of a comparison.

    Attributes:
        name: What the user called it.
        runs: Its trainings and their scores.
        scale: Upscaling factor.
        protocols: How each training was scored.
        params: Trainable scalars, of a merged form where the network declares one.
        multi_adds: Multi-Adds for a 1280x720 output; None where the count is in doubt.
        activations: Elements that its convolutions write; None where nobody counted.
        group: What its records have in common; empty for weights of others.
        origin: Where its scores come from, in words.
        count_doubts: Why the Multi-Adds are not known.
        params_trained: Trainable scalars of the form that is trained, where it is another one
            and somebody counted.
    """

    name: str
    runs: Runs
    scale: int
    protocols: tuple[str, ...]
    params: int
    multi_adds: int | None
    activations: int | None
    group: str
    origin: str
    count_doubts: tuple[str, ...] = ()
    params_trained: int | None = None

    @property
    def scores(self) -> dict[str, tuple[float, float]]:
        """PSNR in dB and SSIM, the mean over the trainings, by the sets that all of them have."""
        return mean_scores([training.values() for training in self.runs.scores])


def stored(name: str, request: Request) -> Contender | None:
    """Return the row of the stored records that a name selects, or None if it selects none.

    A name is as :func:`harness.evaluation.record_names.matches` reads it, or several of those
    joined by commas.

    Raises:
        UsageError: It means records that are not one network trained alike.
        RecordError: A record cannot be read.
    """
    named: dict[str, Record] = {}
    for word in name.split(","):
        records = record_names.matches(word, request.results, scale=request.scale)
        if not records:
            return None
        named |= {record.id: record for record in records}
    chosen = sorted(named.values(), key=lambda record: (record.seed or 0, record.id))
    _check_alike(name, chosen, request.results)
    first = chosen[0]
    trained = f", {first.steps:,} steps" if first.steps else ""
    count = _stored_count(first)
    return Contender(
        name=name,
        runs=Runs.of_records(record_names.label_of(name, chosen), chosen),
        scale=first.scale,
        protocols=tuple(record.protocol for record in chosen),
        params=first.params,
        multi_adds=first.multi_adds,
        activations=count.activations if count else None,
        group=first.group,
        origin=f"{', '.join(record.id for record in chosen)}{trained}",
        count_doubts=first.count_doubts,
        params_trained=count.params_trained if count else None,
    )


def _check_alike(name: str, chosen: Sequence[Record], results: Path) -> None:
    """Refuse records that are not one network, trained alike, once a seed.

    Raises:
        UsageError: They are not.
    """
    first = chosen[0]
    kinds = {
        (digest(parts.portable(record.overrides)), record.drop, record.scale, record.group)
        for record in chosen
    }
    same = len(kinds) == 1 and all(_is_same_network(first, record) for record in chosen)
    if not same or len({record.seed for record in chosen}) < len(chosen):
        ids = ", ".join(record.id for record in chosen[:3])
        more = f" and {len(chosen) - 3} more" if len(chosen) > 3 else ""
        raise UsageError(
            f"'{name}' means records of different trainings: {ids}{more} "
            f"(write one of {record_names.choices(chosen, results)})"
        )


def _is_same_network(one: Record, other: Record) -> bool:
    """Tell by their marks whether two records are of one network, wherever its file lay."""
    if not (one.marks.code and other.marks.code):  # of before marks were kept
        return one.model == other.model
    if set(one.marks.code) & set(other.marks.code):
        return True
    from harness.evaluation.marks import is_same

    return is_same(one.marks, other.marks)


def _stored_count(record: Record) -> counts.Count | None:
    """Return the stored count of a network that is as registered, or None."""
    for count in counts.load().values():
        same = (count.model, count.scale) == (record.model, record.scale)
        if same and (count.params, count.multi_adds) == (record.params, record.multi_adds):
            return count
    return None


def weights(names: Iterable[str], request: Request) -> dict[str, Contender]:
    """Score networks with given weights; all are loaded before the first is scored.

    Args:
        names: ``ID=FILE``, or the id of a network that has none or comes with some.
        request: How.

    Raises:
        HarnessError: Something of it does not exist, does not fit or cannot be read.
    """
    from harness.config import protocols
    from harness.data.catalogue import find_test
    from harness.efficiency.counting.multi_adds import count
    from harness.evaluation import evaluate, scoring
    from harness.evaluation.forms import Form
    from harness.weights import load, networks

    scale = request.scale
    if scale is None:
        raise UsageError("say by --scale which upscaling factor the weights are for")
    if not request.sets:
        raise UsageError("no test set is named: expected --data SET, for example --data Set5")
    protocol = protocols.get(request.protocol)
    protocol.check_scale(scale)
    tests = [
        find_test(set_name, request.root, scale, lr=request.lr)
        for set_name in dict.fromkeys(request.sets)
    ]
    device = inference_device(request.device)
    form = Form(fused=request.fused, precision=request.precision)
    by_name = {}
    for name in names:
        model, checkpoint = split(name)
        loaded = load.load(model, scale=scale, checkpoint=checkpoint, key=request.key)
        if protocol.needs_luma_network:
            evaluate.luma_part(loaded.network)
        by_name[name] = loaded
    costs = {name: count(loaded.network, scale=scale) for name, loaded in by_name.items()}
    scorers = {
        name: scoring.Scorer(loaded, device=device, form=form) for name, loaded in by_name.items()
    }
    scores: dict[str, dict[str, SetScore]] = {name: {} for name in by_name}
    for test in tests:  # set by set, so that what is read of one serves all networks
        for name, scorer in scorers.items():
            log.info("scoring %s on %s", name, test.name)
            (score,) = scorer.score(test, (protocol,))
            scores[name][score.set] = score
    rows = {}
    for name, loaded in by_name.items():
        cost = costs[name]
        rows[name] = Contender(
            name=name,
            runs=Runs(
                networks.get(loaded.model).label,
                seeds=(None,),
                scores=(scores[name],),
                learned=bool(loaded.file),
            ),
            scale=scale,
            protocols=(request.protocol,),
            params=cost.params,
            multi_adds=cost.sure_multi_adds,
            activations=cost.activations,
            group="",
            origin=", ".join(filter(None, (loaded.file or "no weights", str(form)))),
            count_doubts=cost.doubts,
            params_trained=cost.params_trained,
        )
    return rows


def split(name: str) -> tuple[str, Path | None]:
    """Return network and weights of ``ID=FILE``.

    Raises:
        UsageError: One of the two is missing.
    """
    model, file = naming.split_file(name)
    equals, file = file[:1], file[1:]
    if equals and not (model and file):
        raise UsageError(f"'{name}' is not ID=FILE, such as imdn=imdn_x2.pth")
    return model, Path(file) if equals else None


def needs_no_weights(name: str, scale: int) -> bool:
    """Tell whether a name is that of a registered network without weights, such as bicubic."""
    from harness.models import registry

    if name not in registry.names() or scale not in registry.get(name).scales:
        return False
    return not registry.get(name).build(scale=scale).state_dict()


def unknown(name: str, results: Path) -> UsageError:
    """Return the error for a name that is neither a record nor a network with weights."""
    from harness.models import registry

    if name in registry.names():
        return UsageError(
            f"there is no record '{name}' in '{results / 'results' / 'runs'}'; to score weights "
            f"now, write {name}=FILE --scale N --data SET"
        )
    return UsageError(
        f"'{name}' is neither a record in '{results / 'results' / 'runs'}' nor ID=FILE"
        f"{record_names.nearest(name, results, *registry.names())}"
    )
