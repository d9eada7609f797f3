"""Groups of comparable networks as the paper's text names them: results/published/groups.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from harness.errors import RecordError, UsageError, suggest
from harness.host.paths import bundled
from harness.host.problems import FormatError
from harness.host.reading import read_text
from harness.host.yaml_reading import from_yaml
from harness.records import published_systems

FILE_NAME = "groups.yaml"


@dataclass(frozen=True, slots=True)
class Group:
    """Networks that the paper compares with each other; the fields are the keys of the list.

    Attributes:
        id: Its name.
        own: Labels of the paper's networks that the comparison is about.
        peers: Labels of those that it names beside them.
        said: What they have in common, as the paper says.
        source: Where it says that.
    """

    id: str
    own: tuple[str, ...]
    peers: tuple[str, ...]
    said: str
    source: str

    @property
    def labels(self) -> tuple[str, ...]:
        """All its networks, the peers first, as in Table 5."""
        return (*self.peers, *self.own)


def find(name: str) -> Group:
    """Return a group by its id.

    Raises:
        UsageError: There is none of that id.
        RecordError: The list is broken, or names a row that is not published.
    """
    known = {group.id: group for group in load()}
    if name not in known:
        listed = ", ".join(known)
        raise UsageError(f"there is no group '{name}'{suggest(name, known)} (known: {listed})")
    return known[name]


@cache
def load() -> tuple[Group, ...]:
    """Return all groups.

    Raises:
        RecordError: The list is broken, or names a row that is not published.
    """
    path = bundled("published") / FILE_NAME
    try:
        listed = from_yaml(tuple[Group, ...], read_text(path))
    except FormatError as error:
        raise RecordError(f"'{path}' is no list of groups: {error}") from error
    for group in listed:
        if wrong := published_systems.problems(group.labels):
            raise RecordError(f"'{path}', group '{group.id}': {'; '.join(wrong)}")
    return listed
