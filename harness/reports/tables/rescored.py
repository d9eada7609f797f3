"""Table 5 under one protocol: scores of released weights beside the printed ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.config import paper, protocols
from harness.config.protocols import DEFAULT
from harness.records import published, released
from harness.records.published import Published
from harness.records.record import Record, SetScore
from harness.records.released import ReleasedScores, Weights
from harness.reports import notes
from harness.reports.tables.fields import (
    Field,
    columns_of,
    field,
    hidden,
    joined,
    rows_of,
)
from harness.reports.tables.table import Table

NAME = "table5_rescored"
YARDSTICK = f"{paper.FAMILY}-M"


@dataclass(frozen=True, slots=True)
class RankedSystem:
    """One row of Table 5 at one scale on one set.

    Attributes:
        label: Its name.
        scale: Upscaling factor.
        set: Benchmark set.
        printed_db: PSNR as printed.
        printed_ssim: SSIM as printed.
        weights: What was scored; None where no weights can be had.
        score: Its score by the default protocol.
        record: Where that is stored.
        ranks: Rank as printed and as re-scored; 1 is the highest PSNR, ties are alike.
        leads_db: How far AWSRN-M leads, as printed and as re-scored.
    """

    label: str
    scale: int
    set: str
    printed_db: float
    printed_ssim: float | None
    weights: Weights | None
    score: SetScore | None
    record: Record | None
    ranks: tuple[int, int]
    leads_db: tuple[float, float] | None


def systems(records: Iterable[Record]) -> list[RankedSystem]:
    """Return all printed systems, for each scale and set on which any of them was re-scored.

    They are in the order of their re-scored rank, scale by scale and set by set.

    Raises:
        RecordError: The list of weights or the published values cannot be read.
    """
    scored = ReleasedScores(records)
    cells = published.load(paper.SYSTEMS_TABLE)
    systems_found: list[RankedSystem] = []
    places = dict.fromkeys((cell.scale, cell.set) for cell in cells if cell.metric == "psnr_db")
    for scale, name in sorted(places, key=lambda place: place[0]):
        printed, ssims = (_printed(cells, scale, name, metric) for metric in ("psnr_db", "ssim"))
        best = {label: _best(scored, label, scale, name) for label in printed}
        if any(best.values()) and YARDSTICK in printed:
            systems_found += _ranked(scale, name, printed, ssims, best)
    return systems_found


def _printed(cells: Iterable[Published], scale: int, name: str, metric: str) -> dict[str, float]:
    """Return the printed values of one metric on one set, by system."""
    return {
        cell.label: float(cell.value)
        for cell in cells
        if (cell.scale, cell.set, cell.metric) == (scale, name, metric) and cell.value
    }


_Best = tuple[Weights, SetScore, Record]


def _best(scored: ReleasedScores, label: str, scale: int, name: str) -> _Best | None:
    """Return the weights to show for a system and their score: those of the authors if any."""
    fitting = [
        weights for weights in released.load() if weights.label == label and scale in weights.scales
    ]
    for weights in sorted(fitting, key=lambda weights: weights.training != "authors"):
        record = scored.record(weights, scale, DEFAULT.name)
        score = record.score(name) if record else None
        if record and score:
            return weights, score, record
    return None


def _ranked(
    scale: int,
    name: str,
    printed: Mapping[str, float],
    ssims: Mapping[str, float],
    best: Mapping[str, _Best | None],
) -> list[RankedSystem]:
    standing = dict(printed)
    for label, rescored in best.items():
        if rescored and rescored[0].training == "authors":
            standing[label] = round(rescored[1].psnr_db, 2)
    rows = []
    for label, psnr_db in printed.items():
        weights, score, record = best[label] or (None, None, None)
        leads = tuple(scores[YARDSTICK] - scores[label] for scores in (printed, standing))
        rows.append(
            RankedSystem(
                label=label,
                scale=scale,
                set=name,
                printed_db=psnr_db,
                printed_ssim=ssims.get(label),
                weights=weights,
                score=score,
                record=record,
                ranks=(_rank(psnr_db, printed), _rank(standing[label], standing)),
                leads_db=None if label == YARDSTICK else (leads[0], leads[1]),
            )
        )
    return sorted(rows, key=lambda row: row.ranks[1])


def _rank(value: float, among: Mapping[str, float]) -> int:
    return 1 + sum(other > value for other in among.values())


def build(records: Iterable[Record]) -> Table | None:
    """Return the table, None where no weights of Table 5 were scored.

    Raises:
        RecordError: The list of weights or the published values cannot be read.
    """
    rows = systems(records)
    if not rows:
        return None
    used = [row.record for row in rows if row.record]
    return Table(
        name=NAME,
        title=f"Table {paper.SYSTEMS_TABLE} under one protocol: released weights re-scored beside "
        "the printed PSNR",
        columns=columns_of(_FIELDS),
        rows=rows_of(_FIELDS, rows, block=lambda row: (row.scale, row.set)),
        notes=(
            f"Re-scored: protocol {DEFAULT.name} ({protocols.get(DEFAULT.name).describe()}).",
            "Weights: authors = the weights of the paper; the system is ranked by their new score. "
            "retrained = trained again by others; the new score is shown, but the system is ranked "
            "by the printed PSNR. Empty = no weights are available, which is so for all AWSRN "
            "networks; the system is ranked by the printed PSNR.",
            "Rank: by PSNR, rounded to two decimals, among all systems printed at that scale; 1 is "
            f"the highest. Lead: printed PSNR of {YARDSTICK} minus PSNR of the row.",
            f"Commit: {notes.distinct(used, notes.commit)}; {notes.distinct(used, notes.device)}.",
        ),
        long=True,
        marks="none",
        lead=3,
    )


_FIELDS: tuple[Field[RankedSystem], ...] = (
    field("scale", "Scale", lambda row: row.scale, "count"),
    field("set", "Set", lambda row: row.set),
    field("label", "Model", lambda row: row.label),
    field("weights", "Weights", lambda row: row.weights.training if row.weights else None),
    field("printed_psnr_db", "Printed\nPSNR/SSIM", lambda row: row.printed_db, "psnr"),
    joined("printed_ssim", lambda row: row.printed_ssim),
    field(
        "rescored_psnr_db",
        "Re-scored\nPSNR/SSIM",
        lambda row: row.score.psnr_db if row.score else None,
        "psnr",
    ),
    joined("rescored_ssim", lambda row: row.score.ssim if row.score else None),
    field(
        "change_db",
        "Change\n(dB)",
        lambda row: row.score.psnr_db - row.printed_db if row.score else None,
        "psnr",
        signed=True,
    ),
    field("printed_rank", "Rank\nprinted", lambda row: row.ranks[0], "count"),
    field("rescored_rank", "Rank\nre-scored", lambda row: row.ranks[1], "count"),
    field(
        "printed_lead_db",
        "Lead (dB)\nprinted",
        lambda row: row.leads_db[0] if row.leads_db else None,
        "psnr",
        signed=True,
    ),
    field(
        "rescored_lead_db",
        "Lead (dB)\nre-scored",
        lambda row: row.leads_db[1] if row.leads_db else None,
        "psnr",
        signed=True,
    ),
    hidden("file", lambda row: row.weights.file if row.weights else None),
    hidden("sha256", lambda row: row.weights.sha256 if row.weights else None),
    hidden("record_id", lambda row: row.record.id if row.record else None),
    hidden("commit", lambda row: notes.commit(row.record, digits=40) if row.record else None),
    hidden("paper_source", lambda _: published.source(paper.SYSTEMS_TABLE)),
)
