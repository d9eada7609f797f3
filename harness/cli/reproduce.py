"""``harness reproduce``: run a recorded training again, and compare."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import DATA_ROOT, STORED_RESULTS
from harness.cli.output import say
from harness.errors import HarnessError, UsageError
from harness.host.signals import Interrupted


@click.command()
@click.argument("record", metavar="RECORD")
@DATA_ROOT
@STORED_RESULTS
@click.option("--into", type=click.Path(path_type=Path), help="Results root of the new run; kept.")
@click.option("--dry-run", is_flag=True, help="Say what differs; train nothing.")
def reproduce(
    *, record: str, root: Path | None, results: Path, into: Path | None, dry_run: bool
) -> None:
    """Train and score a record's run again, and compare.

    In a folder of its own. Says first what is not as it was: commit, versions, device, threads,
    images, recipe. On the same kind of CPU, with as many threads, weights and scores are the same
    to the last bit; elsewhere the difference stands beside the spread of seeds. Exits with 1 where
    nothing differs and the result does. RECORD is an id, the beginning of one, or the file.

    Example: harness reproduce wdsr_awru-x2-s0-0123456789ab
    """
    from tempfile import TemporaryDirectory

    from harness.evaluation.record_names import matches, nearest
    from harness.experiment import reproduce as again

    found = matches(record, results)
    if not found:
        raise UsageError(f"'{record}' names no record{nearest(record, results)}")
    if len(found) > 1:
        names = ", ".join(one.id for one in found[:6])
        more = " .." if len(found) > 6 else ""
        raise UsageError(f"'{record}' names {len(found)} records, expected one: {names}{more}")
    (stored,) = found
    if into is not None:
        again.check_place(stored, into)
    with TemporaryDirectory(prefix="harness-reproduce.") as scratch:
        plan = again.planned(stored, root=str(root) if root else None, into=into or Path(scratch))
        differs = list(again.differences(stored, plan))
        for one in differs:
            say(f"differs: {one.what}: {one.recorded} recorded, {one.here} here")
        decisive = [one.what for one in differs if one.decides]
        if decisive and stored.provenance.commit:
            say(f"as it was recorded: git checkout {stored.provenance.commit}")
        if not differs:
            say("nothing differs from when it was recorded")
        if dry_run:
            return
        try:
            out = again.reproduce(stored, plan, results=results)
        except Interrupted as error:
            if into is not None:
                raise
            raise Interrupted(
                "stopped, and nothing of it is kept: with --into FOLDER the same command goes on"
            ) from error
        for line in again.summary(stored, out):
            say(line)
    if not out.same and not decisive:
        raise HarnessError(f"'{stored.id}' came out otherwise, and nothing that decides differs")
