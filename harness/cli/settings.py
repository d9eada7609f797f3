"""``harness settings``: what KEY=VALUE can change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from harness.cli.output import Output, say, table_options

if TYPE_CHECKING:
    from harness.config.values import Setting
    from harness.reports.tables.table import Table


@click.command()
@click.option("--schema", is_flag=True, help="Print the JSON schema of ablation files instead.")
@table_options
def settings(*, schema: bool, out: Output) -> None:
    """List the settings that KEY=VALUE can change.

    And what the profiles set. With the schema, editors complete and check the YAML files of
    ablations.

    Example: harness settings --schema
    """
    from harness.reports.tables import render

    if schema:
        from harness.config.schema import ablation_schema

        out.write(f"{ablation_schema()}\n")
        return
    from harness.config.settings import PROFILES

    profiles = {
        name: {key: _value(value) for key, value in values.items()}
        for name, values in PROFILES.items()
    }
    table = _table()
    out.show(table, json=lambda: {"settings": render.rows_by_key(table), "profiles": profiles})
    for name, values in profiles.items() if out.for_people else ():
        say(f"\nprofile={name}: {' '.join(f'{key}={value}' for key, value in values.items())}")


def _table() -> Table:
    """Return every setting with its default and meaning."""
    from harness.config import settings
    from harness.reports.tables.table import Column, simple

    columns = (
        Column("key", "key"),
        Column("default", "default", drop=1),
        Column("meaning", "meaning", drop=0),
    )
    rows = (
        (setting.key, _value(setting.default), _meaning(setting))
        for setting in settings.settings().values()
    )
    return simple("settings", "", columns, rows)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _meaning(setting: Setting) -> str:
    from harness.config.values import limits_of

    accepted = ", ".join(map(str, setting.choices)) or limits_of(setting)
    return f"{setting.doc} ({accepted})" if accepted else setting.doc
