"""The table of released weights: scores by each paper's own protocol and by the default one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from harness.config import protocols
from harness.config.protocols import DEFAULT
from harness.records import released
from harness.records.means import incomparable_sets
from harness.records.record import Record, SetScore
from harness.records.released import ReleasedScores, Weights
from harness.reports import notes
from harness.reports.tables.fields import (
    Field,
    columns_of,
    field,
    hidden,
    joined,
    numbered,
    rows_of,
)
from harness.reports.tables.table import Table, TableCell

NAME = "protocol"

_EXACT, _OFF, _SSIM_OFF = "\u2713", "\u2020", "\u2021"
_SSIM_STEP = 0.0005
"""Half a unit of the third decimal: some papers print no more of SSIM."""
_ORDER = {name: index for index, name in enumerate(released.SETS)}


@dataclass(frozen=True, slots=True)
class _ScoredSet:
    """The scores of one file of weights at one scale on one set."""

    weights: Weights
    scale: int
    set: str
    own: SetScore
    default: SetScore | None
    printed: tuple[float, float] | None
    record: Record

    @property
    def exact(self) -> bool:
        """Whether our PSNR has the printed digits."""
        return self.printed is not None and _printed_digits(self.own.psnr_db) == _printed_digits(
            self.printed[0]
        )

    @property
    def ssim_off(self) -> bool:
        """Whether our SSIM has not the printed digits, to three decimals."""
        return self.printed is not None and abs(self.own.ssim - self.printed[1]) > _SSIM_STEP


def build(records: Iterable[Record]) -> Table | None:
    """Return the table of everything that was scored, None where nothing was.

    Raises:
        RecordError: The list of weights or the published values cannot be read.
    """
    rows = list(_rows(ReleasedScores(records)))
    if not rows:
        return None
    reasons = numbered(
        row.weights.because for row in rows if row.printed and not row.exact and row.weights.because
    )
    fields = _fields(reasons)
    used = list({row.record.id: row.record for row in rows}.values())
    return Table(
        name=NAME,
        title="Public weights: printed scores, ours by each paper's own protocol, and ours by "
        f"the protocol {DEFAULT.name}",
        columns=columns_of(fields),
        rows=rows_of(fields, rows, block=lambda row: row.weights),
        notes=(
            f"{_EXACT}: our PSNR has the printed digits. {_OFF}: it differs; a number refers to "
            f"the reason below. {_SSIM_OFF}: PSNR comes out, but SSIM is more than {_SSIM_STEP} "
            "off. Printed: Table 5 of the AWSRN paper, or the network's own paper.",
            *(f"({number}) {reason}" for reason, number in reasons.items()),
            *_protocols_used(rows),
            f"Commit: {notes.distinct(used, notes.commit)}; {notes.distinct(used, notes.device)}.",
        ),
        long=True,
        marks="none",
        lead=3,
    )


def _rows(scored: ReleasedScores) -> Iterable[_ScoredSet]:
    for weights in released.load():
        for scale in weights.scales:
            record = scored.record(weights, scale, weights.protocol)
            if record is None:
                continue
            printed = released.printed(weights, scale)
            for own in sorted(record.scores, key=lambda score: _ORDER.get(score.set, 9)):
                default = scored.score(weights, scale, own.set, DEFAULT.name)
                yield _ScoredSet(
                    weights, scale, own.set, own, default, printed.get(own.set), record
                )


def _protocols_used(rows: Sequence[_ScoredSet]) -> Iterable[str]:
    names = dict.fromkeys([*(row.weights.protocol for row in rows), DEFAULT.name])
    return (f"{name}: {protocols.get(name).describe()}." for name in names)


def _printed_digits(psnr_db: float) -> Decimal:
    return Decimal(str(psnr_db)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _fields(reasons: Mapping[str, int]) -> tuple[Field[_ScoredSet], ...]:
    def mark(row: _ScoredSet) -> str | None:
        if row.printed is None:
            return None
        if row.exact:
            return f"{_EXACT}{_SSIM_OFF}" if row.ssim_off else _EXACT
        return f"{_OFF}{reasons.get(row.weights.because, '')}"

    def shift(row: _ScoredSet) -> float | None:
        if row.default is None or incomparable_sets([[row.own], [row.default]], [row.set]):
            return None
        return row.default.psnr_db - row.own.psnr_db

    def off(row: _ScoredSet) -> float | None:
        if row.printed is None or incomparable_sets([[row.own]], [row.set]):
            return None
        return row.own.psnr_db - row.printed[0]

    def printed(index: int) -> Callable[[_ScoredSet], TableCell]:
        return lambda row: row.printed[index] if row.printed else None

    return (
        field("weights", "Weights", lambda row: row.weights.file.removesuffix(".pth")),
        field("scale", "Scale", lambda row: row.scale, "count"),
        field("set", "Set", lambda row: row.set),
        field("protocol", "Own protocol", lambda row: row.weights.protocol),
        field("printed_psnr_db", "Printed\nPSNR/SSIM", printed(0), "psnr"),
        joined("printed_ssim", printed(1)),
        field("own_psnr_db", "Ours, own\nPSNR/SSIM", lambda row: row.own.psnr_db, "psnr"),
        joined("own_ssim", lambda row: row.own.ssim),
        field("off_db", "Off\n(dB)", off, "psnr", signed=True),
        field("mark", "", mark),
        field(
            "awsrn_psnr_db",
            f"Ours, {DEFAULT.name}\nPSNR/SSIM",
            lambda row: row.default.psnr_db if row.default else None,
            "psnr",
        ),
        joined("awsrn_ssim", lambda row: row.default.ssim if row.default else None),
        field("shift_db", "Shift\n(dB)", shift, "psnr", signed=True),
        hidden("model", lambda row: row.weights.model),
        hidden("training", lambda row: row.weights.training),
        hidden("because", lambda row: row.weights.because or None),
        hidden("source", lambda row: row.weights.source),
        hidden("sha256", lambda row: row.weights.sha256),
        hidden("record_id", lambda row: row.record.id),
        hidden("commit", lambda row: notes.commit(row.record, digits=40)),
    )
