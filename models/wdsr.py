"""The WDSR backbone of the ablations in Tables 1, 3 and 4."""

from __future__ import annotations

from collections.abc import Sequence

from harness.models.awsrn import AWSRN
from harness.models.parts import Factory


class WDSR(AWSRN):
    """WDSR-A with 16 wide-activation units (Yu et al., 2018), as the ablations use it.

    Structurally AWSRN without fusion, with a plain 3x3 tail and a 5x5 global path;
    with basic units it has the 1,190,100 parameters of the public WDSR baseline.

    ``forward`` is AWSRN's. Eq. (2) is then one chain of units, each of them Eq. (5) or (6), and
    the sum of Eq. (3) has one term without weight.
    """

    def __init__(
        self,
        *,
        scale: int,
        num_units: int = 16,
        channels: int = 32,
        inner_channels: int = 128,
        unit: str | Factory = "basic",
        tail: str | Factory = "awms",
        kernel_sizes: Sequence[int] = (3,),
        weighted: bool = False,
        skip_kernel: int = 5,
        lambda_init: Sequence[float] | None = None,
    ) -> None:
        """Build the network; the arguments are those of :class:`harness.models.awsrn.AWSRN`."""
        super().__init__(
            scale=scale,
            num_blocks=1,
            num_units=num_units,
            channels=channels,
            inner_channels=inner_channels,
            unit=unit,
            fusion_kernel=None,
            tail=tail,
            kernel_sizes=kernel_sizes,
            weighted=weighted,
            skip_kernel=skip_kernel,
            lambda_init=lambda_init,
        )
