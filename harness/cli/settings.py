"""``harness settings``: what KEY=VALUE can change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from harness.cli.listing import columns

if TYPE_CHECKING:
    from harness.config.values import Setting


@click.command()
@click.option("--schema", is_flag=True, help="Print the JSON schema of ablation files instead.")
def settings(*, schema: bool) -> None:
    """List the settings that KEY=VALUE can change.

    And what the profiles set. With the schema, editors complete and check the YAML files of
    ablations.

    Example: harness settings --schema
    """
    if schema:
        from harness.config.schema import ablation_schema

        click.echo(ablation_schema())
        return
    click.echo(settings_text())


def settings_text() -> str:
    """Return every setting with its default and meaning, then what each profile sets."""
    from harness.config import settings

    rows = [
        [setting.key, _value(setting.default), _meaning(setting)]
        for setting in settings.settings().values()
    ]
    parts = [columns([["key", "default", "meaning"], *rows])]
    for name, values in settings.PROFILES.items():
        chosen = " ".join(f"{key}={_value(value)}" for key, value in values.items())
        parts.append(f"profile={name}: {chosen}")
    return "\n\n".join(parts)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _meaning(setting: Setting) -> str:
    from harness.config.values import limits_of

    accepted = ", ".join(map(str, setting.choices)) or limits_of(setting)
    return f"{setting.doc} ({accepted})" if accepted else setting.doc
