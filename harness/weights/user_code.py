"""A user's own network: found by ``FILE.py:CLASS`` or ``PKG.MODULE:CLASS``, and built."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.host.paths import absent
from harness.models.variant import Variant
from harness.weights import projects

if TYPE_CHECKING:
    from torch import nn

    from harness.weights.projects import Project

Constructor = Callable[..., "nn.Module"]


def variant(name: str) -> Variant:
    """Return a user's network.

    It is a class derived from ``torch.nn.Module``; or a function that is defined in that
    very module and takes ``scale``. Other functions (``os:abort``, a ``train`` of the
    user's) are not called to find out what they return. ``functools.partial`` of either
    will do. A class that does not take ``scale`` is taken to be for any.

    Args:
        name: ``FILE.py:CLASS``; or ``PKG.MODULE:CLASS``, found from the working directory,
            then wherever Python finds modules.

    Raises:
        UsageError: There is no such file, module or class, or it cannot be imported; the
            message names the line of the user's project where that happened.
    """
    found = find(name, keyword="scale", what="network")
    where, _, attribute = name.rpartition(":")
    target = _Constructor(found.target, name, found.project)
    return Variant(name, attribute, where, target, scales=())


@dataclass(frozen=True, slots=True)
class Found:
    """A user's class, or function, that makes a network or a part of one.

    Attributes:
        target: What is called.
        project: The project that it lies in; None where it is installed.
        place: File and line of its definition, or the module where nobody knows.
    """

    target: Constructor
    project: Project | None
    place: str

    def explained(self, error: BaseException) -> str:
        """Return the line of the user's project at which an error came up, and the error."""
        return _explained(error, self.project)


SCALES = {"scale", "upscale", "upscale_factor", "upscaling_factor", "sr_scale"}
"""Names under which networks take their upscaling factor."""


def _scale_argument(signature: inspect.Signature) -> str:
    """Return the name of the argument that is the upscaling factor; empty where there is none."""
    return next((name for name in signature.parameters if name in SCALES), "")


def find(name: str, *, keyword: str, what: str, error: type[UsageError] = UsageError) -> Found:
    """Find a user's class, or function.

    Args:
        name: As for :func:`variant`.
        keyword: A function is one that is meant if it takes this.
        what: What it is to make, for messages.
        error: The kind of error to raise.

    Raises:
        UsageError: As for :func:`variant`.
    """
    where, _, attribute = name.rpartition(":")
    try:
        file = source_file(where)
        by_file = where.endswith(".py")
        own = file if file and (by_file or not projects.is_installed(file)) else None
        project = projects.project_of(own) if own else None
        module = _imported(where, file, project)
        target = _maker(module, attribute, where, keyword=keyword, what=what)
    except UsageError as problem:
        raise error(str(problem)) from problem
    return Found(target, project, _defined_at(target, where))


def _defined_at(target: Constructor, where: str) -> str:
    """Return file and line of a definition; the module where Python does not know them."""
    made_by = target.func if isinstance(target, functools.partial) else target
    try:
        file, (_, line) = inspect.getfile(made_by), inspect.getsourcelines(made_by)
    except (OSError, TypeError):
        return where
    return _shown(Path(file), line)


def source_file(where: str) -> Path | None:
    """Return the file of a user's code, or None for a module that has none.

    Args:
        where: ``FILE.py`` or ``PKG.MODULE``; packages are not imported to find it.

    Raises:
        UsageError: There is no such file or module.
    """
    if where.endswith(".py"):
        file = Path(where).expanduser()
        if not file.is_file():
            raise UsageError(absent(Path(where), "file"))
        return file.resolve()
    located = projects.locate(where, [os.getcwd()]) or projects.locate(where, sys.path)
    if located is None and not _is_importable(where):
        raise UsageError(
            f"cannot import '{where}': there is no such module in '{os.getcwd()}' or installed"
        )
    return located


def _is_importable(where: str) -> bool:
    try:
        return importlib.util.find_spec(where) is not None
    except Exception:  # a package on the way may raise anything at all
        return False


def _imported(where: str, file: Path | None, project: Project | None) -> ModuleType:
    try:
        if project and file:
            return project.load(file, None if where.endswith(".py") else Path.cwd())
        return importlib.import_module(where)
    except (Exception, SystemExit) as error:  # a user's file may raise anything at all
        raise UsageError(f"cannot import '{where}': {_explained(error, project)}") from error


def _explained(error: BaseException, project: Project | None) -> str:
    """Return the line of the user's project at which an error came up, and the error."""
    if project is None:
        return f"{type(error).__name__}: {error}".partition("\n")[0]
    place = project.place(error)
    return f"{_shown(*place)}: {project.message(error)}" if place else project.message(error)


def _shown(file: Path, line: int) -> str:
    here = Path.cwd()
    return f"{file.relative_to(here) if file.is_relative_to(here) else file}:{line}"


def _maker(
    module: ModuleType, attribute: str, where: str, *, keyword: str, what: str
) -> Constructor:
    """Return a class of modules, or what else makes one.

    Raises:
        UsageError: The module has none of that name.
    """
    target: Constructor | None = getattr(module, attribute, None)
    made_by = target.func if isinstance(target, functools.partial) else target
    if target is not None and (_is_network(made_by) or _is_factory(made_by, module, keyword)):
        return target
    own = [
        name
        for name, value in vars(module).items()
        if _is_network(value) and value.__module__ == module.__name__
    ]
    there = f"({what}s there: {', '.join(own) or 'none'})"
    if target is None:
        raise UsageError(f"'{where}' has no class '{attribute}' {there}")
    raise UsageError(
        f"'{attribute}' of '{_defined_at(target, where)}' is no {what}: expected a class derived "
        f"from torch.nn.Module, or a function defined there that takes {keyword} {there}"
    )


def _is_network(value: object) -> bool:
    from torch import nn

    return isinstance(value, type) and issubclass(value, nn.Module)


def _is_factory(value: object, module: ModuleType, keyword: str) -> bool:
    if not isinstance(value, FunctionType) or value.__module__ != module.__name__:
        return False
    meant = SCALES if keyword == "scale" else {keyword}
    return not meant.isdisjoint(inspect.signature(value).parameters)


class _Constructor:
    """Builds a user's network; what goes wrong is told with its file and line."""

    def __init__(self, target: Constructor, name: str, project: Project | None) -> None:
        self._target = self.__wrapped__ = target
        self._name = name
        self._project = project
        signature = inspect.signature(target)
        self._scale = _scale_argument(signature)
        options = [one for one in signature.parameters.values() if one.name != self._scale]
        self.__signature__ = signature.replace(parameters=options)

    def __call__(self, *, scale: int, **overrides: Any) -> nn.Module:
        """Build the network.

        Raises:
            UsageError: Its constructor raises, or does not return a network.
        """
        arguments = {self._scale: scale} | overrides if self._scale else overrides
        try:
            network = self._target(**arguments)
        except Exception as error:  # a user's constructor may raise anything at all
            explained = _explained(error, self._project)
            raise UsageError(
                f"cannot build '{self._name}' at x{scale}: {explained}{self._wanting(arguments)}"
            ) from error
        if not _is_network(type(network)):
            raise UsageError(f"'{self._name}' returns {type(network).__name__}, not a network")
        return network

    def _wanting(self, arguments: Mapping[str, Any]) -> str:
        """Say how to give the arguments that have no default and no value; empty for none."""
        wanting = [
            name
            for name, parameter in self.__signature__.parameters.items()
            if parameter.default is parameter.empty
            and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
            and name not in arguments
        ]
        return f" (give {' '.join(f'--with {name}=VALUE' for name in wanting)})" if wanting else ""
