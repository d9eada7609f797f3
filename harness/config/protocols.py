"""How PSNR and SSIM are measured: one named, frozen object per way that papers do it.

Published numbers of one table often come from different protocols, and differ by up to
0.1 dB for that alone. A record names its protocol; scores of two are not comparable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.errors import UsageError, suggest

LR = Literal["8-bit RGB", "float RGB", "float luma", "luma of 8-bit RGB"]
Compared = Literal["float luma", "8-bit luma", "RGB"]

_LR_WORDS: dict[LR, str] = {
    "8-bit RGB": "8-bit RGB, the set's own files or made where it has none",
    "float RGB": "RGB made from HR, not quantised",
    "float luma": "luma made from the 8-bit luma of HR, not quantised",
    "luma of 8-bit RGB": "luma of the 8-bit RGB LR, not rounded",
}

_COMPARED_WORDS: dict[Compared, str] = {
    "float luma": "BT.601 luma of the 8-bit RGB, in float",
    "8-bit luma": "BT.601 luma, rounded to 8 bits",
    "RGB": "RGB, all three channels",
}

_GREY_WORDS = {"RGB": "three equal channels", "luma": "their own luma"}


@dataclass(frozen=True, slots=True)
class Protocol:
    """One way to score.

    Common to all of them, and so no field: HR is cut to a multiple of the scale; luma is
    BT.601 studio range; PSNR has peak 255 over everything that is compared; SSIM has an
    11x11 Gaussian window of sigma 1.5 on the pixels where it fits whole, K = (0.01, 0.03),
    and is the mean over the channels compared; a set's score is the mean over its images.

    Attributes:
        name: On the command line and in records.
        source: Who measures so.
        lr: What the network is given. Given luma, it is scored on its luma.
        own_lr: Whether a set's own LR files are used where the network is given 8-bit
            RGB; otherwise LR is made from HR.
        boundary: How LR is made at the border: MATLAB's ``imresize`` of today
            (``symmetric``) or of old (``replicate``).
        sr: How SR is brought to 8 bits: ``round`` half up, or ``truncate``.
        compared: What PSNR and SSIM see.
        border: Pixels cut from every side; None for as many as the scale.
        grey: Whether a file of one channel is three equal ones, or its own luma, which then
            fills 0..255: that alone costs 1.32 dB, 0.09 dB on the mean over Set14. With
            ``luma``, the network must be one of luma.
        scales: Upscaling factors it is defined for; None for all.
    """

    name: str
    source: str
    lr: LR = "8-bit RGB"
    own_lr: bool = True
    boundary: Literal["symmetric", "replicate"] = "symmetric"
    sr: Literal["round", "truncate"] = "round"
    compared: Compared = "float luma"
    border: int | None = None
    grey: Literal["RGB", "luma"] = "RGB"
    scales: tuple[int, ...] | None = None

    @property
    def on_luma(self) -> bool:
        """Whether the network is given luma alone, of every image."""
        return self.lr in ("float luma", "luma of 8-bit RGB")

    @property
    def needs_luma_network(self) -> bool:
        """Whether only networks of luma can be scored."""
        return self.on_luma or self.grey == "luma"

    @property
    def reads_files(self) -> bool:
        """Whether the LR files of a set matter."""
        return self.own_lr and self.lr in ("8-bit RGB", "luma of 8-bit RGB")

    def sees_as(self, other: Protocol) -> bool:
        """Whether both give a network the same LR, so that one run of it serves both."""
        return (self.lr, self.reads_files, self.boundary, self.grey) == (
            other.lr,
            other.reads_files,
            other.boundary,
            other.grey,
        )

    def border_px(self, scale: int) -> int:
        """Return how many pixels are cut from every side at that scale."""
        return scale if self.border is None else self.border

    def check_scale(self, scale: int) -> None:
        """Refuse a scale that the protocol is not defined for.

        Raises:
            UsageError: It is not.
        """
        if self.scales is not None and scale not in self.scales:
            allowed = ", ".join(f"x{allowed}" for allowed in self.scales)
            raise UsageError(f"protocol {self.name} is defined for {allowed}, not x{scale}")

    def describe(self) -> str:
        """Return LR, quantisation, colour, border and SSIM in one line."""
        made = _LR_WORDS[self.lr]
        if self.lr == "8-bit RGB" and not self.own_lr:
            made = "8-bit RGB made from HR"
        if self.boundary == "replicate":
            made += " by old MATLAB's imresize (replicated border)"
        rounding = {"round": "rounded", "truncate": "truncated"}[self.sr]
        border = "scale" if self.border is None else str(self.border)
        return (
            f"LR: {made}; SR {rounding} to 8 bits; compared: {_COMPARED_WORDS[self.compared]}; "
            f"border {border} px; grey images: {_GREY_WORDS[self.grey]}; "
            f"SSIM: 11x11 Gaussian on valid pixels"
        )


AWSRN = Protocol("awsrn", "the authors' script (Sec. 4.1); EDSR, CARN, IMDN")

PROTOCOLS: tuple[Protocol, ...] = (
    AWSRN,
    Protocol("y_rounded", "awsrn, but MATLAB's 8-bit rgb2ycbcr", compared="8-bit luma"),
    Protocol(
        "luma_unquantised",
        "SRCNN, VDSR, DRRN and others of luma",
        lr="float luma",
        compared="8-bit luma",
        grey="luma",
    ),
    Protocol(
        "luma_png",
        "luma networks on LR files",
        lr="luma of 8-bit RGB",
        compared="8-bit luma",
        grey="luma",
    ),
    Protocol("lapsrn", "LapSRN's released evaluation", lr="float RGB", grey="luma"),
    Protocol(
        "lapsrn_grey_rgb",
        "lapsrn, but grey files as three equal channels: its printed Set14 comes out so",
        lr="float RGB",
    ),
    Protocol("falsr", "FALSR, MoreMNAS", sr="truncate", compared="8-bit luma"),
    Protocol(
        "falsr_selfexsr",
        "falsr on the LR images of SelfExSR",
        own_lr=False,
        boundary="replicate",
        sr="truncate",
        compared="8-bit luma",
    ),
    Protocol("rgb", "awsrn, but on RGB", compared="RGB"),
    Protocol(
        "ntire_esr",
        "NTIRE challenges on efficient super-resolution, 2022",
        compared="RGB",
        border=4,
        scales=(4,),
    ),
)
"""Every protocol, the default first."""

DEFAULT = AWSRN


def names() -> tuple[str, ...]:
    """Return the names of all protocols, the default first."""
    return tuple(protocol.name for protocol in PROTOCOLS)


def get(name: str) -> Protocol:
    """Return a protocol by its name.

    Raises:
        UsageError: There is no such protocol.
    """
    for protocol in PROTOCOLS:
        if protocol.name == name:
            return protocol
    raise UsageError(f"unknown protocol '{name}'{suggest(name, names())}")
