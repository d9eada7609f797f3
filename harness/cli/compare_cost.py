"""``harness compare --ntire``: networks by the score of a challenge, measured now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from harness.cli.output import Output
    from harness.host.device import DeviceChoice

_TAKEN = ("scale", "device", "ntire", "processes", "form", "output")
_OF_NAMES = ("with_", "white", "mean", "pad_to", "luma")
"""Options that :mod:`harness.cli.network_options` sets behind the networks' names."""


def show(
    rows: Sequence[str],
    year: int,
    device: DeviceChoice,
    out: Output,
    *,
    scale: int | None,
    processes: int,
) -> None:
    """Count and measure networks beside the base of a year, and print their table.

    Raises:
        UsageError: There are no rules of the year, a name means no network that is for x4, or
            an option for scores is given.
        HarnessError: A count is in doubt, or a network cannot be measured; the others are shown.
    """
    from harness.efficiency import challenge as costs
    from harness.efficiency.bench.latency import Effort
    from harness.efficiency.bench.process import Setup
    from harness.host.device import choose_device
    from harness.records import challenge
    from harness.reports.tables.challenge import build

    _refuse_others()
    rules = challenge.of_year(year)
    if scale not in (None, challenge.SCALE):
        raise UsageError(f"--ntire is for x{challenge.SCALE} alone, not --scale {scale}")
    counted = costs.count(rows, rules)
    setup = Setup(device=choose_device(device))
    scored, failures = costs.measure(counted, rules, setup, Effort(), processes=processes)
    out.show(build(scored, rules))
    if failures:
        raise HarnessError("\n".join(failures))


def _refuse_others() -> None:
    """Refuse options that say how to score weights, or what to stand beside."""
    context = click.get_current_context()
    for option in context.command.params:
        given = context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE
        wanted = option.name in (*_TAKEN, *_OF_NAMES) or isinstance(option, click.Argument)
        if given and not wanted:
            raise UsageError(
                f"{option.opts[0]} has no part in --ntire, which counts and measures networks "
                "without weights or images"
            )
