"""The command line: parse, call one function, say what came out."""

from __future__ import annotations

import errno
import io
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness import __version__
from harness.cli.bench import bench
from harness.cli.checkpoint import checkpoint
from harness.cli.compare import compare
from harness.cli.data import data
from harness.cli.eval import evaluate
from harness.cli.figures import figures
from harness.cli.flops import flops
from harness.cli.options import RESULTS_ROOT
from harness.cli.protocol import protocol
from harness.cli.prune import prune
from harness.cli.upscale import upscale
from harness.errors import ConfigError, HarnessError, suggest
from harness.host.logs import log_to_stderr

if TYPE_CHECKING:
    from harness.config.ablation import Ablation
    from harness.experiment.plan import Plan
    from harness.records.record import Record

log = logging.getLogger(__name__)

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
            return super().invoke(context)
        except HarnessError as error:
            click.echo(f"Error: {error}", err=True)
            raise SystemExit(error.exit_code) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of our output has gone: click knows how
                raise
            click.echo(f"Error: {error}", err=True)
            raise SystemExit(HarnessError.exit_code) from error
        except KeyboardInterrupt:
            more = _GOES_ON.get(context.invoked_subcommand or "", "")
            click.echo(f"Interrupted{more}.", err=True)
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


@main.command()
@click.argument("settings", nargs=-1, metavar="ablation=NAME [KEY=VALUE]...")
@click.option("--dry-run", is_flag=True, help="Print the plan; train nothing.")
def run(*, settings: Sequence[str], dry_run: bool) -> None:
    """Train, score, record and tabulate every row of an ablation.

    What is done already is not done again; an interrupted run goes on. NAME is a shipped
    ablation or a path to a YAML file; `harness settings` lists the keys.

    Example: harness run ablation=awru profile=cpu train.steps=300 data.test=Set5
    """
    from harness.config import ablation
    from harness.config import settings as config

    values, problems = config.parse_arguments(settings)
    name = values.pop("ablation", None)
    if name is None:
        known = ", ".join(ablation.shipped())
        problems.insert(0, f"no ablation is named: expected ablation=NAME (known: {known})")
        raise ConfigError(problems)
    _run(ablation.load(name), values, problems, dry_run=dry_run, tabulate=True)


@main.command()
@click.argument("model", metavar="ID")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--scale", required=True, help="Upscaling factor, or several: 2,3,4.")
@click.option("--dry-run", is_flag=True, help="Print the plan; train nothing.")
def train(*, model: str, settings: Sequence[str], scale: str, dry_run: bool) -> None:
    """Train, score and record one network; ID is from `harness list`, or FILE.py:CLASS.

    Example: harness train awsrn_s --scale 2 profile=smoke
    """
    from harness.config import settings as config
    from harness.experiment import plan

    values, problems = config.parse_arguments(settings)
    values["scale"] = scale
    _run(plan.single(model), values, problems, dry_run=dry_run, tabulate=False)


@main.command(name="list")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
def list_models(*, form: str) -> None:
    """List the networks: id, label, scales, source, parameters at each scale.

    Example: harness list --format json
    """
    from harness.cli import listing

    click.echo(listing.render(form))


@main.command()
@click.argument("ablations", nargs=-1, metavar="[NAME]...")
@RESULTS_ROOT
def tables(*, ablations: Sequence[str], root: Path) -> None:
    """Render tables from stored records and counts, as LaTeX, CSV and Markdown.

    NAME is a shipped ablation or a YAML file; without one, all shipped ablations and the
    efficiency half of Table 5.

    Example: harness tables
    """
    from harness.config import ablation
    from harness.reports import write

    chosen = [ablation.load(name) for name in ablations]
    files = write.write(chosen, root) if chosen else write.write_all(root)
    if not files:
        raise HarnessError(
            f"no records to make tables of in '{root / 'results' / 'runs'}': "
            "run an ablation first, for example harness run ablation=awru"
        )
    for path in files:
        click.echo(path)


@main.command(name="records")
@RESULTS_ROOT
@click.option("--images", is_flag=True, help="One row per image instead of one per set.")
@click.option("--format", "form", type=click.Choice(["table", "csv"]), default="table")
def list_records(*, root: Path, images: bool, form: str) -> None:
    """List what has been run: each cell with its scores, or the scores of each image.

    Example: harness records --images --format csv
    """
    from harness.records import frames, record

    stored = record.load_all(root)
    if not stored:
        raise HarnessError(f"there are no records in '{root / 'results' / 'runs'}'")
    frame = (frames.images if images else frames.cells)(stored)
    text = frame.to_csv(index=False) if form == "csv" else frame.to_string(index=False)
    click.echo(text.rstrip())


@main.command()
def settings() -> None:
    """List the settings that KEY=VALUE can change, and what the profiles set.

    Example: harness settings
    """
    from harness.cli import listing

    click.echo(listing.settings_text())


@main.command()
@RESULTS_ROOT
@click.option("--port", type=click.IntRange(1, 65535), default=5000, help="Port of the page.")
def ui(*, root: Path, port: int) -> None:
    """Open MLflow's page on the runs logged below a results root.

    Example: harness ui --port 5001
    """
    from harness.experiment import tracking

    tracking.serve(root, port)


def _run(
    chosen: Ablation,
    values: dict[str, str],
    problems: list[str],
    *,
    dry_run: bool,
    tabulate: bool,
) -> None:
    from harness.cli import listing
    from harness.experiment import plan, run
    from harness.reports import write

    planned = plan.make(chosen, values, problems)
    log.info("profile %s: %s", planned.config.profile, planned.why)
    if dry_run:
        click.echo(listing.plan_text(planned, run.statuses(planned)))
        return

    def report(current: Plan, done: list[Record]) -> tuple[Path, ...]:
        return write.write([current.ablation], current.results) if tabulate else ()

    done = run.execute(planned, report=report)
    click.echo(write.text(planned.ablation, done))
    if tabulate:
        click.echo(f"\nLaTeX, CSV and Markdown: {write.folder(planned.results).resolve()}")
    click.echo(f"Records: {(planned.results / 'results' / 'runs').resolve()}")


main.add_command(bench)
main.add_command(figures)
main.add_command(checkpoint)
main.add_command(data)
main.add_command(compare)
main.add_command(evaluate)
main.add_command(flops)
main.add_command(protocol)
main.add_command(upscale)
main.add_command(prune)


if __name__ == "__main__":
    main()
