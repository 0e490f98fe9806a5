"""A training from files to a file, with its notes, its checkpoint and the share of a fine-tuning."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files.manifest import file_sha256
from kiloland.spinup.benchmark.splits import Split, few_shot, read_split
from kiloland.spinup.dataset.table import CellTable, read_dataset
from kiloland.spinup.learn.model import Architecture, Model, read_model, write_model
from kiloland.spinup.learn.training import FINE_TUNING, Report, Settings, train

Float = NDArray[np.float64]


@dataclass(frozen=True)
class TrainingRequest:
    """What ``kiloland spinup train`` is asked for; None means the usual number.

    ``start``: weights to go on from, on ``share`` of the training and validation cells.
    """

    dataset: Path
    split: Path
    output: Path
    seed: int = 0
    architecture: Architecture = Architecture.CLOSURE
    start: Path | None = None
    share: float = 1.0
    epochs: int | None = None
    width: int | None = None
    batch: int | None = None


def run_training(request: TrainingRequest, report: Report | None = None) -> Model:
    """Train, write the weights, remove the checkpoint.

    The checkpoint lies beside the weights (``NAME.checkpoint``); a training that was stopped goes on from it.
    Raises InputError where data set, split and weights do not belong together; nothing is written then.
    """
    if not 0.0 < request.share <= 1.0:
        raise InputError("the share of cells", found=request.share, expected="above 0, at most 1")
    split = read_split(request.split)
    table = read_dataset(request.dataset)
    if split.cells != table.cells:
        raise InputError(
            "the split is of another data set",
            file=request.split,
            variable="cells",
            found=split.cells,
            expected=f"{table.cells} cells of {request.dataset}",
        )
    if request.share < 1.0:
        split = few_shot(split, request.share)
    check_trainable(table, request.dataset)
    start = read_model(request.start) if request.start is not None else None
    settings = FINE_TUNING if start is not None else Settings()
    changed: dict[str, Any] = {"seed": request.seed, "architecture": request.architecture}
    for name in ("epochs", "width", "batch"):
        if getattr(request, name) is not None:
            changed[name] = getattr(request, name)
    settings = dataclasses.replace(settings, **changed)
    checkpoint = request.output.with_name(request.output.name + ".checkpoint")
    model = train(
        table,
        split.train,
        split.validation,
        settings,
        start=start,
        checkpoint=checkpoint,
        report=report,
        notes=training_notes(table, split, request),
    )
    write_model(request.output, model)
    checkpoint.unlink(missing_ok=True)
    return model


def check_trainable(table: CellTable, file: Path) -> None:
    """Raise InputError where the data set has no truth or no operator."""
    for name, hint in (
        ("Y_soil4c_vr", "Its runs have no restart in equilibrium (final/r.*.nc)"),
        ("operator_decay", "Data sets made from pickled batches have no operator"),
    ):
        if name not in table:
            raise InputError("cannot be trained on", file=file, variable=name, hint=hint)


def training_notes(table: CellTable, split: Split, request: TrainingRequest) -> dict[str, Any]:
    """Where the weights come from, for their header."""
    members = json.loads(str(table.attributes.get("members", "[]")))
    return {
        "label": str(table.attributes.get("label", "")),
        "dataset": request.dataset.name,
        "dataset_sha256": file_sha256(request.dataset),
        "split": split.name,
        "split_sha256": split.sha256,
        "parameters_sha256": sorted({member["parameters_sha256"] for member in members}),
        "start_sha256": file_sha256(request.start) if request.start is not None else None,
        "trait_range": trait_range(table),
    }


def trait_range(table: CellTable) -> Mapping[str, tuple[float, float]]:
    """Smallest and largest value of each trait over plant types and parameter files."""
    ranges = {}
    for name in table.columns:
        if name.startswith("trait_"):
            values: Float = table[name][:, 1:]
            ranges[name[6:]] = (float(values.min()), float(values.max()))
    return ranges
