"""The ledger sees every way that water and heat can take."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kiloland.craft.synthetic import make_synthetic_case
from kiloland.land.biophysics.ground_heat import advance_temperature, prescribed_heat
from kiloland.land.ledger import BARS, BUDGETS, Budget, _water, enter_step, open_ledger
from kiloland.land.step import Settings, ground_state, with_ground
from kiloland.run.case import read_case
from kiloland.run.model import Model, open_model
from kiloland.run.ranks import Ranks


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A small synthetic case at its start."""
    folder = tmp_path_factory.mktemp("ledger")
    case = make_synthetic_case(folder, cells=10, days=1, surface_flux="bare-ground")
    return open_model(read_case(case), Ranks(None, 0, 1))


def test_melt_of_a_pack_without_layers_leaves_the_column_and_is_accounted(model: Model) -> None:
    part = model.parts[0]
    state, constants = part.states[0], part.prepared.constants[0]
    columns = state.column.snow_water.shape[0]
    column = dataclasses.replace(
        state.column, snow_water=jnp.full(columns, 2.0), snow_depth=jnp.full(columns, 0.008)
    )
    before = dataclasses.replace(state, column=column)
    warm = prescribed_heat(jnp.full(columns, 150.0), jnp.full(columns, -20.0))
    advance = jax.jit(advance_temperature, static_argnums=3)
    heat = advance(constants.soil, ground_state(before), warm, 1800.0)
    nothing = SimpleNamespace(light=SimpleNamespace(sunlit_fraction=before.patch.sunlit_fraction))
    after = with_ground(before, heat, nothing)  # type: ignore[arg-type]

    melted = np.asarray(before.column.snow_water - after.column.snow_water)
    budget = _water(before, after, SimpleNamespace(heat=heat), Settings(timestep=1800.0))  # type: ignore[arg-type]

    assert (melted > 0.1).all()
    assert np.abs(np.asarray(budget.error)).max() <= BARS["water"]


def test_the_ledger_keeps_the_largest_error_and_adds_up_the_terms() -> None:
    ledger = open_ledger(2)
    for number, error in enumerate((1.0, -3.0, 2.0), start=1):
        budget = Budget(jnp.array([1.0, 2.0]), jnp.array([0.5, 1.5]), jnp.array([error, 0.0]))
        ledger = enter_step(ledger, (budget,) * len(BUDGETS), number)

    assert np.asarray(ledger.largest_error[0]).tolist() == [3.0, 0.0]
    assert np.asarray(ledger.entered[1]).tolist() == [3.0, 6.0]
    assert np.asarray(ledger.accounted[2]).tolist() == [1.5, 4.5]
    assert np.asarray(ledger.worst_step[0]).tolist() == [2.0, 0.0]
    assert np.asarray(ledger.worst_entering[0]).tolist() == [1.0, 0.0]


def test_what_is_not_a_number_stays_the_largest_error() -> None:
    ledger = open_ledger(1)
    for number, error in enumerate((jnp.nan, 5.0), start=1):
        one = jnp.ones(1)
        ledger = enter_step(ledger, (Budget(one, one, jnp.array([error])),) * len(BUDGETS), number)

    assert np.isnan(np.asarray(ledger.largest_error)).all()
    assert np.asarray(ledger.worst_step).tolist() == [[1.0]] * len(BUDGETS)
