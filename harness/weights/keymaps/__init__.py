"""Others' names of tensors, and ours; one module a family, named as in harness.models."""

from __future__ import annotations

from harness.weights.keymaps import (
    awsrn,
    bsrn,
    carn,
    drrn,
    edsr,
    efdn,
    falsr,
    fsrcnn,
    imdn,
    lapsrn,
    msrn,
    pan,
    rdn,
    rfdn,
    rlfn,
    smfanet,
    span,
    srmdnf,
    swinir,
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
    *rfdn.SCHEMES,
    *pan.SCHEMES,
    *bsrn.SCHEMES,
    *efdn.SCHEMES,
    *swinir.SCHEMES,
    *smfanet.SCHEMES,
    *span.SCHEMES,
    *vapsr.SCHEMES,
)
"""Every scheme that a file of weights may follow, in the order in which they are tried."""
