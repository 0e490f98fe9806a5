"""What is fitted after the training: the judge, and how far the network alone is mixed in."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.dataset.table import CellTable
from kiloland.spinup.learn.answers import RawAnswer, blended, column_carbon, raw_answer
from kiloland.spinup.learn.features import Inputs
from kiloland.spinup.learn.judge import Judge, budget_numbers, fit_judge
from kiloland.spinup.learn.loss import true_pools
from kiloland.spinup.learn.model import Architecture, Model
from kiloland.spinup.learn.problem import Problem, make_problem
from kiloland.spinup.learn.variables import CARBON

Float = NDArray[np.float64]
Int = NDArray[np.int64]

SHARES: Final = np.linspace(0.0, 1.0, 11)
PREFERENCE: Final = 0.98
"""The network alone is mixed in only where it makes the error smaller than this times the closure's."""


def fitted_judge(model: Model, table: CellTable, train_cells: Int, validation_cells: Int) -> Judge:
    """The judge of a trained network; errors are those of validation cells."""
    training, other = table.take(np.sort(train_cells)), table.take(np.sort(validation_cells))
    seen, unseen = make_problem(training, model.features), make_problem(other, model.features)
    answer = raw_answer(model, unseen)
    plant, layer = true_pools(other)
    blend = np.zeros(len(CARBON))
    if model.architecture is Architecture.CLOSURE:
        blend = best_blend(answer, layer)
    given = column_carbon(blended(answer, blend), answer.plant, other["pft_cover"])
    wanted = column_carbon(layer, plant, other["pft_cover"])
    error = np.abs(np.log(np.maximum(given, 1.0) / np.maximum(wanted, 1.0)))
    return fit_judge(
        budget_numbers(training, seen.operator),
        place_numbers(seen.inputs),
        raw_answer(model, seen).summary,
        answer.summary,
        error,
        blend,
    )


def place_numbers(inputs: Inputs) -> Float:
    """What a cell is told apart by: climate and ground, [cell, number]."""
    return np.concatenate([inputs.climate, inputs.ground], axis=1).astype(np.float64)


def best_blend(answer: RawAnswer, truth: Float) -> Float:
    """Share of the network alone for each pool with the least squared error on validation cells, [pool]."""
    pools = len(CARBON)
    errors = []
    for share in SHARES:
        carbon = blended(answer, np.full(pools, share))[..., :pools]
        errors.append(np.square(carbon - truth[..., :pools]).mean(axis=(0, 1)))
    table = np.stack(errors)
    best = table.argmin(axis=0)
    better = table.min(axis=0) < PREFERENCE**2 * table[0]
    return np.where(better, SHARES[best], 0.0)


def problem_of(model: Model, table: CellTable) -> Problem:
    """The problem of a table for this model."""
    return make_problem(table, model.features)
