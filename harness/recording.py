"""Make the record of a finished cell, or of weights that were scored."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import torch
from torch import nn

import harness
from harness import config, identity, machine, protocols
from harness.ablation import PAPER_SETS
from harness.config import FULL_BUDGET_STEPS, Config
from harness.data.prepare import Prepared
from harness.efficiency.multi_adds import count
from harness.fit import Outcome
from harness.loading import Loaded
from harness.plan import Cell
from harness.protocols import Protocol
from harness.records import Record, SetScore
from models import registry
from models.adaptive import learned_scalars


def make_record(
    cell: Cell,
    settings: Config,
    prepared: Prepared | None,
    *,
    record_id: str,
    network: nn.Module,
    scores: Sequence[SetScore],
    outcome: Outcome | None,
    started: datetime,
    earlier: Record | None,
) -> Record:
    """Return the record of a cell.

    Args:
        cell: What was run.
        settings: Settings with every automatic choice made.
        prepared: The training images; None where nothing was trained.
        record_id: Name of the record.
        network: The finished network, branches dropped.
        scores: New scores.
        outcome: How training went, where it was done now.
        started: When the work on the cell began.
        earlier: The record that this one replaces; its scores on other sets are kept.
    """
    data_sha256 = prepared.sha256 if prepared else None
    cost = count(network, scale=cell.scale)
    new = {score.set for score in scores}
    kept = [score for score in (earlier.scores if earlier else ()) if score.set not in new]
    origin = provenance(settings.device, settings.threads, started)
    loss = outcome.loss if outcome else None
    seconds = outcome.seconds if outcome else 0.0
    if earlier and not outcome:  # only scored anew: the weights came about as before
        origin = earlier.provenance | {"scored_at": origin["commit"]}
        loss, seconds = earlier.loss, earlier.wall_time_s
    return Record(
        id=record_id,
        fingerprint=identity.fingerprint(cell, settings, data_sha256),
        group=identity.group(cell, settings, data_sha256),
        model=cell.row.model,
        label=cell.label,
        overrides=cell.row.overrides,
        drop=cell.row.drop,
        scale=cell.scale,
        seed=cell.seed,
        steps=settings.train.steps if cell.trained else 0,
        profile=settings.profile,
        full_budget=not cell.trained or _is_paper_budget(settings),
        params=cost.params,
        multi_adds=cost.multi_adds,
        protocol=protocols.DEFAULT.name,
        scores=(*kept, *scores),
        learned=learned_scalars(network),
        config=_portable(settings, prepared),
        data={"train": _training_set(prepared, settings)} if prepared else {},
        provenance=origin,
        wall_time_s=round(seconds, 1),
        loss=loss,
    )


def make_scored_record(
    loaded: Loaded,
    *,
    record_id: str,
    fingerprint: str,
    protocol: Protocol,
    score: SetScore,
    device: str,
    self_ensemble: bool,
    started: datetime,
    earlier: Record | None,
) -> Record:
    """Return the record of weights that were not trained here, with one more set's score.

    It is in no group, and ``data["weights"]`` says which file was scored.

    Args:
        loaded: The network with its weights.
        record_id: Name of the record.
        fingerprint: Of what determines the scores.
        protocol: How it was scored.
        score: The new score.
        device: ``cpu`` or ``cuda``.
        self_ensemble: Whether SR was the mean over the eight flips and turns of LR.
        started: When scoring began.
        earlier: The record that this one replaces; its scores on other sets are kept.
    """
    cost = count(loaded.network, scale=loaded.scale)
    kept = [one for one in (earlier.scores if earlier else ()) if one.set != score.set]
    seconds = (datetime.now(UTC) - started).total_seconds()
    return Record(
        id=record_id,
        fingerprint=fingerprint,
        group="",
        model=loaded.model,
        label=registry.get(loaded.model).label,
        overrides=loaded.overrides,
        drop=loaded.drop,
        scale=loaded.scale,
        seed=None,
        steps=0,
        profile="",
        full_budget=True,
        params=cost.params,
        multi_adds=cost.multi_adds,
        protocol=protocol.name,
        scores=tuple(sorted((*kept, score), key=lambda one: _set_order(one.set))),
        learned=learned_scalars(loaded.network),
        config={"self_ensemble": True} if self_ensemble else {},
        data={"weights": loaded.origin()},
        provenance=provenance(device, torch.get_num_threads(), started),
        wall_time_s=round(seconds + (earlier.wall_time_s if earlier else 0.0), 1),
        loss=None,
    )


def scored_id(model: str, scale: int, protocol: Protocol, fingerprint: str) -> str:
    """Return the id of the record of scored weights."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", model)
    return f"{name}-x{scale}-{protocol.name}-{fingerprint[:12]}"


def _set_order(name: str) -> tuple[int, str]:
    known = PAPER_SETS.index(name) if name in PAPER_SETS else len(PAPER_SETS)
    return known, name


def final_metrics(record: Record) -> dict[str, float]:
    """Return cost and scores of a record by name, for a tracker."""
    final = {"params": float(record.params), "multi_adds_g": record.multi_adds / 1e9}
    for score in record.scores:
        final[f"psnr_db.{score.set}"] = score.psnr_db
        final[f"ssim.{score.set}"] = score.ssim
    return final


def _is_paper_budget(settings: Config) -> bool:
    """Whether a training was as long as the paper's, on its data (Sec. 4.2)."""
    return settings.train.steps >= FULL_BUDGET_STEPS and settings.data.train == "DIV2K"


def _training_set(prepared: Prepared, settings: Config) -> dict[str, Any]:
    return {
        "name": prepared.name,
        "images": len(prepared.usable(settings.train.patch)),
        "sha256": prepared.sha256,
    }


def _portable(settings: Config, prepared: Prepared | None) -> dict[str, Any]:
    """Return the settings without where things lie on this machine."""
    plain = config.plain(settings)
    for key in ("root", "cache"):
        del plain["data"][key]
    del plain["results"], plain["tracking"]
    if prepared:
        plain["data"]["train"] = prepared.name
    return plain


def provenance(device: str, threads: int, started: datetime) -> dict[str, Any]:
    """Return which code, machine and time a record comes from."""
    commit, dirty = machine.commit()
    return {
        "commit": commit,
        "dirty": dirty,
        "harness": harness.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": machine.device_name(device),
        "threads": threads,
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
