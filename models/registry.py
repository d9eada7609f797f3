"""Every network by its id, in one list of declarations; none is loaded before it is used."""

from __future__ import annotations

from collections.abc import Iterable

from harness.models import falsr_graphs
from harness.models.modern import MODERN
from harness.models.variant import Variant

_AWSRN = "harness.models.awsrn:AWSRN"
_CARN = "harness.models.carn:CARN"
_FALSR = "harness.models.falsr:FALSR"
_SRMDNF = "harness.models.srmdnf:SRMDNF"
_WDSR = "harness.models.wdsr:WDSR"

VARIANTS: tuple[Variant, ...] = (
    Variant(
        "bicubic",
        "Bicubic",
        source="MATLAB imresize",
        target="harness.models.bicubic:Bicubic",
        fixed={"rounded": True},
    ),
    Variant("wdsr_basic", "WDSR", source="Table 1, Basic RU", target=_WDSR),
    Variant("wdsr_wru", "WDSR w/ wRU", source="Table 1, wRU", target=_WDSR, fixed={"unit": "wru"}),
    Variant(
        "wdsr_awru", "WDSR w/ AWRU", source="Table 1, AWRU", target=_WDSR, fixed={"unit": "awru"}
    ),
    Variant(
        "wdsr_awms",
        "WDSR w/ AWMS",
        source="Table 3",
        target=_WDSR,
        fixed={"kernel_sizes": (3, 5, 7, 9), "weighted": True},
    ),
    Variant(
        "wdsr_skip3",
        "WDSR, 3x3 skip",
        source="base of Table 2's counts",
        target=_WDSR,
        fixed={"skip_kernel": 3},
    ),
    Variant("awsrn", "AWSRN", source="Sec. 4.4", target=_AWSRN),
    Variant("awsrn_m", "AWSRN-M", source="Sec. 4.4", target=_AWSRN, fixed={"num_blocks": 3}),
    Variant("awsrn_s", "AWSRN-S", source="Sec. 4.4", target=_AWSRN, fixed={"num_blocks": 1}),
    Variant(
        "awsrn_sd",
        "AWSRN-SD",
        source="Sec. 4.4",
        target=_AWSRN,
        fixed={"num_blocks": 1, "num_units": 8, "channels": 16},
    ),
    Variant(
        "awsrn_b",
        "AWSRN-B",
        source="Tables 2 and 3",
        target=_AWSRN,
        fixed={"kernel_sizes": (3,), "weighted": False},
    ),
    Variant(
        "awsrn_na",
        "AWSRN-NA",
        source="Table 2",
        target=_AWSRN,
        fixed={"kernel_sizes": (3,), "weighted": False, "unit": "basic"},
    ),
    Variant(
        "awsrn_nl",
        "AWSRN-NL",
        source="Table 2",
        target=_AWSRN,
        fixed={"kernel_sizes": (3,), "weighted": False, "fusion_kernel": None},
    ),
    Variant(
        "srcnn", "SRCNN", source="Dong et al., TPAMI 2016", target="harness.models.srcnn:SRCNN"
    ),
    Variant(
        "fsrcnn", "FSRCNN", source="Dong et al., ECCV 2016", target="harness.models.fsrcnn:FSRCNN"
    ),
    Variant("espcn", "ESPCN", source="Shi et al., CVPR 2016", target="harness.models.espcn:ESPCN"),
    Variant("vdsr", "VDSR", source="Kim et al., CVPR 2016", target="harness.models.vdsr:VDSR"),
    Variant("drcn", "DRCN", source="Kim et al., CVPR 2016", target="harness.models.drcn:DRCN"),
    Variant(
        "lapsrn",
        "LapSRN",
        source="Lai et al., CVPR 2017",
        target="harness.models.lapsrn:LapSRN",
        scales=(2, 4, 8),
    ),
    Variant("drrn", "DRRN", source="Tai et al., CVPR 2017", target="harness.models.drrn:DRRN"),
    Variant(
        "memnet", "MemNet", source="Tai et al., ICCV 2017", target="harness.models.memnet:MemNet"
    ),
    Variant(
        "srdensenet",
        "SRDenseNet",
        source="Tong et al., ICCV 2017",
        target="harness.models.srdensenet:SRDenseNet",
        scales=(4,),
    ),
    Variant(
        "selnet",
        "SelNet",
        source="Choi & Kim, CVPRW 2017",
        target="harness.models.selnet:SelNet",
        scales=(2, 3, 4),
    ),
    Variant("srmdnf", "SRMDNF", source="Zhang et al., CVPR 2018", target=_SRMDNF, scales=(2, 3, 4)),
    Variant("msrn", "MSRN", source="Li et al., ECCV 2018", target="harness.models.msrn:MSRN"),
    Variant("carn", "CARN", source="Ahn et al., ECCV 2018", target=_CARN, scales=(2, 3, 4)),
    Variant(
        "carn_m",
        "CARN-M",
        source="Ahn et al., ECCV 2018",
        target=_CARN,
        fixed={"groups": 4},
        scales=(2, 3, 4),
    ),
    Variant(
        "falsr_a",
        "FALSR-A",
        source="Chu et al., ICPR 2020",
        target=_FALSR,
        fixed={"graph": falsr_graphs.FALSR_A},
        scales=(2,),
    ),
    Variant(
        "falsr_b",
        "FALSR-B",
        source="Chu et al., ICPR 2020",
        target=_FALSR,
        fixed={"graph": falsr_graphs.FALSR_B},
        scales=(2,),
    ),
    Variant(
        "falsr_c",
        "FALSR-C",
        source="Chu et al., ICPR 2020",
        target=_FALSR,
        fixed={"graph": falsr_graphs.FALSR_C},
        scales=(2,),
    ),
    Variant(
        "moremnas_a",
        "MoreMNAS-A",
        source="stand-in with the published totals, not the authors' network",
        target=_FALSR,
        fixed={"graph": falsr_graphs.MOREMNAS_A_STAND_IN},
        scales=(2,),
    ),
    Variant(
        "moremnas_c",
        "MoreMNAS-C",
        source="Chu et al., ECCVW 2020",
        target=_FALSR,
        fixed={"graph": falsr_graphs.MOREMNAS_C},
        scales=(2,),
    ),
    Variant(
        "moremnas_d",
        "MoreMNAS-D",
        source="Chu et al., ECCVW 2020",
        target=_FALSR,
        fixed={"graph": falsr_graphs.MOREMNAS_D},
        scales=(2,),
    ),
    Variant(
        "srresnet",
        "SRResNet",
        source="Ledig et al., CVPR 2017",
        target="harness.models.srresnet:SRResNet",
    ),
    Variant(
        "edsr_baseline",
        "EDSR-baseline",
        source="Lim et al., CVPRW 2017",
        target="harness.models.edsr:EDSR",
        fixed={"num_blocks": 16, "channels": 64, "residual_scaling": 1.0},
    ),
    Variant("edsr", "EDSR", source="Lim et al., CVPRW 2017", target="harness.models.edsr:EDSR"),
    Variant(
        "mdsr",
        "MDSR",
        source="Lim et al., CVPRW 2017",
        target="harness.models.edsr:MDSR",
        scales=(2, 3, 4),
    ),
    Variant("rdn", "RDN", source="Zhang et al., CVPR 2018", target="harness.models.rdn:RDN"),
    Variant("rcan", "RCAN", source="Zhang et al., ECCV 2018", target="harness.models.rcan:RCAN"),
    Variant(
        "ddbpn",
        "D-DBPN",
        source="Haris et al., CVPR 2018",
        target="harness.models.ddbpn:DDBPN",
        scales=(2, 4, 8),
    ),
    Variant(
        "imdn",
        "IMDN",
        source="Hui et al., ACM MM 2019",
        target="harness.models.imdn:IMDN",
        scales=(2, 3, 4),
    ),
    Variant(
        "rlfn",
        "RLFN",
        source="Kong et al., CVPRW 2022, as in NTIRE 2022",
        target="harness.models.rlfn:RLFN",
        scales=(4,),
    ),
    Variant(
        "vdsr_biased",
        "VDSR, biased",
        source="the authors' weights",
        target="harness.models.vdsr:VDSR",
        fixed={"bias": True},
    ),
    Variant(
        "drrn_plain",
        "DRRN, no batch norm",
        source="B1U25 of a public PyTorch version",
        target="harness.models.drrn:DRRN",
        fixed={"batch_norm": False},
    ),
    Variant(
        "lapsrn_d5",
        "LapSRN, depth 5",
        source="the authors' weights",
        target="harness.models.lapsrn:LapSRN",
        fixed={"depth": 5},
        scales=(8,),
    ),
    Variant(
        "srmdnf_merged",
        "SRMDNF, merged",
        source="the released weights, batch norm merged in",
        target=_SRMDNF,
        fixed={"batch_norm": False},
        scales=(2, 3, 4),
    ),
    Variant(
        "carn_multi",
        "CARN, x2-x4",
        source="one network for all scales, as trained",
        target=_CARN,
        fixed={"scales": (2, 3, 4)},
        scales=(2, 3, 4),
    ),
    Variant(
        "carn_m_multi",
        "CARN-M, x2-x4",
        source="the authors' weights",
        target=_CARN,
        fixed={"groups": 4, "scales": (2, 3, 4)},
        scales=(2, 3, 4),
    ),
    *MODERN,
)


def by_id(variants: Iterable[Variant]) -> dict[str, Variant]:
    """Return networks by their ids, in the same order.

    Raises:
        ValueError: Two have the same id.
    """
    table: dict[str, Variant] = {}
    for variant in variants:
        if table.setdefault(variant.id, variant) is not variant:
            raise ValueError(f"two networks have the id '{variant.id}'")
    return table


_TABLE = by_id(VARIANTS)


def names() -> tuple[str, ...]:
    """Return the ids of all registered networks, in paper order."""
    return tuple(_TABLE)


def get(name: str) -> Variant:
    """Return a registered network by its id.

    Raises:
        LookupError: There is no such id.
    """
    try:
        return _TABLE[name]
    except KeyError:
        raise LookupError(f"unknown model '{name}'") from None
