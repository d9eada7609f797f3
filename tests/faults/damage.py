"""Strategies: valid files and values with one to three mutations, valid ones, and others."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Sequence

from hypothesis import strategies as st

NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
"""What damaged files like to state as a size, an offset, or a count."""


class Content(bytes):
    """The bytes of a file, which a message does not show whole."""

    def __repr__(self) -> str:
        """Return the first of them, and how many there are."""
        return f"<{len(self)} bytes, {bytes(self[:24])!r}...>"


def flipped(content: bytes, chance: random.Random) -> bytes:
    """Return bytes with one bit flipped."""
    changed = bytearray(content)
    if changed:
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def truncated(content: bytes, chance: random.Random) -> bytes:
    """Return the beginning of bytes."""
    return content[: chance.randrange(len(content) + 1)]


def _overwritten(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content) + 1)
    size = chance.choice((1, 2, 4, 8))
    number = min(chance.choice(NUMBERS), 2 ** (8 * size) - 1)
    order = chance.choice(("little", "big"))
    return content[:at] + number.to_bytes(size, order) + content[at + size :]


def _cut_out(content: bytes, chance: random.Random) -> bytes:
    at, length = chance.randrange(len(content) + 1), chance.choice((1, 4, 64, 4096))
    return content[:at] + content[at + length :]


def _repeated(content: bytes, chance: random.Random) -> bytes:
    at, length = chance.randrange(len(content) + 1), chance.choice((1, 4, 64, 4096))
    return content[: at + length] + content[at:]


def _inserted(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.randbytes(chance.choice((1, 4, 64))) + content[at:]


def _zeroed(content: bytes, chance: random.Random) -> bytes:
    at, length = chance.randrange(len(content) + 1), chance.choice((4, 64, 4096))
    return content[:at] + bytes(min(length, len(content) - at)) + content[at + length :]


DAMAGES = (flipped, flipped, truncated, _overwritten, _cut_out, _repeated, _inserted, _zeroed)


@st.composite
def files(draw, valid: Sequence[bytes], damages=DAMAGES):
    """Draw the bytes of a file: which valid one it was made of, how often mutated, the bytes.

    A half are valid ones with one to three mutations, an eighth are as they were, the others
    are mutated all over, spliced of two, or anything.
    """
    number = draw(st.integers(0, len(valid) - 1))
    times = draw(st.sampled_from((0, 1, 1, 2, 3, -1, -2, -3)))
    chance = random.Random(draw(st.integers(0, 2**24 - 1)))
    content = valid[number]
    if times == -1:
        for _ in range(chance.randrange(4, 60)):
            content = chance.choice(damages)(content, chance)
    elif times == -2:
        other = valid[chance.randrange(len(valid))]
        content = content[: chance.randrange(len(content) + 1)]
        content += other[chance.randrange(len(other) + 1) :]
    elif times == -3:
        content = content[: chance.choice((0, 4, 8, 64))] + chance.randbytes(chance.randrange(600))
    for _ in range(times):
        content = chance.choice(damages)(content, chance)
    return number, times, Content(content)


TEXTS = (
    *("", " ", "\t", "\n", "a\nb", "null", "~", "true", "no", "nan", "inf", "-inf", "1e999"),
    *("-1e999", "0x10", "010", "1:30", "1_000", "1__0", "1e3", "5.", ".5", "1.5", "+1", "-1", "-0"),
    *(
        "0",
        "2",
        "3",
        "9" * 19,
        "9" * 5000,
        "2147483648",
        "٣",
        "½",
        "é",
        "Δ≤",
        "😀",
        "\udcff",
        "\x00",
    ),
    *("${oc.env:HOME}", "${train.lr}", "???", "*", "&a", "!!python/object:os.abort {}", "{}", "[]"),
    *("[1", "1,,2", ",", "a=b", "=", "+", "a+b", "sample", "sample+sample", "..", ".", "/", "./"),
    *("../../x", "/dev/null", "/etc/passwd", "~nobody", "~root", "x" * 300, "x" * 5000, "os:abort"),
    *(
        "net.py:Net",
        "net.py",
        "net.py:nothing",
        "a:b:c",
        ":",
        "awsrn_s",
        "carn",
        "bicubic",
        "awsrm",
    ),
)
"""What stands in the place of a text or a number sooner or later."""

VALUES: tuple[object, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 1000, 2**31, 2**63, 2**64, 10**30, -(10**30)),
    *(0.0, -0.0, 0.5, 1.5, 1e-300, 1e308, float("nan"), float("inf"), float("-inf")),
    *([], {}, [1], [None], [[]], {"a": 1}, {"": {}}, ["x", 1], {"kernel_sizes": [3]}),
    *TEXTS,
)
"""What stands in the place of a value of a stored text sooner or later."""


def _places(node, place=()):
    yield place
    if isinstance(node, dict | list):
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _places(child, (*place, key))


def mutated_value(content, chance: random.Random, values=VALUES):
    """Return plain values with one mutation at one place."""
    content = copy.deepcopy(content)
    places = [place for place in _places(content) if place]
    if not places:
        return chance.choice(values)
    *outer, key = chance.choice(places)
    node = content
    for step in outer:
        node = node[step]
    value = node[key]
    match chance.randrange(7):
        case 0 | 1:
            node[key] = copy.deepcopy(chance.choice(values))
        case 2:
            del node[key]
        case 3:
            node[key] = _near(value, chance)
        case 4:
            node[key] = chance.choice(([value], {"x": value}, [value, value], {str(key): value}))
        case 5 if isinstance(node, dict):
            del node[key]
            node[str(key) + chance.choice(("s", " ", ".x", "é"))] = value
        case 5:
            node.append(copy.deepcopy(value))
        case 6:
            *outer, other = chance.choice(places)
            found = content
            for step in (*outer, other):
                found = found[step]
            node[key] = copy.deepcopy(found)
    return content


def _near(value, chance: random.Random):
    """Return a value that is nearly another."""
    if isinstance(value, bool) or value is None:
        return chance.choice((None, 0, 1, "true", not value))
    if isinstance(value, int | float):
        return chance.choice((-value, value + 1, value * 1.0, value + 0.5, str(value), value * 1e9))
    if isinstance(value, str):
        return chance.choice((value[:-1], value + "x", value.upper(), value * 50, [value], 3))
    return chance.choice((str(value), None, [], {}))


@st.composite
def values(draw, valid: Sequence[object], choices=VALUES):
    """Draw plain values: how often mutated, and the values; as :func:`files` does."""
    content = copy.deepcopy(valid[draw(st.integers(0, len(valid) - 1))])
    times = draw(st.sampled_from((0, 1, 1, 2, 3, -1, -1, -1)))
    chance = random.Random(draw(st.integers(0, 2**24 - 1)))
    for _ in range(times if times >= 0 else chance.randrange(4, 20)):
        content = mutated_value(content, chance, choices)
    return times, content


def as_json(content, chance: random.Random) -> bytes:
    """Return plain values as JSON, also those that JSON does not know, and sometimes damaged."""
    text = json.dumps(content, indent=chance.choice((None, 1)), ensure_ascii=chance.random() < 0.5)
    return text.encode(errors="surrogatepass")
