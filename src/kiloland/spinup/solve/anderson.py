"""Anderson acceleration of a sequence of states, each the model's answer to the one before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.operator.tree import CascadeOperator
from kiloland.spinup.solve.forecast import State, advance
from kiloland.spinup.solve.productivity import Limitation

Float = NDArray[np.float64]

HISTORY = 20
"""States that are combined."""
YEARS = 100.0
"""Length of one run of the model."""
ROUNDS = 80
TOLERANCE = 1e-8
"""Largest change of a column's carbon by one run, relative."""
_RIDGE = 1e-12
_FARTHEST = 10.0
"""A proposal lies within this factor of the model's answer; else the answer itself is taken."""


def anderson_step(states: Sequence[Float], answers: Sequence[Float]) -> Float:
    """The next state from the last `states` [value, column] and the model's `answers` to them.

    x = sum_i a_i g(x_i) with sum a_i = 1 and least |sum_i a_i (g(x_i) - x_i)| in each column
    (Anderson 1965, J. ACM 12, 547; for spinup Khatiwala 2024, Sci. Adv. 10, eadn2839). Values that a
    combination would make negative or carry far off are those of the last answer.
    """
    newest = answers[-1]
    if len(states) < 2:
        return newest
    residuals = np.stack([answer - state for state, answer in zip(states, answers, strict=True)])
    scale = np.maximum(np.abs(newest), 1e-12)
    change = (residuals[1:] - residuals[:-1]) / scale
    wanted = residuals[-1] / scale
    matrix = np.einsum("ivc,jvc->cij", change, change)
    right = np.einsum("ivc,vc->ci", change, wanted)
    ridge = _RIDGE * np.trace(matrix, axis1=1, axis2=2)[:, None, None] + 1e-300
    weights = np.linalg.solve(matrix + ridge * np.eye(len(change)), right[..., None])[..., 0]
    moves = np.stack(answers[1:]) - np.stack(answers[:-1])
    proposed = newest - np.einsum("ci,ivc->vc", weights, moves)
    far = (proposed < newest / _FARTHEST) | (proposed > newest * _FARTHEST)
    return np.where(far, newest, proposed)


def fixed_point(
    model: Callable[[Float], Float], start: Float, rounds: int = ROUNDS, tolerance: float = TOLERANCE
) -> tuple[Float, int]:
    """The state [value, column] that the model returns unchanged, and the number of runs it took.

    Stops when no column's sum changes by more than `tolerance`, relative, or after `rounds` runs.
    """
    states: list[Float] = []
    answers: list[Float] = []
    state = start
    for number in range(1, rounds + 1):
        answer = model(state)
        change = np.abs(answer - state).sum(axis=0) / np.maximum(np.abs(answer).sum(axis=0), 1e-12)
        if change.max(initial=0.0) < tolerance:
            return answer, number
        states, answers = [*states, state][-HISTORY:], [*answers, answer][-HISTORY:]
        state = anderson_step(states, answers)
    return state, rounds


def accelerated_equilibrium(operator: CascadeOperator, limitation: Limitation, pools: Float) -> State:
    """The equilibrium by runs of a hundred years from `pools`, at the productivity of the equilibrium.

    The model is the operator itself; its fixed point is `steady_state`, found here without solving for it.
    """
    shape = pools.shape
    ratio = limitation.ratio(np.zeros(shape[-1]))

    def model(values: Float) -> Float:
        state = State(values.reshape(shape), ratio, ratio)
        return advance(operator, None, None, YEARS, state).pools.reshape(-1, shape[-1])

    values, _ = fixed_point(model, pools.reshape(-1, shape[-1]))
    return State(values.reshape(shape), ratio, ratio)
