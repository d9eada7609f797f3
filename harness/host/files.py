"""Write files whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from harness.errors import HarnessError


def write_atomic(path: Path, content: str | bytes) -> None:
    """Replace a file by new content in one step; a reader never sees half of it.

    The content goes to a temporary file beside the target, to the disk, and only then
    takes the target's name. When anything fails the old file stays as it was.

    Args:
        path: The file; its folder is made when missing.
        content: Text, written as UTF-8, or bytes.

    Raises:
        HarnessError: The disk is full, or the folder cannot be written.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise HarnessError(f"cannot write '{path}': {reason(error)}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def reason(error: OSError) -> str:
    """Return the cause of a file error in plain words."""
    if error.errno == errno.ENOSPC:
        return "the disk is full"
    return error.strerror or str(error)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
