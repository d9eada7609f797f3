"""Change the code in one place at a time and see whether the package's tests notice.

A mutant is a copy of the project with one expression of ``harness/`` changed: an operator, a
comparison, a number, a condition, an end of a slice; or with one keyword argument or key of a
dictionary left out. The tests of its package run on the copy, those of its module first, until
one fails. A mutant that survives is a rule that no test holds, or a change that cannot be seen.
One whose tests run out of time is listed, too: it may loop for ever, or the machine is slow.

Not drawn are texts, annotations, decorators, what is raised, logged or echoed, and arguments that
only say how something is read or shown.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__test__ = False  # a program for `nox -s mutants`: pytest collects nothing here

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "config",
    "data",
    "deploy",
    "efficiency",
    "evaluation",
    "experiment",
    "models",
    "records",
    "reports",
    "statistics",
    "weights",
)
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
NO_TESTS = 5  # pytest's exit code where it found none
MESSAGES = {"debug", "info", "warning", "error", "exception", "echo", "warn", "write_text"}
PRESENTATION = {"encoding", "help", "newline", "stacklevel", "strict", "metavar", "desc", "errors"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change.

    Attributes:
        path: The changed file, below the root.
        line: Where, from 1.
        kind: What was changed.
        source: The whole file after the change.
    """

    path: Path
    line: int
    kind: str
    source: str

    def __str__(self) -> str:
        """Return place and kind, with the lines before and after."""
        before = (ROOT / self.path).read_text(encoding="utf-8").splitlines()
        lines = list(difflib.unified_diff(before, self.source.splitlines(), lineterm="", n=0))
        changed = "\n".join(f"    {line}" for line in lines if line[:2] not in ("--", "++", "@@"))
        return f"{self.path}:{self.line}  {self.kind}\n{changed}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An expression of a file, and what may stand there instead."""

    path: Path
    node: ast.expr
    kind: str
    other: ast.expr


def expressions(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the expressions that may be changed, each once."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.expr):
            yield node
        waiting += [child for child in children(node) if not is_passed_over(child)]


def children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a node but for annotations, decorators and type parameters."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        parts = value if isinstance(value, list) else [value]
        yield from (part for part in parts if isinstance(part, ast.AST))


def is_passed_over(node: ast.AST) -> bool:
    """Whether a change in a node would only be read, or could not be told in any way."""
    if isinstance(node, ast.JoinedStr | ast.Raise | ast.Assert):
        return True
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test) or "__name__" in ast.unparse(node.test)
    if isinstance(node, ast.keyword):
        return node.arg in PRESENTATION
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        return name in MESSAGES
    return False


def changes(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield what may stand instead of an expression, by the kind of change."""
    match node:
        case ast.BinOp(left, operator, right) if type(operator) in OPERATORS:
            if not any(
                isinstance(side, ast.Constant | ast.JoinedStr) and is_text(side)
                for side in (left, right)
            ):
                yield "operator", ast.BinOp(left, OPERATORS[type(operator)](), right)
        case ast.Compare(left, [operator], right):
            yield "comparison", ast.Compare(left, [COMPARISONS[type(operator)]()], right)
        case ast.BoolOp(operator, values):
            other = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield "and/or", ast.BoolOp(other, values)
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield "sign", operand
        case ast.IfExp(test, body, orelse):
            yield "condition", ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Constant(bool() as value):
            yield "constant", ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield "constant", ast.Constant(value + 1)
        case ast.Subscript(value, ast.Slice() as part):
            for end in slices(part):
                yield "slice", ast.Subscript(value, end, ast.Load())
        case ast.Dict(keys, values) if len(keys) > 1:
            for at, key in enumerate(keys):
                if key is not None:
                    rest = [*keys[:at], *keys[at + 1 :]]
                    yield "key", ast.Dict(rest, [*values[:at], *values[at + 1 :]])
        case ast.Call(function, arguments, keywords):
            for at, keyword in enumerate(keywords):
                if keyword.arg and keyword.arg not in PRESENTATION:
                    rest_of = [*keywords[:at], *keywords[at + 1 :]]
                    yield "keyword", ast.Call(function, arguments, rest_of)


def slices(part: ast.Slice) -> Iterator[ast.Slice]:
    """Yield a slice with one end a step further."""
    if part.lower is not None:
        yield ast.Slice(ast.BinOp(part.lower, ast.Add(), ast.Constant(1)), part.upper, part.step)
    if part.upper is not None:
        yield ast.Slice(part.lower, ast.BinOp(part.upper, ast.Add(), ast.Constant(1)), part.step)


def is_text(node: ast.expr) -> bool:
    """Whether an expression is a text as it stands."""
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def negated(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the conditions of statements and comprehensions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.While) and not is_passed_over(node):
            yield node.test
        if isinstance(node, ast.comprehension):
            yield from node.ifs


def candidates(path: Path, tree: ast.Module) -> list[Candidate]:
    """Return every change that could be made to a file."""
    allowed = list(expressions(tree))
    places = {id(node) for node in allowed}
    conditions = [node for node in negated(tree) if id(node) in places]
    changed = [(node, kind, other) for node in allowed for kind, other in changes(node)]
    changed += [(node, "condition", ast.UnaryOp(ast.Not(), node)) for node in conditions]
    return [Candidate(path, *change) for change in changed]


def replaced(source: str, node: ast.expr, text: str) -> str:
    """Return a source with other text in place of an expression."""
    lines = source.encode().splitlines(keepends=True)  # columns of the tree count bytes
    assert node.end_lineno is not None
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    return (before + text.encode() + after).decode()


def applied(candidate: Candidate) -> Mutant | None:
    """Make a change, unless the file would not compile or would say the same as before."""
    source = (ROOT / candidate.path).read_text(encoding="utf-8")
    node, other = candidate.node, ast.fix_missing_locations(candidate.other)
    changed = replaced(source, node, f"({ast.unparse(other)})")
    try:
        compile(changed, candidate.path.name, "exec")
    except SyntaxError:
        return None
    if ast.dump(ast.parse(changed)) == ast.dump(ast.parse(source)):
        return None
    return Mutant(candidate.path, node.lineno, candidate.kind, changed)


def draw(package: str, number: int, seed: int) -> list[Mutant]:
    """Draw mutants of a package: the kinds in turn, at most one a line."""
    chance = random.Random(f"{seed} {package}")
    folder = ROOT / ("models" if package == "models" else f"harness/{package}")
    by_kind: dict[str, list[Candidate]] = {}
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for candidate in candidates(path.relative_to(ROOT), tree):
            by_kind.setdefault(candidate.kind, []).append(candidate)
    drawn: dict[tuple[Path, int], Mutant] = {}
    while len(drawn) < number and by_kind:
        for kind in chance.sample(sorted(by_kind), len(by_kind)):
            candidate = by_kind[kind].pop(chance.randrange(len(by_kind[kind])))
            if not by_kind[kind]:
                del by_kind[kind]
            mutant = applied(candidate)
            if mutant is not None and len(drawn) < number:
                drawn.setdefault((mutant.path, mutant.line), mutant)
    return list(drawn.values())


def copy_project(folder: Path) -> None:
    """Copy the files that git knows or does not ignore, links as links, into a new repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    author = ("-c", "user.name=mutants", "-c", "user.email=mutants@localhost")
    for command in (["init"], ["add", "--all"], [*author, "commit", "--message", "Copy"]):
        git = ["git", "-C", str(folder), "-c", "commit.gpgsign=false"]
        subprocess.run([*git, *command], capture_output=True, check=True)


def suites_of(path: Path, package: str) -> list[list[str]]:
    """Return what pytest runs one after the other: a module's own tests, its package's others."""
    inside = path.relative_to("models" if package == "models" else f"harness/{package}")
    own = Path("tests", package, inside).with_name(f"test_{path.name}")
    if not (ROOT / own).is_file():
        return [[f"tests/{package}"]]
    return [[str(own)], [f"tests/{package}", f"--ignore={own}"]]


def failing(folder: Path, arguments: list[str], timeout_s: float) -> list[str] | None:
    """Run tests of a copy; return the names of those that fail, or None out of time."""
    environment = os.environ | {
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", *arguments]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # what the tests started, too
        process.communicate()
        return None
    lines = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    names = [line.partition(" ")[2].partition(" - ")[0] for line in lines]
    return names or ([] if process.returncode in (0, NO_TESTS) else ["pytest itself"])


def judge(mutant: Mutant, package: str, folder: Path, broken: list[str], timeout_s: float) -> bool:
    """Run a mutant's tests, print the verdict, and return whether one of them failed."""
    started = time.monotonic()
    original = (folder / mutant.path).read_text(encoding="utf-8")
    (folder / mutant.path).write_text(mutant.source, encoding="utf-8")
    try:
        passed_over = [f"--deselect={name}" for name in broken]
        for chosen in suites_of(mutant.path, package):
            names = failing(folder, ["-x", *passed_over, *chosen], timeout_s)
            if names != []:
                break
    finally:
        (folder / mutant.path).write_text(original, encoding="utf-8")
    verdict = f"killed by {names[0]}" if names else "SURVIVED" if names == [] else "OUT OF TIME"
    print(f"{verdict} ({time.monotonic() - started:.0f} s): {mutant}", flush=True)
    return bool(names)


def main() -> None:
    """Draw mutants, run them, and list those that survive."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other mutants")
    parser.add_argument("--each", type=int, default=4, help="mutants of a package")
    parser.add_argument("--packages", nargs="+", choices=PACKAGES, default=PACKAGES)
    parser.add_argument("--timeout", type=float, default=900, help="seconds for a mutant's tests")
    parser.add_argument("--list", action="store_true", help="print the mutants, run nothing")
    options = parser.parse_args()
    survivors, count = [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not options.list:
            copy_project(folder)
        for package in options.packages:
            drawn = draw(package, options.each, options.seed)
            count += len(drawn)
            if options.list:
                print(*drawn, sep="\n")
                continue
            broken = failing(folder, [f"tests/{package}"], options.timeout)
            if broken is None:
                sys.exit(f"tests/{package} takes more than {options.timeout:.0f} s as it is")
            for test in broken:
                print(f"left out, fails without any change: {test}", flush=True)
            survivors += [
                mutant
                for mutant in drawn
                if not judge(mutant, package, folder, broken, options.timeout)
            ]
    if not options.list:
        print(
            f"\n{count - len(survivors)} of {count} mutants killed. The others:",
            *survivors,
            sep="\n",
        )


if __name__ == "__main__":
    main()
