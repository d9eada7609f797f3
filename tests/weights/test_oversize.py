"""Files of kilobytes that would take gigabytes, or for ever, to read: each is refused at once."""

import io
import pickle
import struct
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest
import torch

from harness.errors import CheckpointError
from harness.weights import files

GIB = 2**30


def name(module, attribute):
    return f"c{module}\n{attribute}\n".encode()


def number(value):
    digits = pickle.encode_long(value)
    return b"\x8a" + bytes([len(digits)]) + digits


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def call(module, attribute, *arguments):
    return name(module, attribute) + b"(" + b"".join(arguments) + b"tR"


def entry(value):
    """A pickle of {"w": value}; the value is given as opcodes."""
    return b"\x80\x02}" + text("w") + value + b"s."


def tensor(values, size, *, stride=1, old=False):
    """A float32 tensor of a size in a storage that is said to hold so many values."""
    kind = name("torch", "FloatStorage")
    key = text("storage") + kind + text("0") + text("cpu") + number(values)
    storage = b"(" + key + (b"N" if old else b"") + b"tQ"
    shape = b"".join(b"(" + number(value) + b"t" for value in (size, stride))
    rest = b"\x89" + call("collections", "OrderedDict")
    return call("torch._utils", "_rebuild_tensor_v2", storage, number(0), shape, rest)


def zipped(pickled, *, values=b"\0" * 16, compression=zipfile.ZIP_STORED):
    """A torch file with another pickle and other values than torch wrote."""
    plain, changed = io.BytesIO(), io.BytesIO()
    torch.save({"w": torch.zeros(4)}, plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(changed, "w", compression) as target:
        for part in source.namelist():
            content = source.read(part)
            content = pickled if part.endswith("data.pkl") else content
            target.writestr(part, values if part.endswith("data/0") else content)
    return changed.getvalue()


HEAD = b"".join(
    pickle.dumps(part, 2)
    for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True, "type_sizes": {"int": 4}})
)
"""How torch's files of before 2020 begin."""


STORAGES = pickle.dumps(["0"], 2)


def old(pickled, keys=STORAGES):
    return HEAD + pickled + keys + struct.pack("<q", 4) + b"\0" * 16


TUPLES = b")" + b"".join(b"q" + bytes([n]) + b"h" + bytes([n]) + b"\x86" for n in range(40))
"""A tuple of two tuples of two tuples and so on: 2**40 of them to hash."""


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + b"\0" * (-len(content) % 8)


def matlab(*elements):
    """A MATLAB file of level 5 with these elements."""
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"".join(elements)


def matrix(kind, size, *content):
    """The matrix `net`, said to be of so many rows and columns."""
    flags, sizes = struct.pack("<II", kind, 0), struct.pack("<ii", size, size)
    return element(
        14, element(6, flags) + element(5, sizes) + element(1, b"net") + b"".join(content)
    )


FIELDS = struct.pack("<HHI", 5, 4, 8) + element(1, b"params\0\0")


def bombs():
    """Files by name; made when they are asked for, as some take seconds to pack."""
    much = zlib.compress(matrix(6, 2**14, element(9, b"\0" * 2**27)), 1)
    packed = struct.pack("<II", 15, len(much)) + much
    return {
        "matlab cell": matlab(matrix(1, 2**14)),
        "matlab struct": matlab(matrix(2, 2**14, FIELDS)),
        "matlab packed": matlab(packed),
        "bytearray": zipped(entry(call("builtins", "bytearray", number(GIB)))),
        "tensor class": zipped(entry(call("torch", "FloatTensor", number(GIB // 4)))),
        "storage class": zipped(entry(call("torch.storage", "UntypedStorage", number(GIB)))),
        "stride 0": zipped(entry(tensor(4, GIB // 4, stride=0))),
        "storage too long": zipped(entry(tensor(GIB // 4, GIB // 4))),
        "deflated": zipped(
            entry(tensor(2**25, 2**25)), values=b"\0" * 2**27, compression=zipfile.ZIP_DEFLATED
        ),
        "array": zipped(entry(call("numpy", "ndarray", b"(" + number(GIB) + b"t"))),
        "tuples": zipped(b"\x80\x02}" + TUPLES + b"K\x01s."),
        "set of tuples": zipped(entry(call("builtins", "set", b"](" + TUPLES + b"e"))),
        "old storage": old(entry(tensor(GIB // 4, GIB // 4, old=True))),
        "old stride 0": old(entry(tensor(4, GIB // 4, stride=0, old=True))),
        "old keys": old(
            entry(b"N"), keys=b"\x80\x02" + call("builtins", "bytearray", number(GIB)) + b"."
        ),
        "old memo": old(b"\x80\x02K\x01r" + struct.pack("<I", 2**31) + b"."),
    }


READ = """
import resource, sys
from pathlib import Path
from harness.errors import CheckpointError
from harness.weights import files
taken = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
before = taken()
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        files.read(path)
    except CheckpointError as error:
        print(path.name, "refused", taken() - before)
"""


def test_files_that_would_take_much_memory_or_time_are_refused(tmp_path):
    """The oracle is the operating system's count of the memory of a process, in MiB."""
    files_by_name = bombs()
    for bomb, content in files_by_name.items():
        assert len(content) < 2**21
        (tmp_path / bomb).write_bytes(content)
    run = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path)], capture_output=True, text=True, check=True
    )
    lines = [line.rsplit(" ", 2) for line in run.stdout.splitlines()]
    assert [bomb for bomb, _, _ in lines] == sorted(files_by_name), run.stderr
    assert max(int(mebibytes) for _, _, mebibytes in lines) < 100


@pytest.mark.parametrize("zipped_form", [True, False])
def test_what_torch_writes_is_read_whatever_the_tensors_share(zipped_form, tmp_path):
    values = torch.arange(6.0)
    content = {
        "params": {"a": values, "b": values, "c": values[:2], "d": values.half()},
        "lr": 0.1,
        "milestones": {1, 2},
        "shape": torch.Size([2, 3]),
        "nested": [({"x": (1, (2, 3)), ("a", ("b", "c")): 1},)],
        "bytes": (b"abc", bytearray(b"abc"), torch.get_rng_state()),
        "numpy": (np.float32(1), np.arange(5), np.int64(3)),
        "optimizer": torch.optim.Adam([values.clone().requires_grad_()]).state_dict(),
    }
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped_form)
    (state,) = files.read(tmp_path / "a.pth").states
    assert {key: value.tolist() for key, value in state.tensors.items()} == {
        "a": [0, 1, 2, 3, 4, 5],
        "b": [0, 1, 2, 3, 4, 5],
        "c": [0, 1],
        "d": [0, 1, 2, 3, 4, 5],
    }


def test_a_zip_file_with_bytes_behind_it_is_refused(tmp_path):
    """Two readers could take different ends for the end."""
    (tmp_path / "a.pth").write_bytes(zipped(entry(tensor(4, 4))) + b"\0")
    with pytest.raises(CheckpointError, match="damaged"):
        files.read(tmp_path / "a.pth")
    (tmp_path / "a.pth").write_bytes(zipped(entry(tensor(4, 4))))
    assert files.read(tmp_path / "a.pth").states[0].tensors["w"].tolist() == [0, 0, 0, 0]
