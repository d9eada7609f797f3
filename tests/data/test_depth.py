"""Files of more than 8 bits per channel that Pillow reads as if they had 8 are refused by name."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.data.images import read_rgb
from harness.deploy import photos
from harness.errors import DataError

# Of 4x4 pixels, one colour, written by OpenJPEG and libavif through imagecodecs; as zlib, base85.
WRITTEN = {
    "jp2 of 12 bits": (
        r"c-muNVBpCLP*C9IYUg5LU=T?wsVvAUFj4@r8KAT-kj?<oVwo8!ML?PbjG4LFL24NIlk;<m7{N>dAf5wM"
        r"oc!Pae;|WCSd0aVVE~oS%+1IMLH~mocz^<oj0`L+42=I{7+4$<{--"
        r"dgGB7$9r6!i7rYIy;D)<+q=6MCUx+|2W78Pga=P4NJnd+JRpTNKcHcbVnaq{^mE`kAGY2^wBw$yeyez)"
        r"i0*Gg_^_<s`siJmS~"
    ),
    "j2k of 16 bits": (
        r"c-"
        r"s5#|38pHp8*6|pcn>F`ON%`j1crch=B(vz{tqJ!otA#KZb$Dq2YfDgDL}~b5UwyNotBhQl)}_L28~?fU"
        r"CPgS!z*nW`3T6k)ElZ$^QuqTwv2wfEp(s|Hq>s!Vnn4;n<kP89kLD!7)g+q2d2c0E#*v3j"
    ),
    "jp2 of 8 bits": (
        r"c-muNVBpCLP*C9IYUg5LU=T?wsVvAUFj4@r8KAT-kj?<oVwo8!ML?PbjG5WlL24NIlk;<m7{N>dAf5_T"
        r"oc!Pae;|WCSd0aVVE~oS%+AONLH~mocz^<oj0`L+42=I{7+4$}{--"
        r"dgGB7$9r6!i7rYIy;D)<+q=6MCUx+|2W78Pga=P4NJnd+JRpTNKcHcb|&aq{siB7y;4Y2}LYMYH4^8vf"
        r"q|05py&e*"
    ),
    "avif of 10 bits": (
        r"c-muNU{FXasVqn=%S>Yc0uY^>nP!-"
        r"qnV9D5Xy^zOdYzkElE?r7iWw<6MNl?FL1uCZ0~+8f$SlbPvlxL`E;A=T8N_h`@fjhajKV-"
        r"#9*8wEGxO5mYNddjR3<1dvCP2GIX@>KY*$uhK~Vva_RcIw&Ii&WnZ*UEQ2SV*SfC)YA`>LQ%*Dk8q<9j"
        r"`44oSl96&<C$@w`&dC55y3`{`C)&LX|&n(D=`3dMS7DlFKkSXf9DTyUQ3|t%*EVX+$IHVkm1SOr4Sq?C"
        r"m03|2b&*n*(m;eCyHZuP"
    ),
    "avif of 8 bits": (
        r"c-muNU{FXasVqn=%S>Yc0uY^>nP!-"
        r"qnV9D5Xy^zOdYzkElE?r7iWw<6MNl?FL1uCZ0~+8f$SlbPvlxL`E;A=T8N_h`@fjhajKV-"
        r"#9*8wEGxO5mYNddjR3<1dvCP2GIX@>KY*$uhK~Vva_RcIw&Ii&WnZ*UEQ2SV*SfC)YA`>LQ%)!9{q<9j"
        r"`44oSlz-ok(^K**wl5;8;n1GP20VpJ%S&$3!6VPESj7-"
        r"fSQ`B=)5=(>_xHv3WYPWE3NI4h@N;)O89AGd3N=|S%DU;}t007|`GN="
    ),
}
# A plain file of Silicon Graphics, 2 bytes a channel (Haeberli, The SGI Image File Format).
SGI_HEAD = struct.pack(">hBBHHHHii", 474, 0, 2, 3, 4, 4, 3, 0, 65535)
SGI = SGI_HEAD.ljust(512, b"\0") + np.full(48, 700, ">u2").tobytes()


def write(folder: Path, kind: str) -> Path:
    path = folder / f"a.{kind.partition(' ')[0]}"
    path.write_bytes(
        SGI if kind.startswith("sgi") else zlib.decompress(base64.b85decode(WRITTEN[kind]))
    )
    return path


@pytest.mark.parametrize("read", [read_rgb, photos.read])
@pytest.mark.parametrize(
    "kind", ["jp2 of 12 bits", "j2k of 16 bits", "avif of 10 bits", "sgi of 16 bits"]
)
def test_more_than_8_bits_are_refused(
    tmp_path: Path, kind: str, read: Callable[[Path], object]
) -> None:
    path = write(tmp_path, kind)
    with Image.open(path) as image:  # Pillow does not tell
        assert image.mode == "RGB"
    with pytest.raises(DataError, match=r"a\.\w+: expected 8 bits per channel"):
        read(path)


@pytest.mark.parametrize("kind", ["jp2 of 8 bits", "avif of 8 bits"])
def test_8_bits_are_read(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind)
    assert abs(read_rgb(path).astype(int) - (700 >> 3)).max() <= 3
    assert photos.read(path).pixels.shape == (4, 4, 3)


@pytest.mark.parametrize("kind", WRITTEN)
def test_damage_ends_in_a_picture_or_an_error(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind)
    content = path.read_bytes()
    for place in range(0, len(content), 5):
        flipped = bytes([content[place] ^ 0xFF])
        for damaged in (content[:place], content[:place] + flipped + content[place + 1 :]):
            path.write_bytes(damaged)
            for read in (read_rgb, photos.read):
                with suppress(DataError):
                    read(path)
