"""Digest of the code that a network comes from: the same whatever its folder and formatting.

No network is built and nothing is imported for it: the files are parsed. What counts are the
syntax trees, without docstrings, of the network's module and of all that it imports from below
the user's project, from elsewhere on the search path where nothing is installed, or from
``harness.models``; and the versions of the packages it imports. Those of torch and NumPy do not
count: every network has them, and a record says them in its provenance.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import harness
from harness.weights import projects

_NETWORKS = Path(harness.__file__).resolve().parent / "models"
_BY_NAME = ("import_module", "__import__")
_DYNAMIC = {*_BY_NAME, "exec", "spec_from_file_location", "run_path"}
_IN_EVERY_NETWORK = ("torch", "numpy")
_NOT_CODE = ("kind", "type_comment")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_digest(entry: Path, *, roots: Sequence[Path], details: object = None) -> str:
    """Return a digest of a network's code.

    Files are known by their place among the imports of the first one, not by their paths.
    Where a module imports by a name that is known only when it runs, or what nobody finds before,
    every Python file below the first root counts. A file that is not Python counts by its bytes.

    Args:
        entry: The file that the network's class or function stands in.
        roots: Folders whose modules are followed, the user's project first.
        details: What else says which network it is, fit for JSON: its class, its options.

    Raises:
        OSError: A file cannot be read.
    """
    walk = _Walk(tuple(root.resolve() for root in roots))
    walk.visit(entry.resolve())
    content = [details, walk.files, sorted(walk.packages.items())]
    text = json.dumps(content, separators=(",", ":"), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def registered_file(module: str) -> Path:
    """Return the file of a module of ``harness.models``, by its dotted name."""
    return _NETWORKS / f"{module.rpartition('.')[2]}.py"


def installed_digest(module: str, attribute: str) -> str:
    """Return a digest of what an installed package has under a name: its version stands for it."""
    text = json.dumps([module, attribute, _version(module.partition(".")[0])])
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Parsed:
    """One file: the digest of its tree, and the modules that it may import, in order.

    Attributes:
        tree: Digest of the syntax tree, without docstrings.
        imports: Dotted names; relative ones begin with dots, one a level.
        dynamic: Whether it imports by names that are known only when it runs.
    """

    tree: str
    imports: tuple[str, ...]
    dynamic: bool


@dataclass(slots=True)
class _Walk:
    """The files that were met, by the order in which they were met."""

    roots: tuple[Path, ...]
    numbers: dict[Path, int] = field(default_factory=dict)
    files: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    packages: dict[str, str | None] = field(default_factory=dict)

    def visit(self, path: Path) -> int:
        """Take in a file and all that it imports; returns its number."""
        if path in self.numbers:
            return self.numbers[path]
        number = self.numbers[path] = len(self.files)
        parsed = _parse(path, path.stat().st_mtime_ns, path.stat().st_size)
        self.files.append((parsed.tree, ()))
        needed = [self.visit(file) for name in parsed.imports for file in self._find(name, path)]
        if parsed.dynamic:
            needed += self._visit_all()
        self.files[number] = (parsed.tree, tuple(needed))
        return number

    def _visit_all(self) -> list[int]:
        return [self.visit(file) for root in self.roots[:1] for file in _all_files(root)]

    def _find(self, name: str, importer: Path) -> list[Path]:
        """Return the files that an import executes; none for a module from elsewhere."""
        level = len(name) - len(name.lstrip("."))
        if level:
            base = importer.parents[level - 1]
            return _files(base, name[level:])
        if name.partition(".")[0] == "harness":
            inside = name.removeprefix("harness.models")
            return _files(_NETWORKS, inside.lstrip(".")) if inside != name else []
        for root in (*self.roots, importer.parent):
            if files := _files(root, name):
                return files
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in _IN_EVERY_NETWORK:
            return []
        elsewhere = projects.locate(top, sys.path)
        if elsewhere is not None and not projects.is_installed(elsewhere):
            folder = elsewhere.parent
            return _files(folder.parent if elsewhere.name == "__init__.py" else folder, name)
        self.packages[top] = version = _version(top)
        return _all_files(self.roots[0]) if version is None and self.roots else []


@lru_cache(maxsize=512)
def _parse(path: Path, _changed: int, _size: int) -> _Parsed:
    content = path.read_bytes()
    try:
        tree = ast.parse(content, filename=str(path))
    except (SyntaxError, ValueError):  # of another Python, or none at all
        return _Parsed(hashlib.sha256(content).hexdigest(), (), dynamic=False)
    names, dynamic = [], False
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        if isinstance(node, ast.Call) and _called(node) in _DYNAMIC:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and _called(node) in _BY_NAME:
                names.append(str(first.value))
            else:
                dynamic = True
        names += _imported(node)
    text = json.dumps(_plain(tree), separators=(",", ":"))
    return _Parsed(hashlib.sha256(text.encode()).hexdigest(), tuple(names), dynamic)


def _plain(node: object) -> object:
    """Return a syntax tree as lists and text, the same in every version of Python.

    ``ast.dump`` is not: versions differ in the empty fields that they have, and that they show.
    """
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {
        name: _plain(value)
        for name, value in ast.iter_fields(node)
        if name not in _NOT_CODE and value is not None and value != []
    }
    return [type(node).__name__, fields]


def _called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _imported(node: ast.AST) -> Iterator[str]:
    """Give the modules that an import statement may load."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        base = "." * node.level + (node.module or "")
        yield base
        joint = "" if base.endswith(".") or not base else "."
        yield from (f"{base}{joint}{alias.name}" for alias in node.names if alias.name != "*")


def _files(root: Path, name: str) -> list[Path]:
    """Return the files of a dotted module below a folder, those of its packages first.

    A name that is no module but something in one gives the files of that module.
    """
    files, folder = [], root
    for part in filter(None, name.split(".")):
        if (folder / part).is_dir():
            folder = folder / part
            if (folder / "__init__.py").is_file():
                files.append((folder / "__init__.py").resolve())
        elif (folder / f"{part}.py").is_file():
            files.append((folder / f"{part}.py").resolve())
            break
        else:
            break
    if not name.strip("."):
        files += [root / "__init__.py"] * (root / "__init__.py").is_file()
    return files


def _all_files(root: Path) -> list[Path]:
    """Return every Python file below a folder but those in hidden and installed ones."""
    found = []
    for folder, below, files in os.walk(root):
        below[:] = sorted(
            name for name in below if not name.startswith(".") and name != "site-packages"
        )
        found += [Path(folder, name).resolve() for name in sorted(files) if name.endswith(".py")]
    return found


@lru_cache(maxsize=256)
def _version(top: str) -> str | None:
    """Return the version of the package that a top-level module comes from, None without one.

    Without what says how it was built: ``2.1.0+cpu`` is 2.1.0.
    """
    from importlib import metadata  # loads much that tables do without

    try:
        return metadata.version(top).partition("+")[0]
    except (metadata.PackageNotFoundError, ValueError):
        pass
    names = metadata.packages_distributions().get(top, [])
    return metadata.version(names[0]).partition("+")[0] if names else None
