"""The command line, put together: all commands, how much is logged, how errors are told."""

from __future__ import annotations

import errno
import io
import logging
import sys
from importlib import import_module
from typing import Any

import click

from harness import __version__
from harness.cli.commands import COMMANDS, GROUPS
from harness.cli.output import say
from harness.errors import HarnessError, suggest
from harness.host import bars
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
    """Turn every error meant for the user into one message and an exit code.

    A command is imported when it is used: a list of all of them loads none.
    """

    def invoke(self, context: click.Context) -> Any:
        try:
            with interruptible(), bars.taken_away():
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

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            module, _, attribute = COMMANDS[cmd_name].target.partition(":")
            self.add_command(getattr(import_module(module), attribute), cmd_name)
        return self.commands.get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            hint = suggest(args[0], self.list_commands(ctx))
            raise click.UsageError(f"there is no command '{args[0]}'{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))  # one first column for all groups
        for title in GROUPS:
            with formatter.section(title):
                formatter.write_dl(
                    [
                        (name.ljust(width), command.help)
                        for name, command in COMMANDS.items()
                        if command.group == title
                    ]
                )

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Complete the names of commands without importing them."""
        from click.shell_completion import CompletionItem

        options = click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=command.help)
            for name, command in COMMANDS.items()
            if name.startswith(incomplete)
        ] + options


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="harness")
@click.option("-v", "--verbose", is_flag=True, help="Log more.")
@click.option("-q", "--quiet", is_flag=True, help="Log warnings only.")
def main(*, verbose: bool, quiet: bool) -> None:
    """Does this block earn its cost? Ablations of lightweight super-resolution networks.

    Example: harness run awru
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files need not be UTF-8
        sys.stdout.reconfigure(errors="surrogateescape")
    log_to_stderr(logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO)


if __name__ == "__main__":
    main()
