"""Make the record of weights that were scored, and say where any record comes from."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import torch
from torch import nn

import harness
from harness.config import paper
from harness.config.protocols import Protocol
from harness.efficiency.counting.multi_adds import count
from harness.host import environment
from harness.models.adaptive import learned_scalars
from harness.records.learned import LearnedScalars
from harness.records.marks import RECIPE, Marks
from harness.records.origin import Inputs, Provenance, RecordedSettings, ScoredWeights
from harness.records.record import Record, SetScore
from harness.weights import networks, parts, projects, user_code
from harness.weights.load import Loaded


def make_scored_record(
    loaded: Loaded,
    *,
    record_id: str,
    fingerprint: str,
    protocol: Protocol,
    score: SetScore,
    device: str,
    self_ensemble: bool,
    form: str,
    started: datetime,
    earlier: Record | None,
    marks: Marks,
) -> Record:
    """Return the record of weights that were not trained here, with one more set's score.

    It is in no group, and ``data.weights`` says which file was scored.

    Args:
        loaded: The network with its weights.
        record_id: Name of the record.
        fingerprint: Of what determines the scores.
        protocol: How it was scored.
        score: The new score.
        device: ``cpu`` or ``cuda``.
        self_ensemble: Whether SR was the mean over the eight flips and turns of LR.
        form: In which form it was run, empty for that in which it is built. What the record
            counts is the network as built.
        started: When scoring began.
        earlier: The record that this one replaces; its scores on other sets are kept.
        marks: Of the network as it is built.
    """
    cost = count(loaded.network, scale=loaded.scale)
    names = (loaded.model, *parts.named(loaded.overrides).values())
    kept = [other for other in (earlier.scores if earlier else ()) if other.set != score.set]
    seconds = (datetime.now(UTC) - started).total_seconds()
    return Record(
        id=record_id,
        fingerprint=fingerprint,
        group="",
        model=loaded.model,
        label=networks.get(loaded.model).label,
        overrides=loaded.overrides,
        drop=loaded.drop,
        scale=loaded.scale,
        seed=None,
        steps=0,
        profile="",
        full_budget=True,
        params=cost.params,
        multi_adds=cost.sure_multi_adds,
        protocol=protocol.name,
        scores=tuple(sorted((*kept, score), key=lambda other: _set_order(other.set))),
        learned=learned_by(loaded.network),
        config=RecordedSettings(self_ensemble=self_ensemble, form=form),
        data=Inputs(weights=ScoredWeights(loaded.file, loaded.sha256, loaded.names, loaded.key)),
        provenance=provenance(device, torch.get_num_threads(), started, *names),
        wall_time_s=round(seconds + (earlier.wall_time_s if earlier else 0.0), 1),
        loss=None,
        count_doubts=cost.doubts,
        recipe=RECIPE,
        marks=marks,
        remarks=(
            *networks.remarks(loaded.model, loaded.network, loaded.overrides),
            *cost.remarks,
        ),
    )


def scored_id(model: str, scale: int, protocol: Protocol, fingerprint: str) -> str:
    """Return the id of the record of scored weights."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", model.rpartition(":")[2])
    return f"{name}-x{scale}-{protocol.name}-{fingerprint[:12]}"


def _set_order(name: str) -> tuple[int, str]:
    position = paper.SETS.index(name) if name in paper.SETS else len(paper.SETS)
    return position, name


def provenance(device: str, threads: int, started: datetime, *users: str) -> Provenance:
    """Return which code, machine and time a record of a network comes from.

    Args:
        device: ``cpu`` or ``cuda``.
        threads: Of PyTorch, on the CPU.
        started: When the work began.
        users: Names of the network and of its parts: the first that is of a user's repository
            tells its commit.
    """
    commit, dirty = environment.commit()
    project_commit, project_dirty = _project_commit(users)
    return Provenance(
        commit=commit,
        dirty=dirty,
        harness=harness.__version__,
        torch=str(torch.__version__),
        python=platform.python_version(),
        device=environment.device_name(device),
        threads=threads,
        started=started.isoformat(timespec="seconds"),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        project_commit=project_commit,
        project_dirty=project_dirty,
    )


def _project_commit(names: Iterable[str]) -> tuple[str | None, bool]:
    """Return the commit of the repository that a user's code lies in, and if it was changed."""
    for name in filter(networks.is_users, names):
        file = user_code.source_file(name.rpartition(":")[0])
        if file is not None and not projects.is_installed(file):
            return environment.commit_of(projects.root_of(file))
    return None, False


def learned_by(network: nn.Module) -> LearnedScalars:
    """Return the adaptive weights of a network."""
    learned: dict[str, Any] = dict(learned_scalars(network))
    alpha = {int(size): weight for size, weight in learned.pop("alpha", {}).items()}
    by_depth = {name: tuple(values) for name, values in learned.items()}
    return LearnedScalars(**by_depth, alpha=alpha)
