"""What the names of image files and their folders say: HR or LR, of which image and scale."""

from __future__ import annotations

import re

SCALES = (2, 3, 4, 8)
"""The upscaling factors that names are known to say."""

_DIGIT = f"[{''.join(map(str, SCALES))}]"
_SCALE = rf"(?:x(?P<after>{_DIGIT})|(?P<before>{_DIGIT})x|srf[_-]?(?P<srf>{_DIGIT}))"
_UNNAMED = rf"(?:x{_DIGIT}|{_DIGIT}x)"
_GLUED = re.compile(r"(?<=[a-z0-9])(?=(?:HR|GT|LR|LQ)(?:$|[_\-. ]|x?\d))")
_LR_AND_DIGIT = re.compile(rf"(?<![a-z])(lr|lq)({_DIGIT})$")
_TAGGED = re.compile(rf"(?:^|[^a-z0-9]|(?<=[a-z0-9])){_SCALE}(?:[mdw]\d?)?(?:[_\-. ]?(?:hr|lr))?$")
_KINDS = r"hr|gt|hq|lr|lq|lrbi|lrbic|lrbd|lrdn|bicubic|bic"
_TAIL = re.compile(rf"[_\-. ]*{_SCALE}(?:[mdw]\d?)?$|[_\-. ]+(?:{_KINDS}|mod\d*)$")
_HEAD = re.compile(r"^(?:hr|gt|lr|lq)[_\-. ]+")
_LR_FOLDER = re.compile(
    r"(?<![a-z])(?:lr|lq)(?![a-z])|(?<![a-z])lr(?:bi|bd|dn|x?\d)|low[_-]?res"
    rf"|^(?:{_UNNAMED}|bicubic)$"
)
_LR_FILE = re.compile(rf"[_\-. ](?:lr|lq|lrbi|lrbic)(?:[_\-. ]*{_SCALE})?$|^(?:lr|lq)[_\-. ]")
_HR_FILE = re.compile(rf"[_\-. ](?:hr|gt|hq)(?:[_\-. ]*{_UNNAMED})?$|^(?:hr|gt|hq)[_\-. ]")
_HR_WORD = re.compile(r"[_\-. ]*(?:hr|gt|hq)$", re.IGNORECASE)


def plain(stem: str) -> str:
    """Return a name in lower case, ``baby_hr`` of ``babyHR`` and ``baby_lrx2`` of ``baby_LR2``."""
    return _LR_AND_DIGIT.sub(r"\1x\2", _GLUED.sub("_", stem).lower())


def is_lr(stem: str) -> bool:
    """Tell whether an image is named as LR."""
    return bool(_LR_FILE.search(plain(stem)))


def is_hr(stem: str) -> bool:
    """Tell whether an image is named as HR."""
    return bool(_HR_FILE.search(plain(stem)))


def is_lr_folder(name: str) -> bool:
    """Tell whether a folder is named as one of LR, or of LR of one scale."""
    return bool(_LR_FOLDER.search(name.lower()))


def scale_of(stem: str) -> int | None:
    """Return the scale that a name ends with."""
    match = _TAGGED.search(plain(stem))
    return int(match["after"] or match["before"] or match["srf"]) if match else None


def folder_scale(name: str) -> int | None:
    """Return the scale that a folder is named for: ``X2``, ``LRbicx2``, ``2``."""
    return scale_of(name) or next((scale for scale in SCALES if name == str(scale)), None)


def core(stem: str) -> str:
    """Return what the names of an HR image and of its LR have in common."""
    rest = _HEAD.sub("", plain(stem))
    while (shorter := _TAIL.sub("", rest)) != rest and shorter:
        rest = shorter
    return rest


def without_scale(stem: str) -> str:
    """Return a name in lower case without the scale that it ends with."""
    return re.sub(rf"[_\-. ]*{_SCALE}$", "", stem.lower())


def lr_name(stem: str, scale: int) -> str:
    """Return how the LR of an HR image is usually called: ``babyx2`` of ``baby`` or ``baby_HR``."""
    return f"{_HR_WORD.sub('', stem) or stem}x{scale}"


def lr_text(source: str | None) -> str:
    """Return where LR comes from, in words.

    Args:
        source: Its folder, below that of the set; None where LR is made, empty where it is read
            and nobody knows from where.
    """
    return "LR made" if source is None else f"LR read from {source or 'the files of the sets'}"
