"""Records of scored weights and of networks trained here, made for a test."""

import dataclasses
from pathlib import Path

import pytest

from harness.records.origin import Inputs, RecordedSettings, ScoredWeights
from harness.records.record import ImageScore, Record, SetScore
from harness.reports.tables.latex import to_latex

TEMPLATE = Record.from_json(
    (Path(__file__).parents[2] / "files" / "record.json").read_text(), source="record.json"
)


def _score(name, psnr_db, ssim=0.9):
    return SetScore.of(name, "files", "0" * 64, (ImageScore("one", psnr_db, ssim),))


def _of_weights(sha256, model, psnr_db, *, protocol="awsrn", sets=("Set5",), ssim=0.9, **changes):
    """Make the record of scored weights."""
    return dataclasses.replace(
        TEMPLATE,
        id=f"{model}-{protocol}",
        group="",
        model=model,
        label=model,
        overrides={},
        drop=(),
        seed=None,
        steps=0,
        full_budget=True,
        protocol=protocol,
        scores=tuple(_score(name, psnr_db, ssim) for name in sets),
        config=RecordedSettings(),
        data=Inputs(weights=ScoredWeights(f"{model}.pth", sha256, "")),
        **changes,
    )


def _trained(model, psnr_db, *, steps, seed=0, group="g1", protocol="awsrn"):
    """Make the record of a network trained here."""
    return dataclasses.replace(
        TEMPLATE,
        id=f"{model}-{steps}-s{seed}-{protocol}",
        group=group,
        model=model,
        overrides={},
        drop=(),
        seed=seed,
        steps=steps,
        full_budget=False,
        protocol=protocol,
        scores=(_score("Set5", psnr_db),),
    )


@pytest.fixture
def of_weights():
    """What makes the record of scored weights."""
    return _of_weights


@pytest.fixture
def trained():
    """What makes the record of a network trained here."""
    return _trained


@pytest.fixture
def latex_document():
    """What makes a whole LaTeX document that shows a table alone."""

    def document(table):
        head = [
            r"\documentclass{article}",
            r"\usepackage[a4paper,margin=2cm]{geometry}",
            r"\usepackage{amssymb,booktabs,graphicx,longtable}",
            r"\pagestyle{empty}",
            r"\begin{document}",
        ]
        return "\n".join(head) + "\n" + to_latex(table) + "\\end{document}\n"

    return document
