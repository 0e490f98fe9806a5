"""Evidence for a whole step of towns: from ELM's restart to its next one, with the site's weather.

Nothing is taken from a tape. Fluxes are compared with the tape record of every step that starts at a
restart, states with restarts one step later.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, fields

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from kiloland.atmosphere import ModelTimes, Places, SiteSource
from kiloland.atmosphere.forcing import Forcing
from kiloland.atmosphere.site import SiteRecord, read_site_record
from kiloland.errors import InputError
from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.biophysics.snow_cover import melt_shape
from kiloland.land.soil_properties import SoilProperties, soil_properties
from kiloland.land.step import Weather
from kiloland.land.subgrid import ColumnType
from kiloland.land.urban_parts import UrbanConstants, UrbanSettings
from kiloland.land.urban_state import UrbanState
from kiloland.land.urban_step import UrbanOutput, urban_step
from kiloland.land.urban_town import Surface, by_column, of_towns
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask
from kiloland.run.full_setup import terrain_of
from kiloland.run.restart import Restart, active_columns
from kiloland.run.setup import zenith_at_ends
from kiloland.run.urban_columns import AEROSOLS, Towns, load_urban_state, restart_albedo
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.rows import Finding
from kiloland.verify.oracle.tapes import StepTape
from kiloland.verify.radiation import Difference, difference
from kiloland.verify.snow_pack import snow_truth
from kiloland.verify.urban_radiation import albedo_differences, parameters_of, placed, towns_of

Values = NDArray[np.float64]
FILL = 1.0e30


@dataclass(frozen=True)
class TownCase:
    """What all steps of a run share."""

    towns: Towns
    constants: UrbanConstants
    settings: UrbanSettings
    record: SiteRecord
    deposition: Array
    orbital_year: int


def town_case(bench: Bench) -> TownCase:
    """Everything but the state of a run.

    Raises:
        InputError: no towns, or inputs that cannot be read.
    """
    towns = towns_of(bench)
    truth, surface = snow_truth(bench), bench.surface
    roads = active_columns(towns.restart, ColumnType.PERVIOUS_ROAD)
    if not np.array_equal(roads.gridcell, towns.gridcell):
        raise InputError("towns are not in the order of their cells", file=towns.restart.path)
    constants = UrbanConstants(
        parameters=parameters_of(bench, towns),
        soil=_soil(surface.sand[:, towns.gridcell], surface.clay[:, towns.gridcell]),
        terrain=terrain_of(surface, roads.gridcell),
        melt_shape=melt_shape(jnp.asarray(surface.elevation_deviation[towns.gridcell])),
        grains=truth.tables,
        largest_drainage=jnp.asarray(bench.largest_drainage),
    )
    return TownCase(
        towns=towns,
        constants=constants,
        settings=UrbanSettings(timestep=float(bench.run.timestep)),
        record=read_site_record(bench.site_forcing),
        deposition=jnp.asarray(truth.deposition[:, towns.gridcell]),
        orbital_year=bench.settings.orbital_year,
    )


def advance_towns(case: TownCase, restart: Restart) -> tuple[UrbanState, UrbanOutput]:
    """One step from a restart."""
    towns = dataclasses.replace(case.towns, restart=restart)
    return one_step(case, load_urban_state(towns), restart.seconds)


def one_step(case: TownCase, state: UrbanState, start: int) -> tuple[UrbanState, UrbanOutput]:
    """One step from a state at a time in seconds."""
    result: tuple[UrbanState, UrbanOutput] = _step(
        state, weather_of(case, start), case.deposition, case.constants, case.settings
    )
    return result


def weather_of(case: TownCase, start: int) -> Weather:
    """The site's weather above each town during a step that starts at a time in seconds."""
    values = case.towns.restart.values
    longitude, latitude = (np.asarray(values[f"grid1d_{axis}"], np.float64) for axis in ("lon", "lat"))
    timestep, cell = int(case.settings.timestep), case.towns.gridcell
    times = ModelTimes(start, timestep, 1)
    forcing = SiteSource(case.record, Places(longitude, latitude)).load(times, np.arange(len(longitude)))
    zenith = zenith_at_ends(start, timestep, 1, longitude, latitude, case.orbital_year)

    def town(name: str) -> Array:
        return jnp.asarray(np.asarray(getattr(forcing, name))[0][cell])

    def bands(kind: str) -> Array:
        return jnp.stack([town(f"shortwave_{kind}_{band}") for band in ("visible", "near_infrared")])

    plain = {item.name for item in fields(Weather)} & {item.name for item in fields(Forcing)}
    return Weather(
        **{name: town(name) for name in plain},
        shortwave_direct=bands("direct"),
        shortwave_diffuse=bands("diffuse"),
        cosine_zenith_next=jnp.asarray(np.asarray(zenith)[0][cell]),
    )


def _soil(sand: Values, clay: Values) -> SoilProperties:
    """Soil below roads, without organic matter, for all columns."""
    soil = soil_properties(jnp.asarray(sand), jnp.asarray(clay), jnp.zeros(sand.shape))
    repeated: SoilProperties = jax.tree.map(of_towns, soil)
    return repeated


def states_of_towns(bench: Bench) -> Iterator[Finding]:
    """Every variable of the next restart, all processes together."""
    case = town_case(bench)
    for step in bench.steps:
        state, output = advance_towns(case, step.before)
        yield from placed(step.before.path.name, state_differences(case, state, output, step.after))


def fluxes_of_towns(bench: Bench) -> Iterator[Finding]:
    """Fluxes of every step that starts at a restart, against its tape record."""
    case = town_case(bench)
    for start in bench.starts:
        _, output = advance_towns(case, start.before.restart)
        yield from placed(start.before.name, tape_differences(case, output, start.tape, start.record))


def consecutive_steps(bench: Bench) -> Iterator[Finding]:
    """All steps of the tapes from the first restart on, the state carried on by us.

    Fluxes of every step against its record, states against every restart on the way.
    """
    case = town_case(bench)
    first = bench.starts[0]
    towns = dataclasses.replace(case.towns, restart=first.before.restart)
    state, time = load_urban_state(towns), first.before.time
    by_time = {item.time: item for item in bench.restarts}
    step = bench.run.timestep
    while time + step in first.tape.records:
        state, output = one_step(case, state, time)
        time += step
        found = tape_differences(case, output, first.tape, first.tape.records[time])
        yield from placed(f"step {(time - first.before.time) // step}", found)
        if time in by_time:
            found = state_differences(case, state, output, by_time[time].restart)
            yield from placed(by_time[time].name, found)


def tape_differences(case: TownCase, output: UrbanOutput, tape: StepTape, record: int) -> list[Difference]:
    """Our fluxes of a step against a tape record, where the tape has them."""
    found = []
    for name, ours in tape_fields(output).items():
        if name not in tape.dataset:
            continue
        variable = tape.dataset[name]
        row = {"pft": case.towns.patch_row, "column": case.towns.column_row}.get(variable.dims[-1])
        row = case.towns.landunit_row if row is None else row
        reference = np.asarray(variable.read(record), np.float64)[..., row]
        if reference.ndim == 1:
            found.append(difference(name, np.asarray(ours), reference, np.abs(reference) < FILL))
    return found


def tape_fields(output: UrbanOutput) -> dict[str, Array]:
    """What ELM calls the results of a step on its tapes."""
    answer, fluxes, exchange = output.answer, output.fluxes, output.answer.exchange
    none = jnp.zeros_like(answer.sensible)

    def road(values: Array) -> Array:
        return by_column(none.at[Surface.PERVIOUS_ROAD].set(values))

    towns = {
        "TSA": fluxes.air.temperature,
        "Q2M": fluxes.air.humidity,
        "RH2M": fluxes.relative_humidity,
        "RAM1": fluxes.momentum_resistance,
        "FV": fluxes.friction_velocity,
        "TAUX": fluxes.eastward_stress,
        "TAUY": fluxes.northward_stress,
    }
    surfaces = {
        "FSA": output.radiation.absorbed,
        "FSR": output.radiation.reflected,
        "FIRE": answer.longwave_up,
        "FIRA": answer.longwave_net,
        "FSH_G": answer.sensible,
        "EFLX_LH_TOT": answer.latent,
        "EFLX_SOIL_GRND": answer.into_ground,
        "HEAT_FROM_AC": output.added.cooling,
        "QSOIL": answer.evaporation,
    }
    columns = {
        "QVEGT": road(fluxes.transpiration),
        "QFLX_EVAP_GRND": exchange.evaporation,
        "QFLX_SUB_SNOW": exchange.sublimation,
        "QFLX_DEW_GRND": exchange.dew,
        "QFLX_DEW_SNOW": exchange.frost,
        "BUILDHEAT": output.heat.building_heat,
        "QOVER": output.runoff,
        "QINFL": road(output.road.infiltration),
        "QDRAI": road(output.road.base_drainage),
        "QDRAI_PERCH": road(output.road.drained.perched_drainage),
        "QSNOMELT": output.heat.phase.snow_melt,
        "FSM": output.heat.phase.snow_melt_heat,
    }
    return {
        **{name: of_towns(values) for name, values in towns.items()},
        **{name: by_column(values) for name, values in surfaces.items()},
        **columns,
        "TBUILD": output.heat.building.temperature,
    }


def state_differences(
    case: TownCase, state: UrbanState, output: UrbanOutput, after: Restart
) -> list[Difference]:
    """Our state against the restart after the step; rows that exist there."""
    towns = dataclasses.replace(case.towns, restart=after)
    theirs = load_urban_state(towns)
    snow = np.asarray(snow_layer_mask(theirs.snow_index))
    rows = np.concatenate([snow, np.asarray(theirs.temperature)[SNOW_LAYERS:] != FREEZING_POINT])
    found = []
    for name, attribute in STATES.items():
        mine, other = (np.asarray(getattr(side, attribute), np.float64) for side in (state, theirs))
        found.append(difference(name, mine, other, rows if name == "T_SOISNO" else None))
    for species, name in enumerate(AEROSOLS):
        mine, other = (np.asarray(side.aerosol_mass[species]) for side in (state, theirs))
        found.append(difference(name, mine, other))
    surface = np.asarray(output.heat.surface_temperature)
    settled = np.asarray(state.snow_index == 0) & np.asarray(output.snowfall.state.snow_index == 0)
    found.append(difference("T_GRND", surface, np.asarray(towns.columns("T_GRND")), settled))
    return [*found, *albedo_differences(state.albedo, restart_albedo(towns))]


STATES = {
    "SNLSNO": "snow_index",
    "DZSNO": "snow_thickness",
    "ZSNO": "snow_node_depth",
    "ZISNO": "snow_interface_depth",
    "T_SOISNO": "temperature",
    "H2OSOI_LIQ": "liquid_water",
    "H2OSOI_ICE": "ice",
    "H2OSNO": "snow_water",
    "SNOW_DEPTH": "snow_depth",
    "INT_SNOW": "accumulated_snow",
    "frac_sno": "snow_fraction",
    "qflx_snow_melt": "snow_melt",
    "qflx_snofrz_lyr": "snow_freezing",
    "snw_rds": "grain_radius",
    "URBAN_AC": "cooling",
    "URBAN_HEAT": "heating",
    "taf": "air_temperature",
    "qaf": "air_humidity",
    "ZWT": "water_table",
    "WA": "aquifer_water",
    "ZWT_PERCH": "perched_table",
    "FROST_TABLE": "frost_table",
    "coszen": "cosine_zenith",
}
"""Restart variables and the fields of the state that hold them."""

_step = jax.jit(urban_step, static_argnames="settings")
