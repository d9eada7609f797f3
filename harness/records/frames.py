"""Records as pandas data frames, for notebooks and for export."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from harness.records.record import Record


def cells(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per record and set: what was run, its cost, its mean scores.

    Columns: ``id, model, label, scale, seed, steps, train, params, multi_adds, set, psnr_db,
    ssim, full_budget, commit``; units as in the record.
    """
    return pd.DataFrame(
        [
            {
                "id": record.id,
                "model": record.model,
                "label": record.label,
                "scale": record.scale,
                "seed": record.seed,
                "steps": record.steps,
                "train": record.data.train.name if record.data.train else None,
                "params": record.params,
                "multi_adds": record.multi_adds,
                "set": score.set,
                "psnr_db": score.psnr_db,
                "ssim": score.ssim,
                "full_budget": record.full_budget,
                "commit": record.provenance.commit,
            }
            for record in records
            for score in record.scores
        ]
    ).astype({"seed": "Int64", "multi_adds": "Int64"})


def images(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per record and image: ``id, model, scale, seed, set, image, psnr_db, ssim``.

    This is the form that paired comparisons need.
    """
    return pd.DataFrame(
        [
            {
                "id": record.id,
                "model": record.model,
                "scale": record.scale,
                "seed": record.seed,
                "set": score.set,
                "image": image.name,
                "psnr_db": image.psnr_db,
                "ssim": image.ssim,
            }
            for record in records
            for score in record.scores
            for image in score.images
        ]
    ).astype({"seed": "Int64"})
