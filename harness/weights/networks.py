"""A network from its name: a registered id, or a class of the user's own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError, suggest
from harness.models import registry
from harness.models.variant import DROP, EXPECTS, Variant
from harness.weights import code, installed, naming, parts, projects, user_code

if TYPE_CHECKING:
    from torch import nn


def get(name: str) -> Variant:
    """Return the network of a name.

    Args:
        name: Id of a registered network, ``FILE.py:CLASS`` or ``PKG.MODULE:CLASS``; options
            behind it, as :mod:`harness.weights.naming` says, are passed over.

    Raises:
        UsageError: There is none; the message names the nearest id, or what is wrong
            with the user's file.
    """
    name = naming.split(name)[0]
    if is_users(name):
        return user_code.variant(name)
    if (of_package := installed.get(name)) is not None:
        return of_package
    try:
        return registry.get(name)
    except LookupError as error:
        if name.endswith(".py"):
            raise UsageError(f"'{name}' names no class: expected {name}:CLASS") from error
        known = (*registry.names(), *installed.networks())
        raise UsageError(f"{error.args[0]}{suggest(name, known)}") from error


def variant(name: str) -> Variant:
    """Return the network of a name with the options behind it; errors are those of :func:`get`.

    One with options is none of the registered ones: its id is the whole name.
    """
    plain, options = naming.split(name)
    found = get(plain)
    if not options and not is_users(plain):
        return found
    label = f"{found.label} {naming.words(options)}".strip()
    return Variant(name, label, found.source, partial(_built, name), scales=found.scales)


def _built(name: str, *, scale: int) -> nn.Module:
    return build(name, scale=scale)


def label(name: str) -> str:
    """Return the name of a network in tables; of a user's, whose file is not read, its class's.

    Raises:
        UsageError: No network of that name is registered.
    """
    plain = naming.split(name)[0]
    return plain.rpartition(":")[2] if is_users(plain) else get(plain).label


def is_users(name: str) -> bool:
    """Tell whether a name is that of a user's own class."""
    return ":" in naming.split(name)[0]


def build(name: str, *, scale: int, overrides: Mapping[str, Any] | None = None) -> nn.Module:
    """Build a network with random weights.

    Args:
        name: As for :func:`get`.
        scale: Upscaling factor.
        overrides: Arguments of the constructor.

    Raises:
        UsageError: There is no such network, scale or option, it cannot have such values, or it
            has no weights before it first runs.
        PartError: An argument names a part of the user's that cannot be used.
    """
    plain, own = naming.split(name)
    arguments = naming.merged(overrides or {}, own)
    declared, dropped = arguments.pop(EXPECTS, {}), arguments.pop(DROP, ())
    variant = get(plain)
    if not is_users(plain):
        arguments = parts.resolved(arguments)
    try:
        _refuse_unknown(plain, variant, arguments)
        network = variant.build(scale=scale, **arguments)
        _refuse_lazy(name, network)
        if dropped:
            _drop(network, dropped)
        return _adapted(network, declared, scale=scale)
    except (ValueError, TypeError) as error:
        raise UsageError(str(error)) from error


def _refuse_unknown(name: str, variant: Variant, arguments: Mapping[str, Any]) -> None:
    """See that a network has the options that it is given."""
    if not arguments or variant.takes_any():
        return
    known = (*variant.options(), EXPECTS)
    unknown = [f"'{key}'{suggest(key, known)}" for key in arguments if key not in known]
    if unknown:
        raise UsageError(f"{name} has no option {', nor '.join(unknown)}")


def _refuse_lazy(name: str, network: nn.Module) -> None:
    """See that a network has all of its weights; counts, seeds and digests are of these."""
    from torch.nn.parameter import is_lazy

    for weight, value in chain(network.named_parameters(), network.named_buffers()):
        if is_lazy(value):
            raise UsageError(
                f"'{name}' has no weights before it first runs ('{weight}'): expected sizes "
                "that the constructor knows, such as nn.Conv2d's instead of nn.LazyConv2d's"
            )


def _drop(network: nn.Module, kernel_sizes: Sequence[int]) -> None:
    from harness.models.awms import drop_branches

    drop_branches(network, kernel_sizes)


def _adapted(network: nn.Module, declared: Mapping[str, Any], *, scale: int) -> nn.Module:
    """Let a network map RGB in 0..255, whatever it, or its class, says that it expects."""
    of_class = getattr(network, EXPECTS, {})
    both = dict(of_class if isinstance(of_class, Mapping) else {}) | dict(declared)
    if not both:
        return network
    from harness.models.adapted import Expects, adapt

    return adapt(network, Expects.of(both), scale=scale)


def remarks(name: str, network: nn.Module, overrides: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is to be known of a network, beside its structure, by who compares it.

    What images a user's network works on, and where a user's part differs from its backbone.

    Args:
        name: As for :func:`get`, without options.
        network: The network.
        overrides: The arguments that it was built with.
    """
    own = list(parts.remarks(network, overrides))
    if is_users(name) or EXPECTS in overrides:
        from harness.models.adapted import Expects

        own.insert(0, f"images of its own: {getattr(network, 'harness_expects', Expects())}")
    return tuple(own)


def code_digest(name: str, overrides: Mapping[str, Any] | None = None) -> str:
    """Return a digest of the code that a network comes from; no torch is loaded for it.

    The same for the same code in another folder, or with other comments, docstrings and
    formatting; another one where a module that it imports is edited. In one process it is that
    of the code as it was when first asked for.

    Args:
        name: As for :func:`get`.
        overrides: Arguments of the constructor: what they name of the user's counts, too.

    Raises:
        UsageError: There is no such network, or its file cannot be read.
    """
    plain, options = naming.split(name)
    if is_users(plain):
        return _digest_of(plain)
    whole = _registered_digest(plain)
    named = parts.named(naming.merged(overrides or {}, options))
    own = {key: _digest_of(part) for key, part in named.items()}
    if not own:
        return whole
    return hashlib.sha256(json.dumps([whole, sorted(own.items())]).encode()).hexdigest()


def _digest_of(name: str) -> str:
    """Return the digest of a user's code."""
    where, _, attribute = name.rpartition(":")
    file = user_code.source_file(where)
    if file is None or projects.is_installed(file):
        return code.installed_digest(where, attribute)
    try:
        return _users_digest(file, attribute)
    except OSError as error:
        raise UsageError(f"cannot read the code of '{name}': {error}") from error


@cache
def _registered_digest(name: str) -> str:
    variant = get(name)
    target, fixed = variant.target, dict(variant.fixed)
    if not isinstance(target, str):
        target = f"{target.__module__}:{target.__qualname__}"
    module, _, attribute = target.rpartition(":")
    if name in registry.names():
        file = code.registered_file(module)
        return code.code_digest(file, roots=(), details=[attribute, fixed])
    return hashlib.sha256(json.dumps([_digest_of(target), fixed]).encode()).hexdigest()


@cache
def _users_digest(file: Path, attribute: str) -> str:
    """Return the digest of a user's code, made once: it is imported once, too."""
    roots = dict.fromkeys((projects.root_of(file), projects.above_package(file)))
    return code.code_digest(file, roots=tuple(roots), details=[attribute])
