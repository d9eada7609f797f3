"""Declarations of efficient networks that are younger than the paper, 2020 to 2025."""

from __future__ import annotations

from harness.models.variant import Variant

_BSRN = "harness.models.bsrn:BSRN"
_ECBSR = "harness.models.ecbsr:ECBSR"
_RFDN = "harness.models.rfdn:RFDN"
_RLFN = "harness.models.rlfn:RLFN"
_SHUFFLEMIXER = "harness.models.shufflemixer:ShuffleMixer"
_SMFANET = "harness.models.smfanet:SMFANet"
_SPAN = "harness.models.span:SPAN"
_VAPSR = "harness.models.vapsr:VapSR"

_ECBSR_SOURCE = "Zhang et al., ACM MM 2021"
_SPAN_SOURCE = "Wan et al., CVPRW 2024"

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
    Variant(
        "ecbsr_m4c8",
        "ECBSR-M4C8",
        source=_ECBSR_SOURCE,
        target=_ECBSR,
        fixed={"num_blocks": 4, "channels": 8},
        scales=(2, 4),
    ),
    Variant(
        "ecbsr_m4c16",
        "ECBSR-M4C16",
        source=_ECBSR_SOURCE,
        target=_ECBSR,
        fixed={"num_blocks": 4, "channels": 16},
        scales=(2, 4),
    ),
    Variant(
        "ecbsr_m10c32",
        "ECBSR-M10C32",
        source=_ECBSR_SOURCE,
        target=_ECBSR,
        fixed={"num_blocks": 10, "channels": 32},
        scales=(2, 4),
    ),
    Variant("ecbsr_m16c64", "ECBSR-M16C64", source=_ECBSR_SOURCE, target=_ECBSR, scales=(2, 4)),
    Variant("vapsr", "VapSR", source="Zhou et al., ECCVW 2022", target=_VAPSR, scales=(4,)),
    Variant(
        "vapsr_s",
        "VapSR-S",
        source="Zhou et al., ECCVW 2022",
        target=_VAPSR,
        fixed={"channels": 32, "num_blocks": 11, "groups": 2},
        scales=(4,),
    ),
    Variant(
        "safmn",
        "SAFMN",
        source="Sun et al., ICCV 2023",
        target="harness.models.safmn:SAFMN",
        scales=(2, 3, 4),
    ),
    Variant("span", "SPAN", source=_SPAN_SOURCE, target=_SPAN, scales=(2, 3, 4)),
    Variant(
        "span_s",
        "SPAN-S",
        source=_SPAN_SOURCE,
        target=_SPAN,
        fixed={"channels": 48},
        scales=(2, 3, 4),
    ),
    Variant(
        "span_28",
        "SPAN-28",
        source="winner of NTIRE 2024, merged as released",
        target=_SPAN,
        fixed={"channels": 28, "merged": True},
        scales=(4,),
    ),
    Variant(
        "span_26",
        "SPAN-26",
        source="SPANtiny of NTIRE 2024, merged as released",
        target=_SPAN,
        fixed={"channels": 26, "merged": True},
        scales=(4,),
    ),
    Variant(
        "spanf",
        "SPANF",
        source="second of NTIRE 2025, merged as released",
        target="harness.models.span:SPANF",
        fixed={"merged": True},
        scales=(4,),
    ),
    Variant(
        "smfanet", "SMFANet", source="Zheng et al., ECCV 2024", target=_SMFANET, scales=(2, 3, 4)
    ),
    Variant(
        "smfanet_plus",
        "SMFANet+",
        source="Zheng et al., ECCV 2024",
        target=_SMFANET,
        fixed={"channels": 48, "num_blocks": 12},
        scales=(2, 3, 4),
    ),
    Variant(
        "plksr_tiny",
        "PLKSR-tiny",
        source="Lee et al., 2024",
        target="harness.models.plksr:PLKSR",
        scales=(2, 3, 4),
    ),
)
