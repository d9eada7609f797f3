"""How what is optional is installed."""

from __future__ import annotations


def install_command(extra: str) -> str:
    """Return the command that installs an extra of the package."""
    return f"python -m pip install 'awsrn-harness[{extra}]'"
