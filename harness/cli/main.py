"""The command line, put together: all commands, how much is logged, how errors are told."""

from __future__ import annotations

import errno
import io
import logging
import sys
from typing import Any

import click

from harness import __version__
from harness.cli.bench import bench
from harness.cli.checklist import checklist
from harness.cli.checkpoint import checkpoint
from harness.cli.compare import compare
from harness.cli.crate import crate
from harness.cli.data import data
from harness.cli.deploy import deploy
from harness.cli.doctor import doctor
from harness.cli.eval import evaluate
from harness.cli.figures import figures
from harness.cli.flops import flops
from harness.cli.gate import gate
from harness.cli.listing import list_models
from harness.cli.new import new
from harness.cli.output import say
from harness.cli.plan import plan
from harness.cli.protocol import protocol
from harness.cli.prune import prune
from harness.cli.records import records
from harness.cli.report import report
from harness.cli.reproduce import reproduce
from harness.cli.run import run, train
from harness.cli.settings import settings
from harness.cli.status import status
from harness.cli.tables import tables
from harness.cli.track import track
from harness.cli.ui import ui
from harness.cli.upscale import upscale
from harness.errors import HarnessError, suggest
from harness.host.logs import log_to_stderr
from harness.host.signals import interruptible

_INTERRUPTED = 130
_FROM_CHECKPOINT = "; the same command goes on from the last checkpoint"
_GOES_ON = {
    "run": _FROM_CHECKPOINT,
    "train": _FROM_CHECKPOINT,
    "data": "; the same command goes on from there",
}


class _Group(click.Group):
    """Turn every error meant for the user into one message and an exit code."""

    def invoke(self, context: click.Context) -> Any:
        try:
            with interruptible():
                return super().invoke(context)
        except click.ClickException as error:
            text = io.StringIO()
            error.show(text)
            say(text.getvalue().rstrip("\n"), err=True)
            raise SystemExit(error.exit_code) from error
        except HarnessError as error:
            say(f"Error: {error}", err=True)
            raise SystemExit(error.exit_code) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of our output has gone: click knows how
                raise
            say(f"Error: {error}", err=True)
            raise SystemExit(HarnessError.exit_code) from error
        except KeyboardInterrupt:
            more = _GOES_ON.get(context.invoked_subcommand or "", "")
            say(f"Interrupted{more}.", err=True)
            raise SystemExit(_INTERRUPTED) from None

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(context, args[0]) is None and not args[0].startswith("-"):
            hint = suggest(args[0], self.list_commands(context))
            raise click.UsageError(f"there is no command '{args[0]}'{hint}", context)
        return super().resolve_command(context, args)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="harness")
@click.option("-v", "--verbose", is_flag=True, help="Log more.")
@click.option("-q", "--quiet", is_flag=True, help="Log warnings only.")
def main(*, verbose: bool, quiet: bool) -> None:
    """Does this block earn its cost? Ablations of lightweight super-resolution networks.

    Example: harness run ablation=awru
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files need not be UTF-8
        sys.stdout.reconfigure(errors="surrogateescape")
    log_to_stderr(logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO)


for command in (
    bench,
    checklist,
    checkpoint,
    compare,
    crate,
    data,
    deploy,
    doctor,
    evaluate,
    figures,
    flops,
    gate,
    list_models,
    new,
    plan,
    protocol,
    prune,
    records,
    report,
    reproduce,
    run,
    settings,
    status,
    tables,
    track,
    train,
    ui,
    upscale,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
