"""Table 5 under one protocol: scores of released weights beside the printed ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import get_args

from harness.config import paper, protocols
from harness.config.protocols import DEFAULT
from harness.records import published, released
from harness.records.published import Published
from harness.records.record import Record, SetScore
from harness.records.released import ReleasedScores, Training, Weights
from harness.reports import notes
from harness.reports.tables.fields import (
    Field,
    as_printed,
    columns_of,
    field,
    hidden,
    joined,
    misprint_notes,
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
        printed: PSNR in dB as printed.
        printed_ssim: SSIM as printed.
        weights: What was scored; None where no weights can be had.
        score: Its score by the default protocol.
        record: Where that is stored.
        ranks: Rank as printed and as re-scored; 1 is the highest PSNR, ties are alike. None where
            the PSNR is a printed one that seems a misprint.
        leads_db: How far AWSRN-M leads, as printed and as re-scored; None likewise, and for itself.
    """

    label: str
    scale: int
    set: str
    printed: Published
    printed_ssim: Published | None
    weights: Weights | None
    score: SetScore | None
    record: Record | None
    ranks: tuple[int | None, int | None]
    leads_db: tuple[float | None, float | None]

    @property
    def reranked(self) -> bool:
        """Whether it is ranked by our score: only weights of the paper's table are."""
        return self.weights is not None and self.weights.training == "authors"


def systems(records: Iterable[Record]) -> list[RankedSystem]:
    """Return all printed systems, for each scale and set on which any of them was re-scored.

    They are in the order of their re-scored rank, scale by scale and set by set, those without
    one last.

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
            systems_found += _ranked(printed, ssims, best)
    return systems_found


def _printed(
    cells: Iterable[Published], scale: int, name: str, metric: str
) -> dict[str, Published]:
    """Return the printed cells of one metric on one set, by system."""
    return {
        cell.label: cell
        for cell in cells
        if (cell.scale, cell.set, cell.metric) == (scale, name, metric) and cell.value is not None
    }


_Best = tuple[Weights, SetScore, Record]


def _best(scored: ReleasedScores, label: str, scale: int, name: str) -> _Best | None:
    """Return the weights to show for a system and their score, those of the paper first."""
    fitting = [
        weights for weights in released.load() if weights.label == label and scale in weights.scales
    ]
    kinds = get_args(Training)
    for weights in sorted(fitting, key=lambda weights: kinds.index(weights.training)):
        record = scored.record(weights, scale, DEFAULT.name)
        score = record.score(name) if record else None
        if record and score:
            return weights, score, record
    return None


def _ranked(
    printed: Mapping[str, Published],
    ssims: Mapping[str, Published],
    best: Mapping[str, _Best | None],
) -> list[RankedSystem]:
    as_papers = {
        label: float(cell.value)
        for label, cell in printed.items()
        if cell.value is not None and not cell.doubt
    }
    standing = as_papers | {
        label: round(rescored[1].psnr_db, 2)
        for label, rescored in best.items()
        if rescored and rescored[0].training == "authors"
    }
    rows = []
    for label, cell in printed.items():
        weights, score, record = best[label] or (None, None, None)
        rows.append(
            RankedSystem(
                label=label,
                scale=cell.scale,
                set=cell.set,
                printed=cell,
                printed_ssim=ssims.get(label),
                weights=weights,
                score=score,
                record=record,
                ranks=(_rank(label, as_papers), _rank(label, standing)),
                leads_db=(_lead(label, as_papers), _lead(label, standing)),
            )
        )
    return sorted(rows, key=lambda row: row.ranks[1] or len(rows) + 1)


def _rank(label: str, among: Mapping[str, float]) -> int | None:
    return 1 + sum(other > among[label] for other in among.values()) if label in among else None


def _lead(label: str, among: Mapping[str, float]) -> float | None:
    """Return how far AWSRN-M leads a system."""
    both = label != YARDSTICK and {label, YARDSTICK} <= among.keys()
    return among[YARDSTICK] - among[label] if both else None


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
        title=f"Table {paper.SYSTEMS_TABLE} under one protocol, as far as there are weights: "
        "released weights re-scored beside the printed PSNR",
        columns=columns_of(_FIELDS),
        rows=rows_of(_FIELDS, rows, block=lambda row: (row.scale, row.set)),
        notes=(
            f"Re-scored: protocol {DEFAULT.name} ({protocols.get(DEFAULT.name).describe()}).",
            f"Weights: {released.KINDS_TEXT}. Empty: no weights are available, which is so for all "
            f"{paper.FAMILY} networks. A system is ranked by our score where it has its authors' "
            "weights, else by the printed PSNR; other new scores are only shown.",
            f"Ranked by our score: {_shares(rows)}.",
            "Rank: by PSNR, rounded to two decimals, among all systems printed at that scale; 1 is "
            f"the highest. Lead: printed PSNR of {YARDSTICK} minus PSNR of the row.",
            *misprint_notes(
                cell for row in rows for cell in (row.printed, row.printed_ssim) if cell is not None
            ),
            f"Commit: {notes.distinct(used, notes.commit)}; {notes.distinct(used, notes.device)}.",
        ),
        long=True,
        marks="none",
        lead=3,
    )


def _shares(rows: Iterable[RankedSystem]) -> str:
    """Return how many of the rows are ranked by our score, scale by scale and set by set."""
    places: dict[int, dict[str, list[RankedSystem]]] = {}
    for row in rows:
        places.setdefault(row.scale, {}).setdefault(row.set, []).append(row)
    return "; ".join(
        f"x{scale} "
        + ", ".join(
            f"{name} {sum(row.reranked for row in members)} of {len(members)}"
            for name, members in by_set.items()
        )
        for scale, by_set in places.items()
    )


def _change_db(row: RankedSystem) -> float | None:
    """Return our score minus the printed one, where that is no misprint."""
    if row.score is None or row.printed.value is None or row.printed.doubt:
        return None
    return row.score.psnr_db - float(row.printed.value)


_FIELDS: tuple[Field[RankedSystem], ...] = (
    field("scale", "Scale", lambda row: row.scale, "count"),
    field("set", "Set", lambda row: row.set),
    field("label", "Model", lambda row: row.label),
    field("weights", "Weights", lambda row: row.weights.training if row.weights else None),
    field("printed_psnr_db", "Printed\nPSNR/SSIM", lambda row: as_printed(row.printed), "psnr"),
    joined("printed_ssim", lambda row: as_printed(row.printed_ssim) if row.printed_ssim else None),
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
        _change_db,
        "psnr",
        signed=True,
    ),
    field("printed_rank", "Rank\nprinted", lambda row: row.ranks[0], "count"),
    field("rescored_rank", "Rank\nre-scored", lambda row: row.ranks[1], "count"),
    field(
        "printed_lead_db",
        "Lead (dB)\nprinted",
        lambda row: row.leads_db[0],
        "psnr",
        signed=True,
    ),
    field(
        "rescored_lead_db",
        "Lead (dB)\nre-scored",
        lambda row: row.leads_db[1],
        "psnr",
        signed=True,
    ),
    hidden("file", lambda row: row.weights.file if row.weights else None),
    hidden("sha256", lambda row: row.weights.sha256 if row.weights else None),
    hidden("record_id", lambda row: row.record.id if row.record else None),
    hidden("commit", lambda row: notes.commit(row.record, digits=40) if row.record else None),
    hidden("paper_source", lambda _: published.source(paper.SYSTEMS_TABLE)),
)
