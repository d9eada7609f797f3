"""The notes under a table of trainings that were not all done on one kind of machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.records.record import Record


def threads_note(rows: Mapping[str, Sequence[Record]]) -> str:
    """Return which trainings had how many CPU threads; nothing where all had as many.

    Args:
        rows: The records of each row of a table by its label.
    """
    by_number: dict[int, dict[str, list[str]]] = {}
    for label, records in rows.items():
        for record in records:
            if record.group and record.config.device == "cpu":
                of_number = by_number.setdefault(record.config.threads, {})
                of_number.setdefault(label, []).append(str(record.seed))
    if len(by_number) < 2:
        return ""
    texts = [
        f"{number} ({'; '.join(f'{label} {_seeds(seeds)}' for label, seeds in of.items())})"
        for number, of in sorted(by_number.items())
    ]
    return (
        f"CPU threads: {', '.join(texts)}. Sums are rounded otherwise with another number, and "
        "trainings of one seed go apart; they stand in one table because --merge-threads asks "
        "for it."
    )


def devices_note(rows: Mapping[str, Sequence[Record]]) -> str:
    """Return which seeds were trained on which kind of device; nothing where there is one kind.

    Seeds whose rows were trained on several kinds are told apart: there, the kind is part of the
    differences between rows.

    Args:
        rows: The records of each row of a table by its label.
    """
    by_seed: dict[str, dict[str, list[str]]] = {}
    for label, records in rows.items():
        for record in records:
            if record.group:
                of_seed = by_seed.setdefault(str(record.seed), {})
                of_seed.setdefault(record.provenance.device, []).append(label)
    if len({kind for of_seed in by_seed.values() for kind in of_seed}) < 2:
        return ""
    split = [seed for seed, of_seed in by_seed.items() if len(of_seed) > 1]
    texts = [f"seed {seed} on {_kinds(by_seed[seed])}" for seed in split]
    whole: dict[str, list[str]] = {}
    for seed, of_seed in by_seed.items():
        if seed not in split:
            (kind,) = of_seed
            whole.setdefault(kind, []).append(seed)
    texts += [f"{_seeds(seeds)} on {kind}" for kind, seeds in whole.items()]
    listed = f"Kinds of devices: {'; '.join(texts)}."
    if not split:
        return f"{listed} All rows of one seed were trained on one kind."
    return (
        f"{listed} Another kind may round sums otherwise, and then trainings of one seed go apart: "
        f"that would be part of the differences of {_seeds(split)}."
    )


def _kinds(of_seed: Mapping[str, Sequence[str]]) -> str:
    return " and ".join(f"{kind} ({'; '.join(rows)})" for kind, rows in of_seed.items())


def _seeds(seeds: Sequence[str]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds)}"
