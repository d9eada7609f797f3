"""Every network by its id, in one list; users' own networks by ``module:Class``."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from harness.models.awsrn import AWSRN
from harness.models.bicubic import Bicubic
from harness.models.carn import CARN
from harness.models.ddbpn import DDBPN
from harness.models.drcn import DRCN
from harness.models.drrn import DRRN
from harness.models.edsr import EDSR, MDSR
from harness.models.espcn import ESPCN
from harness.models.falsr import (
    FALSR,
    FALSR_A,
    FALSR_B,
    FALSR_C,
    MOREMNAS_A_STAND_IN,
    MOREMNAS_C,
    MOREMNAS_D,
)
from harness.models.fsrcnn import FSRCNN
from harness.models.imdn import IMDN
from harness.models.lapsrn import LapSRN
from harness.models.memnet import MemNet
from harness.models.msrn import MSRN
from harness.models.rcan import RCAN
from harness.models.rdn import RDN
from harness.models.rlfn import RLFN
from harness.models.selnet import SelNet
from harness.models.srcnn import SRCNN
from harness.models.srdensenet import SRDenseNet
from harness.models.srmdnf import SRMDNF
from harness.models.srresnet import SRResNet
from harness.models.vdsr import VDSR
from harness.models.wdsr import WDSR

ALL_SCALES = (2, 3, 4, 8)


@dataclass(frozen=True, slots=True)
class Variant:
    """A network that can be built.

    Attributes:
        id: Name on the command line, snake_case.
        label: Name in tables, as printed in the paper.
        source: Where it is described.
        constructor: Keyword-only callable; takes ``scale`` and what may be overridden.
        scales: Upscaling factors it is defined for.
    """

    id: str
    label: str
    source: str
    constructor: Callable[..., nn.Module]
    scales: tuple[int, ...] = ALL_SCALES

    def options(self) -> tuple[str, ...]:
        """Return what can be overridden, besides the scale."""
        parameters = inspect.signature(self.constructor).parameters
        return tuple(name for name in parameters if name != "scale")

    def build(self, *, scale: int, **overrides: Any) -> nn.Module:
        """Build the network with PyTorch's own random initialisation.

        Raises:
            TypeError: An override that the constructor does not know.
            ValueError: A scale or value that the network cannot have.
        """
        if scale not in self.scales:
            known = ", ".join(f"x{known}" for known in self.scales)
            raise ValueError(f"{self.id} is defined for {known}, not x{scale}")
        return self.constructor(scale=scale, **overrides)


_B = partial(AWSRN, kernel_sizes=(3,), weighted=False)

VARIANTS: tuple[Variant, ...] = (
    Variant("bicubic", "Bicubic", "MATLAB imresize", partial(Bicubic, rounded=True)),
    Variant("wdsr_basic", "WDSR", "Table 1, Basic RU", WDSR),
    Variant("wdsr_wru", "WDSR w/ wRU", "Table 1, wRU", partial(WDSR, unit="wru")),
    Variant("wdsr_awru", "WDSR w/ AWRU", "Table 1, AWRU", partial(WDSR, unit="awru")),
    Variant(
        "wdsr_awms",
        "WDSR w/ AWMS",
        "Table 3",
        partial(WDSR, kernel_sizes=(3, 5, 7, 9), weighted=True),
    ),
    Variant(
        "wdsr_skip3", "WDSR, 3x3 skip", "base of Table 2's counts", partial(WDSR, skip_kernel=3)
    ),
    Variant("awsrn", "AWSRN", "Sec. 4.4", AWSRN),
    Variant("awsrn_m", "AWSRN-M", "Sec. 4.4", partial(AWSRN, num_blocks=3)),
    Variant("awsrn_s", "AWSRN-S", "Sec. 4.4", partial(AWSRN, num_blocks=1)),
    Variant(
        "awsrn_sd", "AWSRN-SD", "Sec. 4.4", partial(AWSRN, num_blocks=1, num_units=8, channels=16)
    ),
    Variant("awsrn_b", "AWSRN-B", "Tables 2 and 3", _B),
    Variant("awsrn_na", "AWSRN-NA", "Table 2", partial(_B, unit="basic")),
    Variant("awsrn_nl", "AWSRN-NL", "Table 2", partial(_B, fusion_kernel=None)),
    Variant("srcnn", "SRCNN", "Dong et al., TPAMI 2016", SRCNN),
    Variant("fsrcnn", "FSRCNN", "Dong et al., ECCV 2016", FSRCNN),
    Variant("espcn", "ESPCN", "Shi et al., CVPR 2016", ESPCN),
    Variant("vdsr", "VDSR", "Kim et al., CVPR 2016", VDSR),
    Variant("drcn", "DRCN", "Kim et al., CVPR 2016", DRCN),
    Variant("lapsrn", "LapSRN", "Lai et al., CVPR 2017", LapSRN, (2, 4, 8)),
    Variant("drrn", "DRRN", "Tai et al., CVPR 2017", DRRN),
    Variant("memnet", "MemNet", "Tai et al., ICCV 2017", MemNet),
    Variant("srdensenet", "SRDenseNet", "Tong et al., ICCV 2017", SRDenseNet, (4,)),
    Variant("selnet", "SelNet", "Choi & Kim, CVPRW 2017", SelNet, (2, 3, 4)),
    Variant("srmdnf", "SRMDNF", "Zhang et al., CVPR 2018", SRMDNF, (2, 3, 4)),
    Variant("msrn", "MSRN", "Li et al., ECCV 2018", MSRN),
    Variant("carn", "CARN", "Ahn et al., ECCV 2018", CARN, (2, 3, 4)),
    Variant("carn_m", "CARN-M", "Ahn et al., ECCV 2018", partial(CARN, groups=4), (2, 3, 4)),
    Variant("falsr_a", "FALSR-A", "Chu et al., ICPR 2020", partial(FALSR, graph=FALSR_A), (2,)),
    Variant("falsr_b", "FALSR-B", "Chu et al., ICPR 2020", partial(FALSR, graph=FALSR_B), (2,)),
    Variant("falsr_c", "FALSR-C", "Chu et al., ICPR 2020", partial(FALSR, graph=FALSR_C), (2,)),
    Variant(
        "moremnas_a",
        "MoreMNAS-A",
        "stand-in with the published totals, not the authors' network",
        partial(FALSR, graph=MOREMNAS_A_STAND_IN),
        (2,),
    ),
    Variant(
        "moremnas_c",
        "MoreMNAS-C",
        "Chu et al., ECCVW 2020",
        partial(FALSR, graph=MOREMNAS_C),
        (2,),
    ),
    Variant(
        "moremnas_d",
        "MoreMNAS-D",
        "Chu et al., ECCVW 2020",
        partial(FALSR, graph=MOREMNAS_D),
        (2,),
    ),
    Variant("srresnet", "SRResNet", "Ledig et al., CVPR 2017", SRResNet),
    Variant(
        "edsr_baseline",
        "EDSR-baseline",
        "Lim et al., CVPRW 2017",
        partial(EDSR, num_blocks=16, channels=64, residual_scaling=1.0),
    ),
    Variant("edsr", "EDSR", "Lim et al., CVPRW 2017", EDSR),
    Variant("mdsr", "MDSR", "Lim et al., CVPRW 2017", MDSR, (2, 3, 4)),
    Variant("rdn", "RDN", "Zhang et al., CVPR 2018", RDN),
    Variant("rcan", "RCAN", "Zhang et al., ECCV 2018", RCAN),
    Variant("ddbpn", "D-DBPN", "Haris et al., CVPR 2018", DDBPN, (2, 4, 8)),
    Variant("imdn", "IMDN", "Hui et al., ACM MM 2019", IMDN, (2, 3, 4)),
    Variant("rlfn", "RLFN", "Kong et al., CVPRW 2022, as in NTIRE 2022", RLFN, (4,)),
    Variant("vdsr_biased", "VDSR, biased", "the authors' weights", partial(VDSR, bias=True)),
    Variant(
        "drrn_plain",
        "DRRN, no batch norm",
        "B1U25 of a public PyTorch version",
        partial(DRRN, batch_norm=False),
    ),
    Variant("lapsrn_d5", "LapSRN, depth 5", "the authors' weights", partial(LapSRN, depth=5), (8,)),
    Variant(
        "srmdnf_merged",
        "SRMDNF, merged",
        "the released weights, batch norm merged in",
        partial(SRMDNF, batch_norm=False),
        (2, 3, 4),
    ),
    Variant(
        "carn_multi",
        "CARN, x2-x4",
        "one network for all scales, as trained",
        partial(CARN, scales=(2, 3, 4)),
        (2, 3, 4),
    ),
    Variant(
        "carn_m_multi",
        "CARN-M, x2-x4",
        "the authors' weights",
        partial(CARN, groups=4, scales=(2, 3, 4)),
        (2, 3, 4),
    ),
)


def _by_id(variants: tuple[Variant, ...]) -> dict[str, Variant]:
    table = {variant.id: variant for variant in variants}
    if len(table) != len(variants):
        raise ValueError("two variants have the same id")
    return table


_TABLE = _by_id(VARIANTS)


def names() -> tuple[str, ...]:
    """Return the ids of all registered networks, in paper order."""
    return tuple(_TABLE)


def get(name: str) -> Variant:
    """Return a network by its id, or a user's own by ``pkg.module:Class`` or ``file.py:Class``.

    A user's class takes ``scale`` as a keyword; where it does not, it is taken to be
    for any scale.

    Raises:
        LookupError: There is no such id, module, file or class; the message says which.
    """
    if name in _TABLE:
        return _TABLE[name]
    if ":" not in name:
        raise LookupError(f"unknown model '{name}'")
    return _external(name)


def _external(name: str) -> Variant:
    where, _, attribute = name.rpartition(":")
    module = _import_file(Path(where)) if where.endswith(".py") else _import_module(where)
    constructor = getattr(module, attribute, None)
    if not callable(constructor):
        classes = [key for key, value in vars(module).items() if _is_network(value, module)]
        raise LookupError(
            f"'{where}' has no class '{attribute}' (networks there: {', '.join(classes) or 'none'})"
        )
    if "scale" not in inspect.signature(constructor).parameters:
        constructor = partial(_without_scale, constructor)
    return Variant(name, attribute, where, constructor)


def _without_scale(constructor: Callable[..., nn.Module], *, scale: int, **rest: Any) -> nn.Module:
    del scale
    return constructor(**rest)


def _is_network(value: object, module: object) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, nn.Module)
        and value.__module__ == getattr(module, "__name__", None)
    )


def _import_module(where: str) -> object:
    try:
        return importlib.import_module(where)
    except Exception as error:  # a user's module may raise anything at all
        raise LookupError(f"cannot import '{where}': {error}") from error


def _import_file(path: Path) -> object:
    if not path.is_file():
        raise LookupError(f"there is no file '{path}'")
    name = f"_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise LookupError(f"'{path}' is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a user's file may raise anything at all
        del sys.modules[name]
        raise LookupError(f"cannot import '{path}': {type(error).__name__}: {error}") from error
    return module
