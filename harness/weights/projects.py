"""A user's project: where it begins, and imports of its modules that no other project sees.

A project begins at the nearest parent of a user's file with ``.git``, ``pyproject.toml`` or
``setup.py``, else above the file's outermost package, else at its own folder. Its modules are
loaded under a name of the project's own (``_project_<digest>.models.blocks``), which keeps
them apart from modules of the same name elsewhere, and stay in ``sys.modules``, as pickle,
``inspect`` and dataclasses need it.

What is promised, for code that lies below the beginning of a project:

- ``import`` statements, ``__import__`` and ``importlib.import_module`` look into the project
  first, then, in a layout such as ``src/``, above the outermost package of the file that was
  named, and then into folders of the project that its code adds to ``sys.path``. This holds
  when a file is loaded and later, in a constructor or in ``forward``, whatever other project
  has been loaded by then.
- A file is loaded once in a project, by whatever name: its classes are the same ones.
- ``print`` writes to stderr. Nobody else sees these modules. An installed package is neither
  hidden from others nor loaded again; it goes before a folder of its name that has no
  ``__init__.py``. ``harness`` is always this package.

Not covered are imports by the code of others on behalf of a project, such as unpickling a
whole network or a configuration that names a class: they find what is on ``sys.path``.
"""

from __future__ import annotations

import builtins
import hashlib
import importlib
import importlib.util
import os
import site
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import harness.models

MARKERS = (".git", "pyproject.toml", "setup.py")
"""Each of them marks the folder at which a project begins."""

_PREFIX = "_project_"
_FIRST_PATH = frozenset(sys.path)
_OURS = [Path(folder).resolve() for folder in (*harness.__path__, *harness.models.__path__)]


def root_of(file: Path) -> Path:
    """Return the folder at which the project of a file begins."""
    file = file.resolve()
    marked = (
        folder for folder in file.parents if any((folder / name).exists() for name in MARKERS)
    )
    return next(marked, above_package(file))


def project_of(file: Path) -> Project:
    """Return the project of a file; the same one for all files of it."""
    return _project(root_of(file))


def is_installed(file: Path) -> bool:
    """Tell whether a file is one of Python's, of an installed package or of the harness."""
    return any(file.is_relative_to(folder) for folder in (*_environment(), *_OURS))


def locate(name: str, folders: Iterable[str]) -> Path | None:
    """Return the source file that a dotted name means, without importing anything."""
    path: Sequence[str] | None = list(folders)
    spec = None
    for part in name.split("."):
        spec = PathFinder.find_spec(part, path) if path is not None else None
        if spec is None:
            return None
        path = spec.submodule_search_locations
    is_source = spec is not None and spec.origin is not None and spec.has_location
    return Path(str(spec.origin)).resolve() if spec and is_source else None


class Project:
    """The modules of one project, and how its code imports.

    Attributes:
        root: The folder at which it begins.
    """

    def __init__(self, root: Path) -> None:
        """Begin a project without modules."""
        self.root = root
        self.name = _PREFIX + hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
        self.by_file: dict[str, tuple[ModuleType, ModuleSpec | None]] = {}
        self.builtins = vars(builtins) | {"__import__": self._import, "print": _print}
        self._folders = [str(root)]
        self._importlib = _Importlib(self)
        package = ModuleType(self.name, f"Modules below {root}.")
        package.__spec__ = ModuleSpec(self.name, None, is_package=True)
        package.__path__ = list(self._folders)
        self._package = sys.modules[self.name] = package

    def load(self, file: Path, folder: Path | None = None) -> ModuleType:
        """Return the module of a file of the project, loaded the first time.

        Args:
            file: The file.
            folder: Where modules are looked for besides, if it lies in the project.
        """
        file = file.resolve()
        importlib.invalidate_caches()  # the user may have written files since
        for besides in (above_package(file), folder):
            if besides and str(besides) not in self._folders and self._is_inside(besides):
                self._folders.append(str(besides))
        if str(file) in self.by_file:
            return self.by_file[str(file)][0]
        self._package.__path__ = self._search_path()
        parts = file.relative_to(self.root).with_suffix("").parts
        name = ".".join(parts[:-1] if file.name == "__init__.py" else parts)
        if name and locate(name, [str(self.root)]) == file:
            return importlib.import_module(f"{self.name}.{name}")
        return self._load_apart(file)

    def place(self, error: BaseException) -> tuple[Path, int] | None:
        """Return file and line of an error: the innermost that is code of the project."""
        places = [
            (Path(frame.f_code.co_filename), line)
            for frame, line in traceback.walk_tb(error.__traceback__)
        ]
        if isinstance(error, SyntaxError) and error.filename:
            places.append((Path(error.filename), error.lineno or 1))
        return next((place for place in reversed(places) if self._is_inside(place[0])), None)

    def message(self, error: BaseException) -> str:
        """Return the first line of an error with its type, and names as the user has them."""
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        lines = text.replace(f"{self.name}.", "").strip().splitlines()
        return ": ".join([type(error).__name__, *lines[:1]])

    def import_module(self, name: str, package: str | None = None) -> ModuleType:
        """Do what ``importlib.import_module`` does, for code of the project."""
        absolute = importlib.util.resolve_name(name, package)
        return importlib.import_module(
            f"{self.name}.{absolute}" if self._owns(absolute) else absolute
        )

    def _load_apart(self, file: Path) -> ModuleType:
        """Load a file that no dotted name means, such as ``my.net.py``."""
        name = f"{self.name}.{file.stem.replace('.', '_')}_{len(self.by_file)}"
        loader = _ProjectLoader(self, name, str(file))
        spec = importlib.util.spec_from_file_location(name, file, loader=loader)
        if spec is None:
            raise ImportError(f"'{file}' is not a Python file")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Stand for ``__import__`` in the project's modules."""
        if level == 0 and self._owns(name):
            full = f"{self.name}.{name}"
            module = builtins.__import__(full, globals, locals, fromlist or (), 0)
            return module if fromlist else sys.modules[f"{self.name}.{_top(name)}"]
        module = builtins.__import__(name, globals, locals, fromlist or (), level)
        return self._importlib if module is importlib else module

    def _owns(self, name: str) -> bool:
        """Tell whether a module is one of the project's."""
        top = _top(name)
        if top == harness.__name__ or top in sys.builtin_module_names or top.startswith(_PREFIX):
            return False
        if f"{self.name}.{top}" in sys.modules:
            return True
        self._package.__path__ = self._search_path()
        spec = PathFinder.find_spec(top, self._package.__path__)
        if spec is None or spec.loader is not None:
            return spec is not None
        elsewhere = PathFinder.find_spec(top)  # a folder without __init__.py goes after it
        origin = elsewhere.origin if elsewhere else None
        return origin is None or not any(map(Path(origin).is_relative_to, _environment()))

    def _search_path(self) -> list[str]:
        """Return the folders in which its modules are looked for, in order."""
        added = (os.path.realpath(entry) for entry in sys.path if entry not in _FIRST_PATH)
        inside = (entry for entry in added if self._is_inside(Path(entry)))
        return list(dict.fromkeys([*self._folders, *inside]))

    def _is_inside(self, path: Path) -> bool:
        """Tell whether a path is the project's own: no environment in it, no ``harness``."""
        if not path.is_relative_to(self.root):
            return False
        return not any(
            path.is_relative_to(folder) and folder.is_relative_to(self.root)
            for folder in (*_environment(), *_OURS)
        )


class _Finder(MetaPathFinder):
    """Finds the modules of projects, and no others."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module whose name begins with that of a project."""
        project = _by_name().get(_top(fullname))
        spec = PathFinder.find_spec(fullname, path, target) if project else None
        if project and spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _ProjectLoader(project, fullname, spec.loader.path)
        return spec


class _ProjectLoader(SourceFileLoader):
    """Loads a module that imports as its project does; a file only once."""

    def __init__(self, project: Project, fullname: str, path: str) -> None:
        super().__init__(fullname, path)
        self._project = project
        self._file = os.path.realpath(path)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return the module that the file has been loaded as, if any."""
        return self._project.by_file.get(self._file, (None, None))[0]

    def exec_module(self, module: ModuleType) -> None:
        """Run the file, unless it was run before."""
        by_file = self._project.by_file
        if self._file in by_file:
            module.__spec__ = by_file[self._file][1]  # create_module's caller has changed it
            return
        by_file[self._file] = module, module.__spec__
        vars(module)["__builtins__"] = self._project.builtins
        try:
            super().exec_module(module)
        except BaseException:
            del by_file[self._file]
            raise


def _print(*values: object, file: IO[str] | None = None, **options: Any) -> None:
    """Print to stderr where a file is not given: stdout is for what a command returns."""
    print(*values, file=sys.stderr if file is None else file, **options)


class _Importlib(ModuleType):
    """The standard ``importlib`` but for ``import_module``, for the code of one project."""

    def __init__(self, project: Project) -> None:
        super().__init__(importlib.__name__)
        self.import_module = project.import_module

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib, name)


@cache
def _by_name() -> dict[str, Project]:
    """Return the projects so far; with the first call imports begin to look for them."""
    sys.meta_path.insert(0, _Finder())
    return {}


@cache
def _project(root: Path) -> Project:
    project = Project(root)
    return _by_name().setdefault(project.name, project)


def above_package(file: Path) -> Path:
    """Return the folder above a file's outermost package, or its own folder."""
    folder = file.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


@cache
def _environment() -> tuple[Path, ...]:
    """Return the folders of Python's own modules and of installed packages."""
    paths = sysconfig.get_paths()
    folders = [paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += [*site.getsitepackages(), site.getusersitepackages()]
    return tuple(Path(folder).resolve() for folder in folders)


def _top(name: str) -> str:
    return name.partition(".")[0]
