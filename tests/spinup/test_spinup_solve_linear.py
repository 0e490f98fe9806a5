"""The linear solvers of the cascade against dense matrices, and their gradients against differences."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from kiloland.spinup.cascade import LAYERS, MIXED, POOLS, SECONDS_PER_YEAR, TRANSITIONS, layers
from kiloland.spinup.operator import CascadeOperator, MineralPhosphorus
from kiloland.spinup.solve import carbon_tendency, finite_time, steady_carbon
from kiloland.spinup.solve.steady import carbon_kept, carbon_loss

RATES = np.array([1.2, 0.0726, 0.0141, 0.001, 0.0726, 0.0141, 0.0014, 0.0001]) / 86400.0
RESPIRED = np.array([0.39, 0.55, 0.29, 0.28, 0.46, 0.55, 1.0, 0.0, 0.0])
PATH = np.array([1.0] * 7 + [0.76, 0.24])


def some_operator(columns: int, seed: int = 1) -> CascadeOperator:
    """An operator of plausible numbers, different in each column."""
    random = np.random.default_rng(seed)
    grid = layers()
    depth = np.exp(-grid.node / 0.33)[:, None]
    scalar = depth * random.uniform(0.1, 0.6, (LAYERS, columns))
    shape = (len(POOLS), LAYERS, columns)
    litter = np.zeros(shape)
    litter[:4] = (
        1e-5 * np.exp(-grid.node / 0.2)[None, :, None] * random.uniform(0.5, 1.5, (4, LAYERS, columns))
    )
    transitions = np.ones((len(TRANSITIONS), LAYERS, columns))
    rates = jnp.full(columns, 1e-10)
    layered = jnp.zeros((LAYERS, columns))
    return CascadeOperator(
        thickness=jnp.asarray(grid.thickness),
        spacing=jnp.asarray(grid.spacing),
        decay=jnp.asarray(RATES[:, None, None] * scalar[None]),
        respired=jnp.asarray(RESPIRED[:, None, None] * transitions),
        path=jnp.asarray(PATH[:, None, None] * transitions),
        diffusivity=jnp.asarray(random.uniform(3e-12, 2e-11, (LAYERS - 1, columns))),
        fire=jnp.asarray(random.uniform(0.0, 1e-11, shape)),
        litter_input=jnp.asarray(litter),
        litter_input_n=jnp.asarray(litter / 60.0),
        litter_input_p=jnp.asarray(litter / 900.0),
        biochemical_p=jnp.zeros(shape),
        mineral=MineralPhosphorus(rates, rates, rates, rates, rates, rates, layered, layered),
    )


def dense(operator: CascadeOperator, column: int) -> np.ndarray:
    """The matrix of a column, built entry by entry from the equation."""
    size = len(POOLS) * LAYERS
    matrix = np.zeros((size, size))
    thickness, spacing = np.asarray(operator.thickness), np.asarray(operator.spacing)
    for pool in range(len(POOLS)):
        for layer in range(LAYERS):
            here = pool * LAYERS + layer
            matrix[here, here] -= float(carbon_loss(operator)[pool, layer, column])
        for edge in range(LAYERS - 1) if pool in MIXED else ():
            flow = float(operator.diffusivity[edge, column]) / spacing[edge]
            above, below = pool * LAYERS + edge, pool * LAYERS + edge + 1
            for target, sign in ((above, -1.0), (below, 1.0)):
                layer = target - pool * LAYERS
                matrix[target, above] += sign * flow / thickness[layer]
                matrix[target, below] -= sign * flow / thickness[layer]
    kept = np.asarray(carbon_kept(operator) * operator.path)
    for number, (donor, receiver) in enumerate(TRANSITIONS):
        for layer in range(LAYERS) if receiver >= 0 else ():
            rate = kept[number, layer, column] * float(operator.decay[donor, layer, column])
            matrix[receiver * LAYERS + layer, donor * LAYERS + layer] += rate
    return matrix


def test_the_steady_state_is_that_of_the_dense_system() -> None:
    operator = some_operator(3)
    pools = np.asarray(steady_carbon(operator))
    for column in range(3):
        source = np.asarray(operator.litter_input)[:, :, column].ravel()
        expected = np.linalg.solve(dense(operator, column), -source)
        np.testing.assert_allclose(pools[:, :, column].ravel(), expected, rtol=1e-11)


def test_nothing_changes_in_the_steady_state_and_the_carbon_budget_closes() -> None:
    operator = some_operator(3)
    pools = steady_carbon(operator)
    change = np.abs(np.asarray(carbon_tendency(operator, pools)))
    assert (change <= 1e-12 * np.asarray(carbon_loss(operator) * pools).max()).all()
    thickness = operator.thickness[None, :, None]
    respired = sum(
        operator.respired[number] * operator.path[number] * operator.decay[donor] * pools[donor]
        for number, (donor, _) in enumerate(TRANSITIONS)
    )
    losses = (respired[None] * thickness).sum((0, 1)) + (operator.fire * pools * thickness).sum((0, 1))
    np.testing.assert_allclose(losses, (operator.litter_input * thickness).sum((0, 1)), rtol=1e-11)


@pytest.mark.parametrize("years", [0.5, 40.0, 3000.0])
def test_a_finite_time_is_the_matrix_exponential(years: float) -> None:
    operator = some_operator(2)
    start = 0.3 * np.asarray(steady_carbon(operator))
    reached = np.asarray(finite_time(operator, jnp.asarray(start), years))
    for column in range(2):
        matrix = dense(operator, column)
        rest = np.linalg.solve(matrix, -np.asarray(operator.litter_input)[:, :, column].ravel())
        growth = scipy.linalg.expm(matrix * years * SECONDS_PER_YEAR)
        expected = rest + growth @ (start[:, :, column].ravel() - rest)
        error = np.abs(reached[:, :, column].ravel() - expected)
        assert error.max() < 1e-8 * np.abs(expected).max()


def test_no_time_changes_nothing_and_long_times_reach_the_steady_state() -> None:
    operator = some_operator(2)
    start = jnp.ones((len(POOLS), LAYERS, 2))
    assert finite_time(operator, start, 0.0) is start
    late = np.asarray(finite_time(operator, start, 1e7))
    np.testing.assert_allclose(late[:, :8], np.asarray(steady_carbon(operator))[:, :8], rtol=1e-6)


def test_gradients_agree_with_differences() -> None:
    operator = some_operator(1)
    names = ("decay", "respired", "path", "diffusivity", "fire", "litter_input")
    random = np.random.default_rng(7)
    values = {field: getattr(operator, field) for field in operator.__dataclass_fields__}
    tangents = {n: jnp.asarray(random.uniform(0.5, 1.0, values[n].shape)) * values[n] for n in names}

    @jax.jit
    def total(steps: jax.Array) -> jax.Array:
        moved = {n: values[n] + step * tangents[n] for n, step in zip(names, steps, strict=True)}
        pools = steady_carbon(CascadeOperator(**{**values, **moved}))
        return (pools[:, :7] * operator.thickness[None, :7, None]).sum()

    slopes = jax.grad(total)(jnp.zeros(len(names)))
    for number in range(len(names)):
        step = jnp.zeros(len(names)).at[number].set(1e-6)
        np.testing.assert_allclose(slopes[number], (total(step) - total(-step)) / 2e-6, rtol=1e-6)


def test_columns_do_not_depend_on_each_other() -> None:
    many, one = some_operator(4), some_operator(4)
    single = jax.tree.map(lambda array: array[..., 2:3] if array.shape[-1] == 4 else array, one)
    np.testing.assert_allclose(steady_carbon(many)[..., 2:3], steady_carbon(single), rtol=1e-13)
