"""What public weights score, by their papers' own protocols and by one: reports/protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from harness.config import protocols
from harness.config.protocols import DEFAULT
from harness.records import released as weights
from harness.records.record import Record, SetScore
from harness.records.released import ReleasedScores, Weights
from harness.reports import notes as provenance
from harness.reports.tables.table import Cell, Column, Kind, Table, TableRow

NAME = "protocol"

_EXACT, _OFF = "\u2713", "\u2020"
_ORDER = {name: index for index, name in enumerate(weights.SETS)}


@dataclass(frozen=True, slots=True)
class _Row:
    """One file at one scale on one set."""

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


_Field = tuple[Column, Callable[[_Row], Cell]]


def build(records: Iterable[Record]) -> Table | None:
    """Return the table of everything that was scored, None where nothing was.

    Raises:
        RecordError: The list of weights or the published values cannot be read.
    """
    rows = list(_rows(ReleasedScores(records)))
    if not rows:
        return None
    notes = _numbered(rows)
    fields = _fields(notes)
    used = list({row.record.id: row.record for row in rows}.values())
    return Table(
        name=NAME,
        title="Public weights: printed scores, ours by each paper's own protocol, and ours by "
        f"the protocol {DEFAULT.name}",
        columns=tuple(column for column, _ in fields),
        rows=tuple(
            TableRow(
                tuple(value(row) for _, value in fields),
                ruled=index > 0 and row.weights is not rows[index - 1].weights,
            )
            for index, row in enumerate(rows)
        ),
        notes=(
            f"{_EXACT}: PSNR has the printed digits. {_OFF}: it has not, for the reason of that "
            "number. Printed: Table 5 of the AWSRN paper, or the network's own paper.",
            *(f"({number}) {sentence}" for sentence, number in notes.items()),
            *_protocols_used(rows),
            f"Commit: {provenance.distinct(used, provenance.commit)}; "
            f"{provenance.distinct(used, provenance.device)}.",
        ),
        long=True,
        marks="none",
        lead=3,
    )


def _rows(scored: ReleasedScores) -> Iterable[_Row]:
    for each in weights.load():
        for scale in each.scales:
            record = scored.record(each, scale, each.protocol)
            if record is None:
                continue
            printed = weights.printed(each, scale)
            for own in sorted(record.scores, key=lambda score: _ORDER.get(score.set, 9)):
                default = scored.score(each, scale, own.set, DEFAULT.name)
                yield _Row(each, scale, own.set, own, default, printed.get(own.set), record)


def _numbered(rows: Sequence[_Row]) -> dict[str, int]:
    """Return every reason once, with its number in the order of first use."""
    reasons = dict.fromkeys(
        row.weights.because for row in rows if row.printed and not row.exact and row.weights.because
    )
    return {reason: number for number, reason in enumerate(reasons, start=1)}


def _protocols_used(rows: Sequence[_Row]) -> Iterable[str]:
    names = dict.fromkeys([*(row.weights.protocol for row in rows), DEFAULT.name])
    return (f"{name}: {protocols.get(name).describe()}." for name in names)


def _printed_digits(psnr_db: float) -> Decimal:
    return Decimal(str(psnr_db)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _fields(notes: dict[str, int]) -> tuple[_Field, ...]:
    def mark(row: _Row) -> str | None:
        if row.printed is None:
            return None
        return _EXACT if row.exact else f"{_OFF}{notes.get(row.weights.because, '')}"

    def of(score: Callable[[_Row], SetScore | None], key: str) -> Callable[[_Row], Cell]:
        def value(row: _Row) -> Cell:
            found = score(row)
            return None if found is None else float(getattr(found, key))

        return value

    def shift(row: _Row) -> float | None:
        return row.default.psnr_db - row.own.psnr_db if row.default else None

    def off(row: _Row) -> float | None:
        return row.own.psnr_db - row.printed[0] if row.printed else None

    def own(row: _Row) -> SetScore:
        return row.own

    def default(row: _Row) -> SetScore | None:
        return row.default

    def text(key: str, title: str, value: Callable[[_Row], Cell], kind: Kind = "text") -> _Field:
        return Column(key, title, kind), value

    def printed(index: int) -> Callable[[_Row], Cell]:
        return lambda row: row.printed[index] if row.printed else None

    return (
        text("weights", "Weights", lambda row: row.weights.file.removesuffix(".pth")),
        text("scale", "Scale", lambda row: row.scale, "count"),
        text("set", "Set", lambda row: row.set),
        text("protocol", "Own protocol", lambda row: row.weights.protocol),
        text("printed_psnr_db", "Printed\nPSNR/SSIM", printed(0), "psnr"),
        (Column("printed_ssim", kind="ssim", joined=True), printed(1)),
        text("own_psnr_db", "Ours, own\nPSNR/SSIM", of(own, "psnr_db"), "psnr"),
        (Column("own_ssim", kind="ssim", joined=True), of(own, "ssim")),
        (Column("off_db", "Off\n(dB)", "psnr", signed=True), off),
        text("mark", "", mark),
        text("awsrn_psnr_db", f"Ours, {DEFAULT.name}\nPSNR/SSIM", of(default, "psnr_db"), "psnr"),
        (Column("awsrn_ssim", kind="ssim", joined=True), of(default, "ssim")),
        (Column("shift_db", "Shift\n(dB)", "psnr", signed=True), shift),
        (Column("model", printed=False), lambda row: row.weights.model),
        (Column("training", printed=False), lambda row: row.weights.training),
        (Column("because", printed=False), lambda row: row.weights.because or None),
        (Column("source", printed=False), lambda row: row.weights.source),
        (Column("sha256", printed=False), lambda row: row.weights.sha256),
        (Column("record_id", printed=False), lambda row: row.record.id),
        (Column("commit", printed=False), lambda row: provenance.commit(row.record, digits=40)),
    )
