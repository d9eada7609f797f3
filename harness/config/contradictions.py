"""What is wrong with an ablation file though every single value is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from harness.config import file_limits
from harness.config.file_limits import flat
from harness.errors import suggest
from harness.host.problems import Place, Problem


def contradictions(raw: object) -> Iterable[Problem]:
    """Return what no single value shows: doublets, and rows that are named and not there.

    It is given plain values, right or wrong, so that these problems are listed with the others.
    """
    if not isinstance(raw, dict):
        return
    yield from file_limits.problems(raw)
    if isinstance(config := raw.get("config"), dict):
        for key, count in Counter(key for key, _ in flat(config)).items():
            if count > 1:
                yield Problem(("config",), f"'{key}' stands there twice, dotted and nested")
    entries = raw.get("rows")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return
    labels = [entry.get("label") or entry.get("model") for entry in entries]
    if not all(isinstance(label, str) for label in labels):
        return
    for label, count in Counter(labels).items():
        if count > 1:
            yield Problem(("rows",), f"two rows have the label '{label}'")
    listed = raw.get("pairs")
    pairs = [
        (n, pair)
        for n, pair in enumerate(listed if isinstance(listed, list) else [])
        if isinstance(pair, dict)
    ]
    bases: list[tuple[Place, Any]] = [(("base",), raw.get("base"))]
    bases += [(("rows", n, "base"), entry.get("base")) for n, entry in enumerate(entries)]
    bases += [(("pairs", n, key), pair.get(key)) for n, pair in pairs for key in ("row", "base")]
    for place, base in bases:
        if isinstance(base, str) and base and base not in labels:
            yield Problem(place, f"there is no row '{base}'{suggest(base, labels)}")
    for n, pair in pairs:
        if pair.get("row") == pair.get("base") in labels:
            yield Problem(("pairs", n), f"'{pair['row']}' is compared with itself")
    if pairs and any(entry.get("checkpoint") for entry in entries):
        yield Problem(
            ("pairs",), "expected none: rows with a checkpoint make a table of whole systems"
        )
