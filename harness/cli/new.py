"""``harness new``: begin a residual unit or a network of one's own, with ablation and test."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import sys
import unicodedata
from importlib.util import find_spec
from pathlib import Path
from string import Template

import click

from harness import __version__
from harness.cli.output import say
from harness.cli.plan import finite
from harness.errors import UsageError
from harness.host.writing import json_text

_TEMPLATES = Path(__file__).with_name("templates")
_FILES = {"{}.py": "{}.py.txt", "{}.yaml": "{}.yaml.txt", "test_{}.py": "{}_test.py.txt"}
_WORKFLOW = Path(".github", "workflows", "harness.yaml")
_LONGEST = 30
_OF_OTHER_TOOLS = {"conftest", "setup"}
_NEXT = {
    "unit": """\
    python -m pytest test_$name.py                     # its size, counted by hand
    harness flops wdsr_awru 'wdsr_basic{unit: $name.py:$Name}' --scale 2
    harness run ablation=$name.yaml profile=smoke seeds=0,1,2
    harness compare AWRU $Name""",
    "network": """\
    python -m pytest test_$name.py                     # its size, counted by hand
    harness flops awsrn_s $name.py:$Name --scale 2
    harness run ablation=$name.yaml profile=smoke seeds=0,1,2
    harness compare AWSRN-S $Name""",
}


@click.group("new")
def new() -> None:
    """Begin a unit, a network or a workflow of your own.

    In the current folder.

    Example: harness new unit GatedRU
    """


@new.command("unit")
@click.argument("name")
def unit(*, name: str) -> None:
    """Write a residual unit, an ablation beside AWRU, and a test.

    The unit is for WDSR and AWSRN; the test counts its size.

    Example: harness new unit GatedRU
    """
    _begin("unit", name)


@new.command("network")
@click.argument("name")
def network(*, name: str) -> None:
    """Write a network, an ablation beside AWSRN-S, and a test.

    The test counts its size.

    Example: harness new network MyNet
    """
    _begin("network", name)


@new.command("workflow")
@click.argument("new_row", metavar="NEW")
@click.argument("old_row", metavar="OLD")
@click.option(
    "--margin",
    type=click.FloatRange(min=0),
    callback=finite,
    default=0.01,
    show_default=True,
    metavar="DB",
    help="Margin of the claim, as for harness gate.",
)
@click.option("--ablation", metavar="NAME", required=True, help="Whose tables to check.")
def workflow(*, new_row: str, old_row: str, margin: float, ablation: str) -> None:
    """Write a workflow for GitHub's CI that judges NEW against OLD.

    It checks the tables, and runs `harness gate NEW OLD`.

    Example: harness new workflow GatedRU AWRU --ablation gated_ru.yaml
    """
    if wrong := next((one for one in (new_row, old_row, ablation) if not one.isprintable()), None):
        raise UsageError(f"{wrong!r}: expected a name in one line, of printable characters")
    text = Template((_TEMPLATES / "workflow.yaml.txt").read_text("utf-8")).substitute(
        version=__version__,
        new=_in_yaml(new_row),
        old=_in_yaml(old_row),
        margin=f"{margin:g}",
        ablation=_in_yaml(ablation),
    )
    if _WORKFLOW.exists() or _WORKFLOW.is_symlink():
        raise UsageError(f"nothing is written, as there is already {_WORKFLOW}")
    _WORKFLOW.parent.mkdir(parents=True, exist_ok=True)
    with _WORKFLOW.open("x", encoding="utf-8", newline="\n") as file:
        file.write("".join(f"{line.rstrip()}\n" for line in text.splitlines()))
    say(f"Written: {_WORKFLOW}. Say in it what pip is to install, and commit results/runs.")


def _in_yaml(text: str) -> str:
    """Return a text as a quoted scalar, which JSON's is."""
    return json_text(text)


def _begin(kind: str, name: str) -> None:
    """Write the files and say what to do next.

    Raises:
        UsageError: The name cannot be used, or a file is there.
    """
    if problem := _problem(kind, name):
        suffix = kind.capitalize()
        tried = (_class_name(name), _class_name(name) + suffix, f"My{suffix}")
        better = next(one for one in tried if not _problem(kind, one))
        raise UsageError(f"a {kind} cannot be called '{name}': {problem} (such as '{better}')")
    texts = {Path(path): text for path, text in _texts(kind, name).items()}
    if there := [str(path) for path in texts if path.exists() or path.is_symlink()]:
        raise UsageError(
            f"nothing is written, as there {'is' if len(there) == 1 else 'are'} already "
            f"{' and '.join(there)}: choose another name, or another folder"
        )
    for path, text in texts.items():
        with path.open("x", encoding="utf-8", newline="\n") as file:  # never over another's
            file.write(text)
    say(f"Written: {', '.join(map(str, texts))}. Next:\n\n{_filled(_NEXT[kind], name)}")


def _problem(kind: str, name: str) -> str:
    """Return why a name cannot be used, and what can; empty where it can."""
    stem = _stem(name)
    if not name.isidentifier() or not name.isascii() or len(name) > _LONGEST:
        return f"expected the name of a class, letters, digits and _, at most {_LONGEST}"
    if keyword.iskeyword(name) or name in dir(builtins) or name in _used(kind):
        return "Python, or the file itself, uses that name; expected another"
    if stem in _OF_OTHER_TOOLS or re.match(r"test_|.*_test\Z", stem):
        return f"'{stem}.py' would be taken for a file of other tools; expected another name"
    if not Path(f"{stem}.py").exists() and (stem in sys.modules or find_spec(stem)):
        return f"'{stem}.py' would hide the module '{stem}'; expected another name"
    return _taken(kind, stem, name)


def _taken(kind: str, stem: str, name: str) -> str:
    """Return which ablation or row has the name already."""
    from harness.config import ablation

    if stem in ablation.shipped():
        return f"the ablation '{stem}' is bundled; expected another name"
    beside = ablation.parse(_texts(kind, "_")["_.yaml"], default_name="_").rows
    if taken := [row.label for row in beside if row.label.lower() == name.lower()]:
        return f"it would stand beside the row '{taken[0]}'; expected another name"
    return ""


def _used(kind: str) -> set[str]:
    """Return the names that the code of the file uses for something else."""
    nodes = [*ast.walk(ast.parse(_texts(kind, "_")["_.py"]))]
    imported = {node.name for node in nodes if isinstance(node, ast.alias)}
    return imported | {node.id for node in nodes if isinstance(node, ast.Name)}


def _texts(kind: str, name: str) -> dict[str, str]:
    """Return what to write, by the names of the files."""
    stem = _stem(name)
    return {
        file.format(stem): _filled((_TEMPLATES / source.format(kind)).read_text("utf-8"), name)
        for file, source in _FILES.items()
    }


def _filled(text: str, name: str) -> str:
    return Template(text).substitute(Name=name, name=_stem(name))


def _stem(name: str) -> str:
    """Return the name of a class as that of its module, such as ``gated_ru`` of ``GatedRU``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _class_name(text: str) -> str:
    """Return the nearest to a text that can be the name of a class; nothing where none is near."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.findall(r"[A-Za-z0-9]+", plain.lstrip("0123456789"))
    joined = "".join(word[:1].upper() + word[1:] for word in words).lstrip("0123456789")
    return joined[: _LONGEST - len("Network")]
