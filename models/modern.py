"""Declarations of efficient networks that are younger than the paper, in order of their years."""

from __future__ import annotations

from harness.models.variant import Variant

_BSRN = "harness.models.bsrn:BSRN"
_RFDN = "harness.models.rfdn:RFDN"
_RLFN = "harness.models.rlfn:RLFN"
_SHUFFLEMIXER = "harness.models.shufflemixer:ShuffleMixer"

MODERN: tuple[Variant, ...] = (
    Variant(
        "rfdn",
        "RFDN",
        source="Liu et al., ECCVW 2020, as released",
        target=_RFDN,
        scales=(2, 3, 4),
    ),
    Variant(
        "rfdn_l",
        "RFDN-L",
        source="Liu et al., ECCVW 2020, of the released blocks",
        target=_RFDN,
        fixed={"channels": 52, "num_blocks": 6},
        scales=(2, 3, 4),
    ),
    Variant(
        "pan",
        "PAN",
        source="Zhao et al., ECCVW 2020",
        target="harness.models.pan:PAN",
        scales=(2, 3, 4),
    ),
    Variant(
        "swinir_light",
        "SwinIR-light",
        source="Liang et al., ICCVW 2021",
        target="harness.models.swinir:SwinIR",
        scales=(2, 3, 4),
    ),
    Variant(
        "rlfn_52",
        "RLFN-52",
        source="Kong et al., CVPRW 2022, the paper's RLFN",
        target=_RLFN,
        fixed={"channels": 52, "inner_channels": 52, "num_blocks": 6},
        scales=(2, 4),
    ),
    Variant(
        "rlfn_s",
        "RLFN-S",
        source="Kong et al., CVPRW 2022",
        target=_RLFN,
        fixed={"channels": 48, "inner_channels": 48, "num_blocks": 6},
        scales=(2, 4),
    ),
    Variant("bsrn", "BSRN", source="Li et al., CVPRW 2022", target=_BSRN, scales=(2, 3, 4)),
    Variant(
        "bsrn_s",
        "BSRN-S",
        source="Li et al., CVPRW 2022, as in NTIRE 2022",
        target=_BSRN,
        fixed={"channels": 48, "num_blocks": 5, "small": True},
        scales=(4,),
    ),
    Variant(
        "shufflemixer",
        "ShuffleMixer",
        source="Sun et al., NeurIPS 2022",
        target=_SHUFFLEMIXER,
        scales=(2, 3, 4),
    ),
    Variant(
        "shufflemixer_tiny",
        "ShuffleMixer-tiny",
        source="Sun et al., NeurIPS 2022",
        target=_SHUFFLEMIXER,
        fixed={"channels": 32, "kernel_size": 3},
        scales=(2, 3, 4),
    ),
    Variant(
        "efdn",
        "EFDN",
        source="Wang, CVPRW 2022, merged, as in NTIRE 2023",
        target="harness.models.efdn:EFDN",
        scales=(4,),
    ),
)
