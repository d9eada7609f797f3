"""What a shell completes: names of networks, ablations, sets and protocols, and settings.

Each function is given to an argument or option as its ``shell_complete``. Files are completed by
the shell where no name fits: an answer of the type ``file`` asks for that. An error of what is
there, such as of a damaged file, completes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_Completer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def _completer(*sources: Callable[[click.Context], Iterable[str]], files: bool) -> _Completer:
    """Return what completes the names of sources, and files where none fits."""

    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from harness.errors import HarnessError

        try:
            names = dict.fromkeys(name for source in sources for name in source(context))
        except (HarnessError, OSError):
            names = {}
        fitting = [CompletionItem(name) for name in names if name.startswith(incomplete)]
        return fitting or ([CompletionItem(incomplete, type="file")] if files else [])

    return complete


def _networks(context: click.Context) -> Iterable[str]:
    from harness.models import registry
    from harness.weights import installed

    return [*(variant.id for variant in registry.VARIANTS), *installed.networks()]


def _ablations(context: click.Context) -> Iterable[str]:
    from harness.config import ablation

    return ablation.shipped()


def _ablations_spelt(context: click.Context) -> Iterable[str]:
    return [f"ablation={name}" for name in _ablations(context)]


def _settings(context: click.Context) -> Iterable[str]:
    from harness.config import settings

    for setting in settings.settings().values():
        yield from (f"{setting.key}={choice}" for choice in setting.choices or ("",))


def _sets(context: click.Context) -> Iterable[str]:
    from harness.data import catalogue
    from harness.data.fetch import registry

    root = context.params.get("root")
    return [
        *catalogue.names(root.expanduser() if root else None, "test"),
        *registry.known(),
    ]


def _protocols(context: click.Context) -> Iterable[str]:
    from harness.config import protocols

    return protocols.names()


def _groups(context: click.Context) -> Iterable[str]:
    from harness.records import published_groups

    return [group.id for group in published_groups.load()]


def _scales(context: click.Context) -> Iterable[str]:
    from harness.data.naming import SCALES

    return map(str, SCALES)


networks = _completer(_networks, files=True)
ablations = _completer(_ablations, files=True)
runs = _completer(_ablations, _ablations_spelt, _settings, files=True)
settings = _completer(_settings, files=False)
sets = _completer(_sets, files=True)
protocols = _completer(_protocols, files=False)
groups = _completer(_groups, files=False)
scales = _completer(_scales, files=False)
