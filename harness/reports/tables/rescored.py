"""Table 5 by one protocol: released weights re-scored, beside what is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.config import protocols
from harness.config.protocols import DEFAULT
from harness.records import published
from harness.records import released as weights
from harness.records.published import Published
from harness.records.record import Record, SetScore
from harness.records.released import PAPER_TABLE, ReleasedScores, Weights
from harness.reports import notes
from harness.reports.tables.table import Cell, Column, Kind, Table, TableRow

NAME = "table5_rescored"
YARDSTICK = "AWSRN-M"


@dataclass(frozen=True, slots=True)
class System:
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
        standing_db: PSNR that counts for the re-scored rank.
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
    standing_db: float
    ranks: tuple[int, int]
    leads_db: tuple[float, float] | None


_Field = tuple[Column, Callable[[System], Cell]]


def systems(records: Iterable[Record]) -> list[System]:
    """Return every printed system of the scales and sets that anything was re-scored on.

    They are in the order of their re-scored rank, scale by scale and set by set.

    Raises:
        RecordError: The list of weights or the published values cannot be read.
    """
    scored = ReleasedScores(records)
    cells = published.load(PAPER_TABLE)
    found: list[System] = []
    places = dict.fromkeys((cell.scale, cell.set) for cell in cells if cell.metric == "psnr_db")
    for scale, name in sorted(places, key=lambda place: place[0]):
        printed, ssims = (_printed(cells, scale, name, metric) for metric in ("psnr_db", "ssim"))
        best = {label: _best(scored, label, scale, name) for label in printed}
        if any(best.values()) and YARDSTICK in printed:
            found += _ranked(scale, name, printed, ssims, best)
    return found


def _printed(cells: Iterable[Published], scale: int, name: str, metric: str) -> dict[str, float]:
    """Return the printed values of one metric on one set, by system."""
    return {
        cell.label: float(cell.value)
        for cell in cells
        if (cell.scale, cell.set, cell.metric) == (scale, name, metric) and cell.value
    }


_Best = tuple[Weights, SetScore, Record]


def _best(scored: ReleasedScores, label: str, scale: int, name: str) -> _Best | None:
    """Return what stands for a row: the authors' weights before retrained ones."""
    fitting = [each for each in weights.load() if each.label == label and scale in each.scales]
    for each in sorted(fitting, key=lambda each: each.training != "authors"):
        record = scored.record(each, scale, DEFAULT.name)
        score = record.score(name) if record else None
        if record and score:
            return each, score, record
    return None


def _ranked(
    scale: int,
    name: str,
    printed: Mapping[str, float],
    ssims: Mapping[str, float],
    best: Mapping[str, _Best | None],
) -> list[System]:
    standing = dict(printed)
    for label, one in best.items():
        if one and one[0].training == "authors":
            standing[label] = round(one[1].psnr_db, 2)
    rows = []
    for label, psnr_db in printed.items():
        each, score, record = best[label] or (None, None, None)
        leads = tuple(scores[YARDSTICK] - scores[label] for scores in (printed, standing))
        rows.append(
            System(
                label=label,
                scale=scale,
                set=name,
                printed_db=psnr_db,
                printed_ssim=ssims.get(label),
                weights=each,
                score=score,
                record=record,
                standing_db=standing[label],
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
        title=f"Table {PAPER_TABLE} under one protocol: released weights re-scored beside the "
        "printed PSNR",
        columns=tuple(column for column, _ in _FIELDS),
        rows=tuple(
            TableRow(tuple(value(row) for _, value in _FIELDS), ruled=_starts(rows, index))
            for index, row in enumerate(rows)
        ),
        notes=(
            f"Re-scored: protocol {DEFAULT.name} ({protocols.get(DEFAULT.name).describe()}).",
            "Weights: authors = those of the paper, re-scored; retrained = trained again by "
            "others, shown, but ranked by the printed value; empty = no weights to be had, all "
            "of AWSRN's among them: as printed.",
            "Rank: by PSNR to two decimals among all systems printed at that scale, 1 the "
            f"highest. Lead: PSNR of {YARDSTICK} as printed minus the row's.",
            f"Commit: {notes.distinct(used, notes.commit)}; {notes.distinct(used, notes.device)}.",
        ),
        long=True,
        marks="none",
        lead=3,
    )


def _starts(rows: Sequence[System], index: int) -> bool:
    """Tell whether a row is the first of its scale and set, the first of all apart."""
    here, before = rows[index], rows[index - 1]
    return index > 0 and (here.scale, here.set) != (before.scale, before.set)


def _field(
    key: str,
    title: str,
    value: Callable[[System], Cell],
    kind: Kind = "text",
    *,
    signed: bool = False,
    joined: bool = False,
) -> _Field:
    return Column(key, title, kind, signed=signed, joined=joined), value


def _hidden(key: str, value: Callable[[System], Cell]) -> _Field:
    return Column(key, printed=False), value


_FIELDS: tuple[_Field, ...] = (
    _field("scale", "Scale", lambda row: row.scale, "count"),
    _field("set", "Set", lambda row: row.set),
    _field("label", "Model", lambda row: row.label),
    _field("weights", "Weights", lambda row: row.weights.training if row.weights else None),
    _field("printed_psnr_db", "Printed\nPSNR/SSIM", lambda row: row.printed_db, "psnr"),
    _field("printed_ssim", "", lambda row: row.printed_ssim, "ssim", joined=True),
    _field(
        "rescored_psnr_db",
        "Re-scored\nPSNR/SSIM",
        lambda row: row.score.psnr_db if row.score else None,
        "psnr",
    ),
    _field(
        "rescored_ssim",
        "",
        lambda row: row.score.ssim if row.score else None,
        "ssim",
        joined=True,
    ),
    _field(
        "change_db",
        "Change\n(dB)",
        lambda row: row.score.psnr_db - row.printed_db if row.score else None,
        "psnr",
        signed=True,
    ),
    _field("printed_rank", "Rank\nprinted", lambda row: row.ranks[0], "count"),
    _field("rescored_rank", "Rank\nre-scored", lambda row: row.ranks[1], "count"),
    _field(
        "printed_lead_db",
        "Lead (dB)\nprinted",
        lambda row: row.leads_db[0] if row.leads_db else None,
        "psnr",
        signed=True,
    ),
    _field(
        "rescored_lead_db",
        "Lead (dB)\nre-scored",
        lambda row: row.leads_db[1] if row.leads_db else None,
        "psnr",
        signed=True,
    ),
    _hidden("file", lambda row: row.weights.file if row.weights else None),
    _hidden("sha256", lambda row: row.weights.sha256 if row.weights else None),
    _hidden("record_id", lambda row: row.record.id if row.record else None),
    _hidden("commit", lambda row: notes.commit(row.record, digits=40) if row.record else None),
    _hidden("paper_source", lambda _: f"published/table{PAPER_TABLE}.csv"),
)
