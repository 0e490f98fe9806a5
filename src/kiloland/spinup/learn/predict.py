"""Pools of equilibrium for a run, block by block: network, else solver, else scaling, as stated rules say."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files.manifest import file_sha256
from kiloland.spinup.dataset.fields import PLANT_TYPES
from kiloland.spinup.dataset.operators import operator_columns, operator_values
from kiloland.spinup.dataset.run import RunFiles, ShortRun
from kiloland.spinup.dataset.table import CellTable
from kiloland.spinup.learn.answers import blended, column_carbon, pools_by_name, raw_answer
from kiloland.spinup.learn.fitting import place_numbers
from kiloland.spinup.learn.judge import budget_numbers
from kiloland.spinup.learn.model import Architecture, Model, read_model
from kiloland.spinup.learn.problem import Problem, make_problem
from kiloland.spinup.learn.variables import CARBON, LAYER_ORDER, PLANT_ORDER
from kiloland.spinup.operator.read import read_block
from kiloland.spinup.operator.source import RunPaths, Source
from kiloland.spinup.pools import PoolWriter
from kiloland.spinup.tables import POOLS

Float = NDArray[np.float64]
Report = Callable[[int, int, str], None]

BLOCK: Final = 2048
FAR: Final = 2.0
"""Distance from the training cells above which the network is not used."""
OUTSIDE: Final = 1.0
"""Distance above which a cell is flagged."""
NOTES: Final = ("method_used", "uncertainty", "out_of_distribution")
TRAIT_MARGIN: Final = 0.05
"""Traits may lie outside the range of training by this share of it."""


class Method(IntEnum):
    """Where the pools of a column come from, as ``method_used`` in the file of pools."""

    NETWORK = 0
    SOLVER = 1
    SCALING = 2
    KEPT = 3


@dataclass(frozen=True)
class Prediction:
    """Pools of some cells by restart name, [cell, 17] or [cell, 10], and what is said of each cell.

    ``distrust``: score of the operator's own budget, above 1 the operator is not believed and the network
    answers alone; ``drift``: gC m-2 yr-1 that the changed operator sees in the answer.
    """

    pools: Mapping[str, Float]
    method: NDArray[np.int64]
    uncertainty: Float
    distance: Float
    distrust: Float
    drift: Float


@dataclass(frozen=True)
class Summary:
    """Counts over all cells of a prediction."""

    cells: int
    methods: Mapping[Method, int]
    alone: int
    outside: int
    uncertainty: float

    def json(self) -> str:
        """As JSON."""
        methods = {method.name.lower(): count for method, count in self.methods.items()}
        return json.dumps({**dataclasses.asdict(self), "methods": methods}, indent=2)

    def lines(self) -> list[str]:
        """As printed."""
        share = {method: 100.0 * count / max(self.cells, 1) for method, count in self.methods.items()}
        return [
            f"{self.cells} soil columns",
            *(
                f"  {method.name.lower():8s} {self.methods[method]:8d}  {share[method]:5.1f} %"
                for method in Method
            ),
            f"  network without the operator, whose budget does not close: {self.alone}",
            f"  climate outside the training (flagged): {self.outside}",
            f"  median standard deviation of log column carbon: {self.uncertainty:.3f}",
        ]


def predict_cells(model: Model, table: CellTable) -> Prediction:
    """Pools of the cells of a table that has its operator.

    Rules, per cell: the network's answer, with the operator where its budget closes, else alone; the
    solver's own answer where the cell is farther than 2 from the training or the network's answer is no
    number; scaling (the short run's pools in natural scale) where the operator is not believed either or the
    solver's answer is no number.
    """
    problem = make_problem(table, model.features)
    raw = raw_answer(model, problem)
    distance = model.judge.place.score(place_numbers(problem.inputs))
    score = model.judge.budget.score(budget_numbers(table, problem.operator))
    distrust = score / np.maximum(distance, 1.0)
    believed = np.asarray(distrust <= 1.0) & np.isfinite(problem.steady).all(axis=(0, 1))
    share = np.where(believed[:, None], model.judge.blend, 1.0)[:, None, :]
    if model.architecture is Architecture.DIRECT:
        share = np.zeros_like(share)
    layer, plant = blended(raw, share), raw.plant
    fine = np.isfinite(layer).all(axis=(1, 2)) & np.isfinite(plant).all(axis=(1, 2)) & (distance <= FAR)
    method = np.where(fine, Method.NETWORK, np.where(believed, Method.SOLVER, Method.SCALING)).astype(
        np.int64
    )
    solver = method[:, None, None] == Method.SOLVER
    scaling = method[:, None, None] == Method.SCALING
    layer = np.where(solver, problem.layer, np.where(scaling, scaled_layers(table, problem), layer))
    plant = np.where(solver | scaling, problem.plant, plant)
    uncertainty = np.where(fine, model.judge.uncertainty(np.nan_to_num(raw.summary)), np.nan)
    return Prediction(
        pools_by_name(problem, plant, layer),
        method,
        fallback_uncertainty(uncertainty, layer, plant, table, problem),
        distance,
        distrust,
        raw.drift,
    )


def scaled_layers(table: CellTable, problem: Problem) -> Float:
    """Layered pools of the short run in natural scale; mineral pools as in the base."""
    made = problem.layer.copy()
    for number in range(3 * len(CARBON)):
        made[..., number] = np.maximum(table[f"X_{LAYER_ORDER[number]}"], 0.0)
    return made


def fallback_uncertainty(
    known: Float, layer: Float, plant: Float, table: CellTable, problem: Problem
) -> Float:
    """Where the network is not used: |log| of the answer's carbon over that of scaling, at least 0.2."""
    cover = table["pft_cover"]
    given = column_carbon(layer, plant, cover)
    scaled = column_carbon(scaled_layers(table, problem), problem.plant, cover)
    spread = np.abs(np.log(np.maximum(given, 1.0e-3) / np.maximum(scaled, 1.0e-3)))
    return np.where(np.isfinite(known), known, np.maximum(spread, 0.2))


def without_operator(model: Model) -> Model:
    """The same network answering alone: its soil carbon does not come from the operator."""
    return dataclasses.replace(
        model, judge=dataclasses.replace(model.judge, blend=np.ones_like(model.judge.blend))
    )


def default_weights() -> Path:
    """The weights that ship with the package, trained on the generator's model world."""
    return Path(str(package_files("kiloland.spinup.learn") / "weights" / "default.weights"))


def predict_run(
    files: RunFiles,
    output: Path,
    weights: Path | None = None,
    *,
    other_parameters: bool = False,
    report: Report | None = None,
    block: int = BLOCK,
) -> Summary:
    """Write the file of pools of a run; memory grows with the cells of a block, not with the domain.

    Raises InputError where files lack fields, are of different runs, or where the network is of another
    variable list or other parameters (``other_parameters`` allows traits outside the range of training).
    """
    path = weights or default_weights()
    if weights is None and not path.exists():
        raise InputError(
            "no default weights are installed", file=path, hint="Give --weights, see kiloland spinup train"
        )
    model = read_model(path)
    paths = RunPaths(files.restart, files.history, files.surface, files.parameters)
    with ShortRun(files) as run, Source(paths) as source:
        check_parameters(model, run, path, other_parameters)
        state = int(np.ravel(run.restart["spinup_state"].read())[0])
        attributes = {
            "method": f"network ({model.architecture.value})",
            "target_year": "equilibrium",
            "source_restart": files.restart.name,
            "source_restart_sha256": file_sha256(files.restart),
            "source_spinup_state": state,
            "weights_sha256": file_sha256(path),
            "weights_label": str(model.notes.get("label", "")),
        }
        names = (*LAYER_ORDER, "sminn_vr", "labilep_vr", *PLANT_ORDER, "tlai")
        counts = Counter()
        patches = Answered(run)
        with PoolWriter(output, patches.keys, names, attributes, NOTES) as writer:
            for rows, table in run.blocks(block):
                whole = with_operator(table, source, rows, state)
                answer = predict_cells(model, whole)
                put_block(writer, patches, rows, answer)
                counts.add(answer)
                if report is not None:
                    report(rows.stop, run.rows, "columns")
    return counts.summary()


def with_operator(table: CellTable, source: Source, rows: slice, state: int) -> CellTable:
    """The block with its operator."""
    values = {**table.values, **operator_values(read_block(source, rows).operator)}
    columns = {**table.columns, **operator_columns()}
    return CellTable(columns, values, {"source_spinup_state": state})


class Counter:
    """Counts of a prediction over its blocks."""

    def __init__(self) -> None:
        self.methods = dict.fromkeys(Method, 0)
        self.alone = self.outside = 0
        self.medians: list[tuple[int, float]] = []

    def add(self, answer: Prediction) -> None:
        """Count a block."""
        for method in Method:
            self.methods[method] += int((answer.method == method).sum())
        network = answer.method == Method.NETWORK
        self.alone += int((network & (answer.distrust > 1.0)).sum())
        self.outside += int((answer.distance > OUTSIDE).sum())
        self.medians.append((answer.method.size, float(np.median(answer.uncertainty))))

    def summary(self) -> Summary:
        """Over all blocks; the median is the mean of those of the blocks."""
        cells = sum(size for size, _ in self.medians)
        median = sum(size * value for size, value in self.medians) / max(cells, 1)
        return Summary(cells, self.methods, self.alone, self.outside, median)


class Answered:
    """The patches that get an answer: of plant types with a slot, with weight on their column.

    All others are not in the file of pools and so keep what they have.
    """

    def __init__(self, run: ShortRun) -> None:
        keys = run.subgrid.keys
        if (np.diff(keys.pft_column) < 0).any():
            raise InputError(
                "patches do not follow the order of their columns",
                file=run.files.restart,
                variable="pfts1d_column_index",
            )
        known = np.flatnonzero((keys.pft_itypveg < PLANT_TYPES) & (run.subgrid.pft_weight > 0.0))
        self.column, self.kind = keys.pft_column[known], keys.pft_itypveg[known]
        self.keys = dataclasses.replace(keys, pft_column=self.column, pft_itypveg=self.kind)

    def of_block(self, rows: slice) -> slice:
        """The patches of a block of columns: ELM lists patches column by column."""
        first, last = (int(np.searchsorted(self.column, edge)) for edge in (rows.start, rows.stop))
        return slice(first, last)


def put_block(writer: PoolWriter, patches: Answered, rows: slice, answer: Prediction) -> None:
    """Write the pools of a block: columns as they are, patches from their slots."""
    chosen = patches.of_block(rows)
    column, kind = patches.column[chosen] - rows.start, patches.kind[chosen]
    for name, values in answer.pools.items():
        if POOLS[name].on_patches:
            writer.put(name, values[column, kind], start=chosen.start)
        else:
            writer.put(name, values, start=rows.start)
    writer.put("method_used", answer.method, start=rows.start)
    writer.put("uncertainty", answer.uncertainty, start=rows.start)
    writer.put("out_of_distribution", answer.distance, start=rows.start)


def check_parameters(model: Model, run: ShortRun, weights: Path, allowed: bool) -> None:
    """Raise InputError where a trait of a plant type that is present lies outside the range of training."""
    ranges: Mapping[str, Any] = model.notes.get("trait_range", {})
    known = model.notes.get("parameters_sha256", [])
    if allowed or file_sha256(run.files.parameters) in known:
        return
    there = np.unique(run.subgrid.keys.pft_itypveg[run.subgrid.pft_weight > 0.0])
    there = there[(there > 0) & (there < PLANT_TYPES)]
    for name, (low, high) in ranges.items():
        margin = TRAIT_MARGIN * (high - low) + 1.0e-9 * abs(high)
        values = run.traits[name][there]
        bad = np.flatnonzero((values < low - margin) | (values > high + margin))
        if bad.size:
            raise InputError(
                "the network was trained with other parameters",
                file=run.files.parameters,
                variable=name,
                where=f"plant type {int(there[bad[0]])}",
                found=float(values[bad[0]]),
                expected=f"{low:g} to {high:g}",
                hint=f"Train with this file, or add --other-parameters to use {weights.name} all the same",
            )
