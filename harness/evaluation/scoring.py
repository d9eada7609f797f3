"""Score given weights, and record that: ``harness eval``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from harness.config import protocols
from harness.config.protocols import Protocol
from harness.data.catalogue import TestSet, find_test
from harness.errors import UsageError
from harness.evaluation import below_bicubic, evaluate, pixels
from harness.evaluation.forms import AS_BUILT, Form, in_form
from harness.evaluation.marks import is_same, marks_of, with_code
from harness.evaluation.recording import make_scored_record, scored_id
from harness.evaluation.self_ensemble import SelfEnsemble
from harness.host.device import DeviceChoice, inference_device
from harness.host.locks import held
from harness.host.process import keep_memory
from harness.records.marks import Marks
from harness.records.record import Record, SetScore, digest, folder, read, write
from harness.weights import networks, parts
from harness.weights.load import Loaded, load

log = logging.getLogger(__name__)


def score(
    model: str,
    *,
    scale: int,
    checkpoint: Path | None,
    sets: Sequence[str],
    protocol: str,
    root: Path | None,
    device: DeviceChoice,
    results: Path | None = None,
    self_ensemble: bool = False,
    key: str | None = None,
    lr: str | None = None,
    form: Form = AS_BUILT,
) -> list[SetScore]:
    """Score a network with given weights; every argument is checked before anything is run.

    Args:
        model: Id, or ``FILE.py:CLASS``.
        scale: Upscaling factor.
        checkpoint: Weights; None for a network that learns nothing.
        sets: Names or folders of test sets.
        protocol: Name of the protocol.
        root: Data root; None where there is none.
        device: ``auto``, ``cpu`` or ``cuda``.
        results: Results root below which to store a record; None for none.
        self_ensemble: Whether SR is the mean over the eight flips and turns of LR.
        key: Which state dict of the file; None for the one that is wanted first.
        lr: Folder of the sets' LR files, or ``made``; None where it is clear.
        form: In which form the network is run; its record says so.

    Raises:
        HarnessError: Something of it does not exist, does not fit or cannot be read.
    """
    chosen = protocols.get(protocol)
    chosen.check_scale(scale)
    if not sets:
        raise UsageError("no test set is named: expected --data SET, for example --data Set5")
    tests = [find_test(name, root, scale, lr=lr) for name in dict.fromkeys(sets)]
    place = inference_device(device)
    scorer = Scorer(
        load(model, scale=scale, checkpoint=checkpoint, key=key),
        device=place,
        results=results,
        self_ensemble=self_ensemble,
        form=form,
    )
    return [scorer.score(test, (chosen,))[0] for test in tests]


class Scorer:
    """Scores one network on sets, and stores the record of each protocol where asked to."""

    def __init__(
        self,
        loaded: Loaded,
        *,
        device: torch.device,
        results: Path | None = None,
        self_ensemble: bool = False,
        form: Form = AS_BUILT,
    ) -> None:
        """Take a network; arguments and errors as for :func:`score`."""
        self.loaded = loaded
        self.scale = loaded.scale
        self.device = device
        self.results = results
        self.self_ensemble = self_ensemble
        self.form = form
        keep_memory()  # the maps of one image are as large as those of the next
        network = in_form(loaded.network, form, name=loaded.model, device=device)
        self.network = SelfEnsemble(network) if self_ensemble else network
        self._fingerprints: dict[str, str] = {}

    def score(self, test: TestSet, by: Sequence[Protocol]) -> tuple[SetScore, ...]:
        """Score a set by several protocols; each one's record is written at once."""
        started = datetime.now(UTC)
        # Bicubic first: the images that both need are then still kept when the network runs.
        references = below_bicubic.bicubic(
            self.network, test, scale=self.scale, device=self.device, protocols=by
        )
        scores = evaluate.score_all(
            self.network, test, scale=self.scale, device=self.device, protocols=by
        )
        below_bicubic.check(
            self.network,
            test,
            scores,
            scale=self.scale,
            device=self.device,
            protocols=by,
            users=networks.is_users(self.loaded.model),
            references=references,
        )
        if self.results is not None:
            for protocol, score in zip(by, scores, strict=True):
                self._store(protocol, score, started)
        return scores

    def stored(self, protocol: Protocol) -> Record | None:
        """Return the record of that protocol, None where there is none yet."""
        return read(self.results, self.record_id(protocol)) if self.results else None

    def missing(self, test: TestSet, by: Sequence[Protocol]) -> tuple[Protocol, ...]:
        """Return the protocols without a record of these very images."""
        return tuple(protocol for protocol in by if not self._has(protocol, test))

    def _has(self, protocol: Protocol, test: TestSet) -> bool:
        record = self.stored(protocol)
        score = record.score(test.name) if record else None
        if score is None:
            return False
        return score.sha256 == pixels.fingerprint(test, scale=self.scale, protocol=protocol)

    def record_id(self, protocol: Protocol) -> str:
        """Return the id of the record of that protocol."""
        return scored_id(self.loaded.model, self.scale, protocol, self.fingerprint(protocol))

    def fingerprint(self, protocol: Protocol) -> str:
        """Return the SHA-256 of all that determines the scores of that protocol.

        A network's code is in it only where there is a record of these weights by a network
        of that name that computes something else.
        """
        if protocol.name not in self._fingerprints:
            plain = self._digest(protocol)
            earlier = self._read(protocol, plain)
            alike = earlier is None or self._is_of_this_network(earlier)
            code = "" if alike else self._code
            self._fingerprints[protocol.name] = self._digest(protocol, code=code)
        return self._fingerprints[protocol.name]

    def _digest(self, protocol: Protocol, code: str = "") -> str:
        users = networks.is_users(self.loaded.model)
        content: dict[str, Any] = {
            "model": self.loaded.model.rpartition(":")[2] if users else self.loaded.model,
            "scale": self.scale,
            "weights": self.loaded.sha256,
            "protocol": protocol.name,
        }
        changes = {
            "overrides": parts.portable(self.loaded.overrides),
            "drop": list(self.loaded.drop),
            "self_ensemble": self.self_ensemble,
            "form": str(self.form),
            "key": self.loaded.key,
            "code": code,
        }
        return digest(content | {key: value for key, value in changes.items() if value})

    def _read(self, protocol: Protocol, digest: str) -> Record | None:
        if self.results is None:
            return None
        return read(self.results, scored_id(self.loaded.model, self.scale, protocol, digest))

    def _is_of_this_network(self, record: Record) -> bool:
        marks = record.marks
        if not marks.code:  # of before marks were kept: nothing tells what it was
            return False
        if self._code in marks.code:
            return True
        return is_same(self._marks, marks)

    @cached_property
    def _code(self) -> str:
        return networks.code_digest(self.loaded.model, self.loaded.overrides)

    @cached_property
    def _marks(self) -> Marks:
        loaded = self.loaded
        return marks_of(loaded.model, scale=self.scale, overrides=loaded.overrides)

    def _marks_after(self, earlier: Record | None) -> Marks:
        """Return the marks of a record that replaces another."""
        if earlier is None or not earlier.marks.code:
            return self._marks
        return with_code(earlier.marks, self._code)

    def _store(self, protocol: Protocol, score: SetScore, started: datetime) -> None:
        assert self.results is not None
        record_id = self.record_id(protocol)
        lock = folder(self.results, record_id) / ".lock"
        with held(lock, what=f"{record_id} is being scored"):
            earlier = self.stored(protocol)
            record = make_scored_record(
                self.loaded,
                record_id=record_id,
                fingerprint=self.fingerprint(protocol),
                protocol=protocol,
                score=score,
                device=self.device.type,
                self_ensemble=self.self_ensemble,
                form=str(self.form),
                started=started,
                earlier=earlier,
                marks=self._marks_after(earlier),
            )
            write(self.results, record)
