"""Networks that installed packages declare, by the entry point ``awsrn_harness.models``.

A package declares them in its ``pyproject.toml``::

    [project.entry-points."awsrn_harness.models"]
    my_net = "my_package.networks:MY_NET"

where ``MY_NET`` is a :class:`harness.models.variant.Variant` with that id. Nothing of a package is
imported before its network is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from harness.errors import UsageError
from harness.models import registry
from harness.models.variant import Variant

GROUP = "awsrn_harness.models"
_OURS = "awsrn-harness"


@dataclass(frozen=True, slots=True)
class Installed:
    """A network of an installed package.

    Attributes:
        id: Its name on the command line.
        origin: The package that declares it, with its version.
        entry: Where its declaration is.
    """

    id: str
    origin: str
    entry: EntryPoint


@cache
def networks() -> dict[str, Installed]:
    """Return the networks of installed packages by id; none of them is imported.

    Raises:
        UsageError: Two packages declare one id, or one declares an id of ours.
    """
    found: dict[str, Installed] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.module
        earlier = found.get(entry.name)
        if earlier is not None and (earlier.origin, earlier.entry.value) == (origin, entry.value):
            continue  # the same package, found twice on the search path
        if earlier is not None or entry.name in registry.names():
            raise UsageError(
                f"two networks have the id '{entry.name}': of "
                f"{earlier.origin if earlier else _OURS} and of {origin}"
            )
        found[entry.name] = Installed(entry.name, origin, entry)
    return found


def get(name: str) -> Variant | None:
    """Return a network of an installed package by its id; None where there is none.

    Raises:
        UsageError: The package cannot be imported, or declares something else.
    """
    chosen = networks().get(name)
    if chosen is None:
        return None
    where = f"'{chosen.entry.value}' of {chosen.origin}"
    try:
        variant = chosen.entry.load()
    except Exception as error:  # a package may raise anything at all
        raise UsageError(
            f"cannot import {where}: {type(error).__name__}: {error}".partition("\n")[0]
        ) from error
    if not isinstance(variant, Variant) or variant.id != name:
        raise UsageError(f"{where} is no Variant with the id '{name}'")
    return variant
