"""The packages of the extra ``[deploy]``: whether they are there, and how they are imported."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any

from harness.errors import UsageError
from harness.host.extras import install_command

INSTALL = install_command("deploy")
"""The command that installs them."""

NEEDED = ("onnx", "onnxruntime", "onnxscript")
"""Without which no network can be exported; OpenVINO is used where it is installed."""

_TELEMETRY = "openvino_telemetry"


def is_there(package: str) -> bool:
    """Tell whether a package can be imported, without importing it."""
    return sys.modules.get(package) is not None or find_spec(package) is not None


def require(*packages: str) -> None:
    """Refuse to go on without packages.

    Raises:
        UsageError: Some are missing; the message says how all of the extra are installed.
    """
    missing = [package for package in packages if not is_there(package)]
    if missing:
        raise UsageError(f"this needs {' and '.join(missing)}: {INSTALL}")


def version(package: str) -> str:
    """Return the version of an installed package, an empty text where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def onnxruntime() -> Any:
    """Return ONNX Runtime; it tells its makers nothing, and of its log errors alone."""
    require("onnxruntime")
    module = import_module("onnxruntime")
    module.disable_telemetry_events()
    module.set_default_logger_severity(3)
    return module


def openvino() -> Any:
    """Return OpenVINO; its telemetry is never imported, so that nothing is sent anywhere.

    OpenVINO's converter takes a stand-in that does nothing where its telemetry is not installed.
    A telemetry that something else imported before stays as it is, and is not used here.
    """
    require("openvino")
    if "openvino" in sys.modules:
        return sys.modules["openvino"]
    stand_in = _TELEMETRY not in sys.modules
    if stand_in:
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment] # as if not installed
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module("openvino")
    finally:
        if stand_in:
            del sys.modules[_TELEMETRY]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what exporters log and warn of their own affairs from the user."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript")]
    before = [logger.level for logger in loggers]
    root = logging.getLogger()
    keep = root.level
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        root.setLevel(max(keep, logging.ERROR))  # ONNX Runtime's quantizer logs to the root
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
        root.setLevel(keep)
