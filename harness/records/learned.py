"""The adaptive weights that a network learned, as a record keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LearnedScalars:
    """The adaptive weights of a network, in the order of its depth; empty where it has none.

    Attributes:
        lambda_res: Of the residual branch, one per AWRU (Eq. 6).
        lambda_x: Of its skip.
        lfb_lambda_res: Of the fused features, one per LRFU (Eq. 4).
        lfb_lambda_x: Of its skip.
        alpha: Of the branches of AWMS by kernel size (Eq. 3).
    """

    lambda_res: tuple[float, ...] = ()
    lambda_x: tuple[float, ...] = ()
    lfb_lambda_res: tuple[float, ...] = ()
    lfb_lambda_x: tuple[float, ...] = ()
    alpha: dict[int, float] = field(default_factory=dict)
