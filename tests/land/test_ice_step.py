"""Land ice and wetlands alone: budgets close and nothing breaks, in all weathers."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from snow_samples import SPECIES, grain_tables, snow_optics

from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.biophysics.unvegetated_ground import GroundKind, bare_albedo
from kiloland.land.full_inputs import Surroundings
from kiloland.land.ice_fields import ice_budgets
from kiloland.land.ice_step import IceConstants, IceOutput, ice_step, renew_ice_albedo, stored_water
from kiloland.land.ledger import BARS, BUDGETS
from kiloland.land.state import ColumnState, LandState, PatchState
from kiloland.land.step import Settings, Weather
from kiloland.land.vertical import GROUND_LAYERS, SNOW_LAYERS, SOIL_LAYERS, TOTAL_LAYERS, ground_grid
from kiloland.variables import simulated_variables
from kiloland.verify.oracle import PROCESSES, Verdict, read_material, run_oracle

STEP = 1800.0
COLUMNS = 8
LENGTHS = {
    "levsno": SNOW_LAYERS,
    "levsno1": SNOW_LAYERS + 1,
    "levtot": TOTAL_LAYERS,
    "numrad": 2,
    "levcan": 1,
}
CONSTANTS = IceConstants(
    melt_shape=jnp.full(COLUMNS, 4.0), snow_optics=snow_optics(), grain_tables=grain_tables()
)
BOTH = pytest.mark.parametrize("kind", list(GroundKind))

step = jax.jit(ice_step, static_argnames=("settings", "kind"))
renew = jax.jit(renew_ice_albedo, static_argnames="kind")


def column_values(temperature: float, kind: GroundKind) -> dict[str, Array]:
    """Ground of one temperature (K) without snow, all ice or all water."""
    frozen = temperature < FREEZING_POINT
    mass = ground_grid().thickness[:, None] * (917.0 if frozen else 1000.0)
    wet = np.arange(GROUND_LAYERS)[:, None] < (SOIL_LAYERS if kind is GroundKind.WETLAND else GROUND_LAYERS)
    ground = jnp.asarray(np.broadcast_to(np.where(wet, mass, 0.0), (GROUND_LAYERS, COLUMNS)))
    snow = jnp.zeros((SNOW_LAYERS, COLUMNS))
    water = jnp.concatenate([snow, ground])
    return {
        "temperature": jnp.full_like(water, temperature).at[:SNOW_LAYERS].set(0.0),
        "ice": water if frozen else jnp.zeros_like(water),
        "liquid_water": jnp.zeros_like(water) if frozen else water,
        "ground_temperature": jnp.full(COLUMNS, temperature),
        "pond_temperature": jnp.full(COLUMNS, temperature),
        "effective_snow_fraction": jnp.ones(COLUMNS),
    }


def land(temperature: float, kind: GroundKind, cosine_zenith: float = 0.5, pack: float = 0.0) -> LandState:
    """Columns without snow, or with a pack of one layer of 250 kg m-3 at the temperature of the ground."""
    empty = {}
    for variable in simulated_variables():
        shape = (*(LENGTHS[dim] for dim in variable.dims[1:]), COLUMNS)
        empty[variable.state.split(".")[1]] = jnp.zeros(shape, variable.dtype)
    empty |= column_values(temperature, kind)
    empty |= {name: jnp.full(COLUMNS, temperature) for name in ("screen_temperature", "ten_day_temperature")}
    if pack:
        empty |= pack_values(empty, pack)
    column = ColumnState(**{field.name: empty[field.name] for field in dataclasses.fields(ColumnState)})
    patch = PatchState(**{field.name: empty[field.name] for field in dataclasses.fields(PatchState)})
    return renew(LandState(column, patch), jnp.full(COLUMNS, cosine_zenith), CONSTANTS, kind=kind)


def pack_values(values: dict[str, Array], pack: float) -> dict[str, Array]:
    """Snow of one layer, kg m-2."""
    depth, last = pack / 250.0, SNOW_LAYERS - 1
    return {
        "snow_index": jnp.full(COLUMNS, -1, jnp.int32),
        "snow_water": jnp.full(COLUMNS, pack),
        "accumulated_snow": jnp.full(COLUMNS, pack),
        "snow_depth": jnp.full(COLUMNS, depth),
        "snow_fraction": jnp.ones(COLUMNS),
        "snow_thickness": values["snow_thickness"].at[last].set(depth),
        "snow_node_depth": values["snow_node_depth"].at[last].set(-0.5 * depth),
        "snow_interface_depth": values["snow_interface_depth"].at[last].set(-depth),
        "ice": values["ice"].at[last].set(pack),
        "temperature": values["temperature"].at[last].set(values["temperature"][SNOW_LAYERS]),
        "grain_radius": values["grain_radius"].at[last].set(100.0),
    }


def surroundings(temperature: float, cosine_zenith: float = 0.5, **others: float) -> Surroundings:
    """A step of weather; light follows the sun, the air is at 70 % of a rough saturation."""
    given = {"rain": 0.0, "snow": 0.0, "wind": 3.0, "light": 600.0, **others}
    light = given.pop("light") * max(cosine_zenith, 0.0)
    humid = 0.7 * 0.0038 * np.exp(0.07 * (temperature - FREEZING_POINT))
    values = {
        "temperature": temperature,
        "potential_temperature": temperature,
        "pressure": 9.0e4,
        "specific_humidity": min(humid, 0.03),
        "longwave_down": 0.8 * 5.67e-8 * temperature**4,
        "reference_height": 10.0,
        "cosine_zenith_next": cosine_zenith,
        **given,
    }
    weather = Weather(
        **{name: jnp.full(COLUMNS, value) for name, value in values.items()},
        shortwave_direct=jnp.full((2, COLUMNS), 0.3 * light),
        shortwave_diffuse=jnp.full((2, COLUMNS), 0.2 * light),
    )
    return Surroundings(
        weather=weather,
        day_length_factor=jnp.ones(COLUMNS),
        deposition=jnp.full((SPECIES, COLUMNS), 1e-12),
        ten_day_samples=jnp.asarray(480.0),
        vegetation=None,
    )


def advance(
    state: LandState, around: Surroundings, kind: GroundKind, steps: int = 20
) -> tuple[LandState, IceOutput]:
    """Some steps; heat, radiation and water close in each, and every number is finite."""
    # Plain arrays throughout, so that all steps share one compilation.
    around = jax.tree.map(lambda value: jnp.asarray(np.asarray(value)), around)
    for _ in range(steps):
        before = state = jax.tree.map(lambda value: jnp.asarray(np.asarray(value)), state)
        state, output = step(state, around, CONSTANTS, settings=Settings(STEP), kind=kind)
        assert all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves((state, output)))
        assert np.abs(np.asarray(output.heat.budget.residual)).max() < 1e-7
        assert np.abs(np.asarray(output.radiation.balance_error)).max() < 1e-10
        assert np.abs(water_missed(before, state, output, around)).max() < 1e-8
        budgets = ice_budgets(before, state, output, around, Settings(STEP))
        for name, budget in zip(BUDGETS, budgets, strict=True):
            assert np.abs(np.asarray(budget.error)).max() <= BARS[name], name
    return state, output


def water_missed(before: LandState, after: LandState, output: IceOutput, around: Surroundings) -> np.ndarray:
    """Runoff of a step less the flows that make it up, kg m-2; not how the step computes it.

    Rain and melt that pass the ground, what snow lost to it, snow gone on contact; less evaporation where no
    snow gave the water. What a full pack sheds as ice is apart.
    """
    update, snow, fallen = output.fluxes.update, output.snow, output.precipitation
    layered = output.heat.state.snow_index < 0
    passing = jnp.where(layered, snow.outflow, fallen.rain + output.heat.phase.layerless_melt)
    full = jnp.where(fallen.capped, around.weather.rain, 0.0)
    on_ground = jnp.where(layered, 0.0, update.evaporation)
    dew_lost = jnp.where(fallen.capped & layered, update.dew, 0.0)
    frost_without_layer = jnp.where(fallen.capped & ~layered, update.frost, 0.0)
    vanished = snow.liquid_to_ground + snow.ice_to_ground
    was = before.column.snow_water + jnp.where(fallen.capped, 0.0, around.weather.snow) * STEP
    contact = jnp.where(layered, 0.0, was - fallen.ground.snow_water)
    expected = (passing + full + dew_lost - on_ground - frost_without_layer) * STEP + vanished + contact
    return np.asarray(output.water.runoff * STEP - expected)


@BOTH
@pytest.mark.parametrize("temperature", [223.0, 268.0, 275.0, 323.0])
def test_water_and_heat_close(kind: GroundKind, temperature: float) -> None:
    weather = {"snow": 2e-4} if temperature < 274.0 else {"rain": 2e-4}
    advance(land(temperature, kind), surroundings(temperature, **weather), kind)


@BOTH
def test_a_full_pack_sheds_snow_as_ice(kind: GroundKind) -> None:
    state = land(260.0, kind, pack=1100.0)
    after, output = advance(state, surroundings(260.0, -0.1, snow=1e-3), kind, 1)
    assert float(output.water.ice_runoff[0]) >= 1e-3
    assert float(after.column.snow_water[0]) <= 1100.0
    _, output = advance(land(260.0, kind, pack=1100.0), surroundings(272.0, -0.1, rain=1e-3), kind, 1)
    assert float(output.water.runoff[0]) == pytest.approx(1e-3, rel=0.1)


@BOTH
def test_a_thousand_millimetres_of_snow_keep_their_layers(kind: GroundKind) -> None:
    state, _ = advance(land(260.0, kind, pack=999.0), surroundings(258.0, 0.3, snow=1e-4), kind, 30)
    assert int(state.column.snow_index[0]) == -SNOW_LAYERS
    layers = np.asarray(state.column.ice + state.column.liquid_water)[:SNOW_LAYERS]
    np.testing.assert_allclose(layers.sum(0), np.asarray(state.column.snow_water), rtol=1e-12)


def test_a_glacier_melts_in_summer_and_keeps_its_water() -> None:
    state = land(272.0, GroundKind.GLACIER)
    start = np.asarray(stored_water(state.column))
    state, _ = advance(state, surroundings(283.0, 0.8), GroundKind.GLACIER, 100)
    assert float(state.column.liquid_water[SNOW_LAYERS][0]) > 1.0
    np.testing.assert_allclose(np.asarray(stored_water(state.column)), start, rtol=1e-12)
    state, _ = advance(state, surroundings(240.0, -0.5), GroundKind.GLACIER, 100)
    assert float(state.column.liquid_water[SNOW_LAYERS][0]) == 0.0


def test_snow_does_not_lie_on_a_warm_wetland() -> None:
    state, _ = advance(
        land(280.0, GroundKind.WETLAND), surroundings(274.0, -0.2, snow=1e-4), GroundKind.WETLAND, 3
    )
    assert float(state.column.snow_water[0]) == 0.0
    assert int(state.column.snow_index[0]) == 0
    on_ice, _ = advance(
        land(265.0, GroundKind.GLACIER), surroundings(265.0, -0.2, snow=1e-4), GroundKind.GLACIER, 3
    )
    assert float(on_ice.column.snow_water[0]) > 0.5


@BOTH
def test_in_the_polar_night_nothing_shines(kind: GroundKind) -> None:
    state, output = advance(land(235.0, kind, -0.3, pack=50.0), surroundings(225.0, -0.3, wind=0.0), kind)
    assert (np.asarray(output.radiation.absorbed) == 0.0).all()
    assert (np.asarray(state.patch.albedo_direct) == 1.0).all()
    assert (np.asarray(state.column.ground_albedo_direct) == 0.0).all()


def test_albedo_of_ice_and_water() -> None:
    kelvin, sun = jnp.asarray([260.0, FREEZING_POINT, 280.0]), jnp.asarray([0.5, 0.5, 0.0])
    wetland = np.asarray(bare_albedo(GroundKind.WETLAND, kelvin, sun))
    assert wetland[:, :2].tolist() == [[0.6, 0.6], [0.4, 0.4]]
    assert wetland[0, 2] == wetland[1, 2] == pytest.approx(0.05 / 0.151)
    glacier = np.asarray(bare_albedo(GroundKind.GLACIER, kelvin, sun))
    assert glacier[:, 2].tolist() == [0.6, 0.4]


@pytest.mark.slow
@pytest.mark.oracle
@pytest.mark.parametrize("run", ["zoo/tundra/zjul", "zoo/temperate/zjan"])
def test_columns_are_those_of_elm(shared: Path, run: str) -> None:
    material = read_material(shared / "data" / "elm")
    runs = [entry for entry in material.runs if entry.id == run]
    chosen = [entry for entry in PROCESSES if entry.name.startswith("ice and wetland")]
    outcome = run_oracle(material, runs, chosen)
    assert outcome.verdicts[Verdict.FAIL] == 0, outcome.rows
    assert outcome.verdicts[Verdict.PASS] > 120
    assert outcome.verdicts[Verdict.SKIPPED] == 0
