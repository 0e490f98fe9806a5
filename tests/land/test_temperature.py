"""Temperature of snow, pond and ground: what holds for any column, without reference data."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ground_samples import sample_ground, sample_heat, sample_soil

from kiloland.land.biophysics.constants import FREEZING_POINT, LATENT_HEAT_FUSION
from kiloland.land.biophysics.ground_heat import GroundHeat, advance_temperature, prescribed_heat
from kiloland.land.biophysics.ground_state import GroundState, ground_temperature
from kiloland.land.biophysics.phase_change import FREEZING, MELTING
from kiloland.land.biophysics.soil_temperature import SurfaceHeat, solve_temperature, solve_tridiagonal
from kiloland.land.biophysics.thermal_properties import soil_thermal_conductivity, thermal_properties
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import SNOW_LAYERS, column_grid, ground_grid, snow_layer_mask

STEP = 1800.0
COLUMNS = 640

advance = jax.jit(advance_temperature, static_argnames="timestep")


@pytest.fixture(scope="module")
def case() -> tuple[SoilProperties, GroundState, SurfaceHeat]:
    return sample_soil(COLUMNS), sample_ground(COLUMNS), sample_heat(COLUMNS)


@pytest.fixture(scope="module")
def result(case: tuple[SoilProperties, GroundState, SurfaceHeat]) -> GroundHeat:
    return advance(*case, STEP)


def column_slice(tree: object, columns: slice) -> object:
    return jax.tree.map(lambda leaf: leaf[..., columns], tree)


def test_vertical_grid_has_elm_depths() -> None:
    grid = ground_grid()
    assert grid.node[0] == pytest.approx(0.007100635417193535, abs=0.0)
    assert grid.node[-1] == pytest.approx(35.17762120511739, abs=0.0)
    np.testing.assert_allclose(np.diff(grid.interface)[:-1].sum() + grid.thickness[-1], 42.103197, atol=1e-6)
    np.testing.assert_allclose(np.diff(grid.interface), grid.thickness, rtol=1e-12)


@pytest.mark.parametrize("number", range(6))
def test_active_snow_layers_are_the_last_rows(number: int) -> None:
    mask = np.asarray(snow_layer_mask(jnp.asarray([-number])))[:, 0]
    assert mask.tolist() == [False] * (5 - number) + [True] * number


def test_tridiagonal_solver_equals_a_dense_solve() -> None:
    random = np.random.default_rng(0)
    lower, upper = random.uniform(-1, 0, (2, 20, 7))
    diagonal = 1.0 - np.concatenate([lower[:1] * 0, lower[1:]]) - np.concatenate([upper[:-1], upper[-1:] * 0])
    right = random.uniform(250, 300, (20, 7))
    ours = np.asarray(solve_tridiagonal(*(jnp.asarray(a) for a in (lower, diagonal, upper, right))))
    for column in range(7):
        below, above = lower[1:, column], upper[:-1, column]
        matrix = np.diag(diagonal[:, column]) + np.diag(below, -1) + np.diag(above, 1)
        np.testing.assert_allclose(ours[:, column], np.linalg.solve(matrix, right[:, column]), rtol=1e-13)


def test_heat_balance_closes_in_every_column(result: GroundHeat) -> None:
    assert float(jnp.max(jnp.abs(result.budget.residual))) < 1e-7
    assert float(jnp.max(jnp.abs(result.budget.surface))) > 50.0


def test_samples_freeze_and_melt_everywhere(result: GroundHeat) -> None:
    phase = np.asarray(result.phase.phase)
    assert (phase[:SNOW_LAYERS] == MELTING).sum() > 10
    assert (phase[:SNOW_LAYERS] == FREEZING).sum() > 10
    assert (phase[SNOW_LAYERS:] == MELTING).sum() > 100
    assert (phase[SNOW_LAYERS:] == FREEZING).sum() > 100
    assert (np.asarray(result.pond.ice_formed) > 0.0).sum() > 10
    assert (np.asarray(result.phase.layerless_melt) > 0.0).sum() > 2


def test_water_is_conserved(
    case: tuple[SoilProperties, GroundState, SurfaceHeat], result: GroundHeat
) -> None:
    before, after = case[1], result.state
    ground = slice(SNOW_LAYERS, None)

    def total(state: GroundState) -> np.ndarray:
        return np.asarray(state.liquid_water + state.ice)

    np.testing.assert_allclose(total(after)[ground], total(before)[ground], rtol=1e-13)
    layered = np.asarray(before.snow_index) < 0
    gained = np.where(layered, np.asarray(result.pond.ice_formed) * STEP, 0.0)
    snow = slice(0, SNOW_LAYERS)
    np.testing.assert_allclose(
        total(after)[snow].sum(0), total(before)[snow].sum(0) + gained, rtol=1e-12, atol=1e-12
    )
    pack = after.snow_water + after.pond_water + result.phase.layerless_melt * STEP
    np.testing.assert_allclose(
        np.asarray(pack), np.asarray(before.snow_water + before.pond_water), rtol=1e-12
    )


def test_latent_heat_equals_the_change_of_ice(
    case: tuple[SoilProperties, GroundState, SurfaceHeat], result: GroundHeat
) -> None:
    before = np.asarray(case[1].ice).sum(0)
    pond_ice = np.where(np.asarray(case[1].snow_index) < 0, np.asarray(result.pond.ice_formed) * STEP, 0.0)
    melted = before + pond_ice - np.asarray(result.state.ice).sum(0)
    melted = melted + np.asarray(result.phase.layerless_melt) * STEP
    np.testing.assert_allclose(np.asarray(result.phase.heat) * STEP / LATENT_HEAT_FUSION, melted, atol=1e-9)


def test_inactive_snow_rows_are_untouched(
    case: tuple[SoilProperties, GroundState, SurfaceHeat], result: GroundHeat
) -> None:
    inactive = ~np.asarray(snow_layer_mask(case[1].snow_index))
    inactive[-1] = False  # pond ice leaves its temperature in the lowest row, as in ELM
    for name in ("temperature", "ice", "liquid_water"):
        before = np.asarray(getattr(case[1], name))[:SNOW_LAYERS]
        after = np.asarray(getattr(result.state, name))[:SNOW_LAYERS]
        assert np.array_equal(before[inactive], after[inactive]), name


def test_snow_with_ice_and_water_is_at_the_freezing_point(result: GroundHeat) -> None:
    state = result.state
    both = np.asarray((state.ice * state.liquid_water > 0.0) & (result.phase.phase > 0))[:SNOW_LAYERS]
    temperature = np.asarray(state.temperature)[:SNOW_LAYERS]
    assert both.sum() > 10
    assert np.all(temperature[both] == FREEZING_POINT)


@pytest.mark.parametrize("columns", [slice(0, 64), slice(64, 192), slice(128, 640)], ids=str)
def test_results_do_not_depend_on_block_size(
    case: tuple[SoilProperties, GroundState, SurfaceHeat], result: GroundHeat, columns: slice
) -> None:
    part = advance(*(column_slice(tree, columns) for tree in case), STEP)
    for ours, whole in zip(jax.tree.leaves(part), jax.tree.leaves(result), strict=True):
        assert np.array_equal(np.asarray(ours), np.asarray(whole)[..., columns])


def test_uniform_column_without_flux_keeps_its_temperature() -> None:
    soil, state = sample_soil(64), sample_ground(64)
    state = dataclasses.replace(
        state,
        temperature=jnp.full_like(state.temperature, 283.0),
        pond_temperature=jnp.full_like(state.pond_temperature, 283.0),
        ice=jnp.zeros_like(state.ice),
        snow_water=jnp.zeros_like(state.snow_water),
        snow_index=jnp.zeros_like(state.snow_index),
    )
    after = advance(soil, state, prescribed_heat(jnp.zeros(64), jnp.full(64, -10.0)), STEP)
    np.testing.assert_allclose(np.asarray(after.state.temperature)[SNOW_LAYERS:], 283.0, rtol=1e-14)
    np.testing.assert_allclose(np.asarray(ground_temperature(after.state)), 283.0, rtol=1e-14)


def test_solution_satisfies_conduction_row_by_row(
    case: tuple[SoilProperties, GroundState, SurfaceHeat],
) -> None:
    """Below the surface, c dT/dt equals the mean of old and new conductive flux divergence."""
    soil, state, heat = case
    grid = column_grid(
        state.snow_index, state.snow_thickness, state.snow_node_depth, state.snow_interface_depth
    )
    thermal = thermal_properties(grid, soil, state)
    new = solve_temperature(grid, thermal, state, heat, STEP).temperature
    mean = np.asarray(0.5 * (state.temperature + new))
    flux = np.asarray(thermal.conductance)[:-1] * np.diff(mean, axis=0)
    rows = slice(SNOW_LAYERS + 1, -1)
    gain = flux[SNOW_LAYERS + 1 :] - flux[SNOW_LAYERS:-1]
    stored = np.asarray(thermal.heat_capacity * (new - state.temperature))[rows] / STEP
    np.testing.assert_allclose(stored, gain, atol=1e-8)


def test_frozen_wet_soil_conducts_better_than_thawed() -> None:
    soil = sample_soil(8)
    thickness = jnp.asarray(ground_grid().thickness)[:, None] * jnp.ones((1, 8))
    water = 0.3 * thickness
    thawed = soil_thermal_conductivity(
        soil, thickness, jnp.full((15, 8), 280.0), water * 1000.0, jnp.zeros((15, 8))
    )
    frozen = soil_thermal_conductivity(
        soil, thickness, jnp.full((15, 8), 260.0), jnp.zeros((15, 8)), water * 917.0
    )
    assert np.all(np.asarray(frozen > thawed)[:10])
    assert np.all(np.asarray(frozen == thawed)[10:])


def test_gradients_are_finite(case: tuple[SoilProperties, GroundState, SurfaceHeat]) -> None:
    """Towards the state and the soil at once, over snow, ponds, frost and their absence."""
    soil, state, heat = (column_slice(tree, slice(0, 64)) for tree in case)
    names = ("temperature", "liquid_water", "ice", "pond_water", "effective_snow_fraction")

    def warmth(values: dict[str, jax.Array], properties: SoilProperties) -> jax.Array:
        after = advance_temperature(properties, dataclasses.replace(state, **values), heat, STEP)
        return jnp.mean(after.ground_temperature) + jnp.mean(after.state.ice)

    towards = {name: getattr(state, name) for name in names}
    gradient, soil_gradient = jax.jit(jax.grad(warmth, argnums=(0, 1)))(towards, soil)
    for name in names:
        assert bool(jnp.all(jnp.isfinite(gradient[name]))), name
        assert float(jnp.max(jnp.abs(gradient[name]))) > 0.0, name
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(soil_gradient))
