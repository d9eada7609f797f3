"""What the cells of a plan are called on disk, and how far each of them is.

PyTorch is loaded only where something is left to do, or weights are to be loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harness.config.protocols import DEFAULT
from harness.data.catalogue import TestSet, joined_name
from harness.data.prepare import Prepared, open_cached
from harness.errors import HarnessError, RecordError
from harness.evaluation import pixels
from harness.experiment import fingerprint
from harness.experiment.plan import Cell, Plan
from harness.experiment.recognition import Recognition
from harness.host.paths import cache_folder
from harness.records import record
from harness.records.record import Record
from harness.weights import networks
from harness.weights.described import Described

if TYPE_CHECKING:
    from harness.evaluation.scoring import Scorer

log = logging.getLogger(__name__)

CellState = Literal["done", "to score", "resume", "damaged", "to do"]
TO_TRAIN: tuple[CellState, ...] = ("resume", "damaged", "to do")


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """A cell and its names, which are made once and then passed on.

    Attributes:
        cell: What is run.
        fingerprint: SHA-256 of all that determines its weights; of weights that are loaded, of
            all that determines their scores.
        group: What comparable records have in common; empty where nothing is trained.
        training_id: Id of the trained network, before branches are dropped.
        record_id: Id of its record.
        folder: Where its checkpoint and its weights lie.
        code: Digest of the code of its network.
        training: Digest of all that determines its weights besides the code; empty for weights
            that are loaded.
    """

    cell: Cell
    fingerprint: str
    group: str
    training_id: str
    record_id: str
    folder: Path
    code: str = ""
    training: str = ""

    def said(self, steps: int) -> dict[str, str]:
        """Return what its weights, after so many steps, say of themselves."""
        row, cell = self.cell.row, self.cell
        of = (row.model, cell.scale, row.overrides, row.label, cell.seed, steps, self.code)
        return Described(*of).metadata()


@dataclass(frozen=True, slots=True)
class StoredScores:
    """What is recorded of a cell, and the sets that are still to be scored.

    A set is to be scored where the record has no score of it, or one of other pixels.
    """

    record: Record | None
    missing: tuple[TestSet, ...]

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to do."""
        return self.record is not None and not self.missing


@dataclass(frozen=True, slots=True)
class CellStatus:
    """How far a cell is, before it is run.

    Attributes:
        cell: The cell.
        state: ``done``; ``to score`` where there are weights; ``resume`` where training
            stopped on the way; ``damaged`` where a file of it cannot be read; ``to do`` where
            it has not begun.
        step: The step that training resumes from.
        images_of: Id of a record. The state is this one if the training images, which nobody
            has read yet, are those of that record; empty where they are known.
        shared: Whether the training of an earlier cell gives its weights.
    """

    cell: Cell
    state: CellState
    step: int = 0
    images_of: str = ""
    shared: bool = False

    @property
    def to_train(self) -> bool:
        """Whether its weights are, or may be, still to be trained to the end."""
        return self.state in TO_TRAIN or bool(self.images_of)

    @property
    def words(self) -> str:
        """The state in words."""
        state = f"at step {self.step:,}" if self.state == "resume" else self.state
        condition = f", if the training images are those of {self.images_of}"
        return state + condition if self.images_of else state


class Session:
    """What the cells of one plan share: training images, loaded weights, where results lie."""

    def __init__(self, plan: Plan, images: Mapping[int, Prepared | None]) -> None:
        """Begin with the training images by scale; None where they are not prepared yet."""
        self.plan = plan
        self.images = images
        self._scorers: dict[str, Scorer] = {}
        self._images_of: dict[int, dict[str, list[str]]] = {}
        self._recognition = Recognition(plan.results)
        for prepared in images.values():
            if prepared is not None:
                log.info("training set: %s", prepared.describe(plan.config.train.patch))

    def identify(self, cell: Cell) -> PlannedCell:
        """Return a cell with its names.

        Where it is trained and the training images are not known, the names are of no record
        on disk; but cells have one in common just where they have the training in common.
        """
        prepared = self.images.get(cell.scale)
        return self._identify(cell, prepared.sha256 if prepared else None)

    def _identify(self, cell: Cell, images_sha256: str | None) -> PlannedCell:
        config, results = self.plan.config, self.plan.results
        if cell.checkpoint:
            scorer = self.scorer(cell)
            name, digest = scorer.record_id(DEFAULT), scorer.fingerprint(DEFAULT)
            code = networks.code_digest(cell.row.model, cell.row.overrides)
            folder = record.folder(results, name)
            return PlannedCell(cell, digest, "", name, name, folder, code)
        data_sha256 = images_sha256 if cell.trained else None
        code = networks.code_digest(cell.row.model, cell.row.overrides)
        training = fingerprint.training(cell, config, data_sha256)
        digest = fingerprint.fingerprint(training, code)
        training_id = f"{cell.name()}-{digest[:12]}"
        if not record.folder(results, training_id).is_dir():
            begun = self._recognition.find(cell, training=training, code=code)
            digest, training_id = begun or (digest, training_id)
        dropped = cell.row.drop if cell.trained else ()
        return PlannedCell(
            cell=cell,
            fingerprint=digest,
            group=fingerprint.group(cell, config, data_sha256),
            training_id=training_id,
            record_id=training_id + (f"-drop{'.'.join(map(str, dropped))}" if dropped else ""),
            folder=record.folder(results, training_id),
            code=code,
            training=training,
        )

    def scorer(self, cell: Cell) -> Scorer:
        """Return what scores a cell whose weights are loaded."""
        key = f"{cell.row.label} x{cell.scale}"
        if key not in self._scorers:
            import torch

            from harness.evaluation.scoring import Scorer
            from harness.weights import load

            loaded = load.load(
                cell.row.model,
                scale=cell.scale,
                checkpoint=cell.checkpoint,
                overrides=cell.row.overrides,
                drop=cell.row.drop,
            )
            device = torch.device(self.plan.config.device)
            self._scorers[key] = Scorer(loaded, device=device, results=self.plan.results)
        return self._scorers[key]

    def stored(self, planned: PlannedCell) -> StoredScores:
        """Read what is recorded of a cell."""
        earlier = record.read(self.plan.results, planned.record_id)
        scale = planned.cell.scale
        missing = []
        for test in self.plan.tests[scale]:
            score = earlier.score(test.name) if earlier else None
            if score is None or score.sha256 != _pixels(test, scale):
                missing.append(test)
        return StoredScores(earlier, tuple(missing))

    def status(self, planned: PlannedCell) -> CellStatus:
        """Return how far a cell is, as :func:`statuses` says."""
        cell = planned.cell
        if not cell.trained or self.images.get(cell.scale):
            return self._status(planned)
        for images_sha256, ids in self._recorded_images(cell.scale).items():
            supposed = self._identify(cell, images_sha256)
            status = self._status(supposed)
            if status.state != "to do":
                images_of = supposed.record_id if supposed.record_id in ids else ids[0]
                return replace(status, images_of=images_of)
        return CellStatus(cell, "to do")

    def _status(self, planned: PlannedCell) -> CellStatus:
        cell = planned.cell
        try:
            return self.read_status(planned)
        except HarnessError as error:
            log.warning("%s", error)
            return CellStatus(cell, "damaged")

    def read_status(self, planned: PlannedCell) -> CellStatus:
        """Return how far a cell of known images is, or raise what keeps its files from telling."""
        cell = planned.cell
        if self.stored(planned).complete:
            return CellStatus(cell, "done")
        if not cell.trained or not planned.folder.is_dir():  # no file to read: no PyTorch
            return CellStatus(cell, "to do" if cell.trained else "to score")
        from harness.experiment import checkpoints

        if (planned.folder / checkpoints.WEIGHTS_FILE).is_file():
            return CellStatus(cell, "to score")
        begun = checkpoints.read_state(planned.folder, fingerprint=planned.fingerprint)
        return CellStatus(cell, "resume", begun.step) if begun else CellStatus(cell, "to do")

    def _recorded_images(self, scale: int) -> dict[str, list[str]]:
        """Return the digests of training sets of the plan's name, with the records' ids."""
        if scale in self._images_of:
            return self._images_of[scale]
        ids_by_digest = self._images_of[scale] = {}
        for stored in self._records:
            train = stored.data.train
            if (
                train
                and stored.scale == scale
                and train.name == joined_name(self.plan.train[scale])
            ):
                ids_by_digest.setdefault(train.sha256, []).append(stored.id)
        return ids_by_digest

    @cached_property
    def _records(self) -> list[Record]:
        """Records of which one that cannot be read is passed over: its own cell will tell."""
        found = []
        for path in record.files(self.plan.results):
            try:
                found.append(record.read_again(path))
            except RecordError as error:
                log.warning("passed over: %s", error)
        return found


def statuses(plan: Plan) -> list[CellStatus]:
    """Return how far each cell is; writes nothing anywhere.

    A trained cell is known by the digest of its training images. Where these are in the cache
    of prepared images, so is their digest, and the states are exact. Where they are not, they
    are not read here, which takes long: a cell then is as far as it would be with the images of
    a stored record, of the same scale and of a training set of the same name, and the status
    names that record; where it would not have begun with the images of any record, it is
    ``to do``.
    """
    folder = cache_folder(plan.config.data.cache)
    images = {scale: open_cached(sets, scale, folder) for scale, sets in plan.train.items()}
    session = Session(plan, images)
    found = []
    to_train: dict[str, bool] = {}
    for cell in plan.cells:
        try:
            planned = session.identify(cell)
        except HarnessError as error:  # its weights cannot be read
            log.warning("%s", error)
            found.append(CellStatus(cell, "damaged"))
            continue
        status, training = session.status(planned), planned.training_id
        # A record without weights gives none: a later row that wants them trains them again.
        earlier = to_train.get(training)
        shared = earlier is not None and (earlier or not status.to_train)
        found.append(replace(status, shared=shared))
        to_train[training] = bool(earlier) or status.to_train
    return found


@cache
def _pixels(test: TestSet, scale: int) -> str:
    return pixels.fingerprint(test, scale=scale)
