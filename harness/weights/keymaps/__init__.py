"""Others' names of tensors, and ours; one module a family, named as in harness.models."""

from __future__ import annotations

from harness.weights.keymaps import (
    awsrn,
    carn,
    drrn,
    edsr,
    falsr,
    fsrcnn,
    imdn,
    lapsrn,
    msrn,
    rdn,
    rlfn,
    smfanet,
    span,
    srmdnf,
    vapsr,
    vdsr,
    wdsr,
)
from harness.weights.keymaps.scheme import Scheme

SCHEMES: tuple[Scheme, ...] = (
    *awsrn.SCHEMES,
    *carn.SCHEMES,
    *drrn.SCHEMES,
    *srmdnf.SCHEMES,
    *vdsr.SCHEMES,
    *fsrcnn.SCHEMES,
    *lapsrn.SCHEMES,
    *falsr.SCHEMES,
    *imdn.SCHEMES,
    *rlfn.SCHEMES,
    *edsr.SCHEMES,
    *msrn.SCHEMES,
    *rdn.SCHEMES,
    *wdsr.SCHEMES,
    *smfanet.SCHEMES,
    *span.SCHEMES,
    *vapsr.SCHEMES,
)
"""Every scheme that a file of weights may follow, in the order in which they are tried."""
