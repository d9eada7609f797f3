"""``harness list ID``: all that is known of one network."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import Parameter, signature, unwrap
from typing import TYPE_CHECKING, Any

from harness.cli.output import Output, say
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.models.variant import Variant
    from harness.records.counts import Count
    from harness.reports.tables.table import Table

_USUAL = "RGB in 0..255, at any size"


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a network.

    Attributes:
        variant: Its declaration.
        options: Defaults of its constructor as this network has them, by name.
        fixed: Names of the options in which it differs from its family's defaults.
        expects: What its own ``forward`` is given.
        counts: Its stored counts, one a scale; none of a user's.
        weights: Files of weights that are known, and where they are from.
        names: Whose names of tensors can be read, beside ours.
    """

    variant: Variant
    options: dict[str, Any]
    fixed: tuple[str, ...]
    expects: str
    counts: tuple[Count, ...]
    weights: tuple[tuple[str, str], ...]
    names: tuple[str, ...]


def show(name: str, out: Output) -> None:
    """Print the card of a network.

    Args:
        name: As for :func:`harness.weights.networks.get`; its module is imported.
        out: How.

    Raises:
        UsageError: There is no such network, or options stand behind its name.
    """
    from harness.weights import naming

    plain, options = naming.split(name)
    if options:
        raise UsageError(
            f"'{name}': expected a name without options, such as '{plain}'; "
            f"its cost: harness flops '{name}'"
        )
    card = _card(name)
    variant = card.variant
    if out.for_people:
        scales = ", ".join(f"x{scale}" for scale in variant.scales) or "any"
        say(f"{variant.id}: {variant.label}")
        say(f"  source: {variant.source or 'your own'}; family {family(variant)}; scales {scales}")
        say(f"  maps {card.expects}")
    tables = [_options(card), *([_costs(card)] if card.counts else [])]
    if out.form == "csv" and card.counts:
        tables = tables[1:]  # a CSV file is one table
    if out.for_people:
        say()
    out.show(*tables, json=lambda: _plain(card))
    if out.for_people:
        say()
        for file, what in card.weights:
            say(f"weights: {file} ({what})")
        say("weights: none are known", lines=not card.weights)
        say(f"names of tensors that are read: {', '.join(('ours', *card.names))}")


def family(variant: Variant) -> str:
    """Return the family of a network: the module of its code, such as ``awsrn``."""
    target = variant.target
    module = target.partition(":")[0] if isinstance(target, str) else target.__module__
    return module.rpartition(".")[2]


def _card(name: str) -> Card:
    from harness.models import registry
    from harness.records import counts
    from harness.weights import networks

    variant = networks.get(name)
    ours = variant.id in registry.names()
    return Card(
        variant,
        _defaults(variant),
        tuple(variant.fixed),
        _expects(variant),
        tuple(counts.of_model(variant.id, scale) for scale in variant.scales) if ours else (),
        tuple(_weights(variant)) if ours else (),
        _names(variant) if ours else (),
    )


def _defaults(variant: Variant) -> dict[str, Any]:
    parameters = signature(variant.constructor).parameters
    return {
        option: None
        if parameters[option].default is Parameter.empty
        else parameters[option].default
        for option in variant.options()
    }


def _expects(variant: Variant) -> str:
    import pkgutil

    from harness.models.luma import LumaNetwork

    target = variant.target
    made_by = pkgutil.resolve_name(target) if isinstance(target, str) else target
    if isinstance(made_by, type) and issubclass(made_by, LumaNetwork):
        return "BT.601 luma of RGB in 0..255; chroma is upscaled by bicubic"
    declared = getattr(unwrap(made_by), "expects", None)
    return ", ".join(f"{key} {value}" for key, value in declared.items()) if declared else _USUAL


def _weights(variant: Variant) -> list[tuple[str, str]]:
    from harness.records import released
    from harness.weights import pretrained

    bundled = [
        (path.name, f"bundled, x{scale}")
        for (model, scale), path in pretrained.files().items()
        if model == variant.id
    ]
    public = [
        (one.file, f"{one.kind}, x{',x'.join(map(str, one.scales))}, {one.source}")
        for one in released.load()
        if one.model == variant.id
    ]
    return bundled + public


def _names(variant: Variant) -> tuple[str, ...]:
    import importlib

    from harness.weights import keymaps

    names = {module for module in vars(keymaps) if not module.startswith("_")}
    if family(variant) not in names:
        return ()
    module = importlib.import_module(f"{keymaps.__name__}.{family(variant)}")
    return tuple(dict.fromkeys(scheme.name for scheme in module.SCHEMES))


def _options(card: Card) -> Table:
    from harness.reports.tables.table import Column, simple

    rows = (
        (name, _text(value), "this network" if name in card.fixed else "")
        for name, value in card.options.items()
    )
    differs = Column("differs", "", printed=bool(card.fixed))
    columns = (Column("option", "option"), Column("default", "default", drop=0), differs)
    return simple("options", "Options, by --with KEY=VALUE", columns, rows)


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _costs(card: Card) -> Table:
    from harness.config import paper
    from harness.reports.tables.table import Column, simple

    rows = (
        (
            one.scale,
            one.params,
            one.params_trained,
            one.multi_adds,
            one.published_params_k,
            one.published_multi_adds_g,
        )
        for one in card.counts
    )
    trained = any(one.params_trained is not None for one in card.counts)
    printed = any(one.published_params_k is not None for one in card.counts)
    columns = (
        Column("scale", "scale", "count"),
        Column("params", "params", "count", drop=0),
        Column("params_trained", "trained", "count", printed=trained, drop=2),
        Column("multi_adds", "Multi-Adds\n(G)", "giga", drop=0),
        Column("published_params_k", "params\n(K, paper)", "count", printed=printed),
        Column("published_multi_adds_g", "Multi-Adds\n(G, paper)", "giga", printed=printed),
    )
    title = f"Cost for an output of {paper.OUTPUT_SIZE}, as PyTorch computes it"
    return simple("costs", title, columns, rows)


def _plain(card: Card) -> dict[str, Any]:
    variant = card.variant
    return {
        "id": variant.id,
        "label": variant.label,
        "family": family(variant),
        "source": variant.source,
        "scales": list(variant.scales),
        "maps": card.expects,
        "options": {name: _plain_value(value) for name, value in card.options.items()},
        "counts": {
            f"x{one.scale}": {"params": one.params, "multi_adds": one.multi_adds}
            for one in card.counts
        },
        "weights": [{"file": file, "what": what} for file, what in card.weights],
        "names": ["ours", *card.names],
    }


def _plain_value(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_plain_value(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
