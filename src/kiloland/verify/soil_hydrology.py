"""Evidence for soil water: from ELM's restart to its next one, with the water fluxes of its tapes.

Temperature and phase change of the step are ours (proven by themselves, `surface_split`); rain and melt at
the ground, evaporation, dew and the uptake of roots come from the tape. Then runoff, infiltration, Richards'
equation, the tables and drainage follow, and the soil water of the next restart is compared.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.land.biophysics.drainage import Drained, drainage
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.soil_water import SoilWater, soil_water
from kiloland.land.biophysics.surface_runoff import (
    SurfaceWaterFluxes,
    Terrain,
    frozen_soil,
    saturated_fraction,
    surface_water,
)
from kiloland.land.biophysics.water_table import (
    FrostTable,
    WaterTable,
    frost_table,
    recharge_table,
    water_volume,
)
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.subgrid import ColumnGroup
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS
from kiloland.run.restart import soil_columns
from kiloland.verify.radiation import Difference, difference
from kiloland.verify.surface_split import split_flux, with_snowfall
from kiloland.verify.temperature import OracleStep, Values, advance, column_mean, restart_ground, state_during


@pytree_dataclass
class TapeFluxes:
    """Water fluxes that a tape gives, kg m-2 s-1, and the tables of the restart at the start of the step."""

    at_ground: jax.Array
    soil_evaporation: jax.Array
    infiltration: jax.Array
    root_uptake: jax.Array
    dew: jax.Array
    frost: jax.Array
    water_table: jax.Array
    aquifer: jax.Array
    perched_table: jax.Array
    frost_depth: jax.Array


@pytree_dataclass
class Hydrology:
    """What a step of soil hydrology gives."""

    surface: SurfaceWaterFluxes
    soil: SoilWater
    frost: FrostTable
    drained: Drained


def hydrology_differences(
    step: OracleStep, soil: SoilProperties, terrain: Terrain, largest_drainage: float
) -> list[Difference]:
    """One step of all soil columns against the tape and the next restart.

    The division of water at the surface is compared where neither snow nor pond covers ground: the tape
    has no evaporation of its parts. Infiltration is therefore taken from the tape for what follows.
    """
    group = soil_columns(step.before)
    before, after = restart_ground(step.before, group), restart_ground(step.after, group)
    during = with_snowfall(state_during(before, after), step, group)
    warmed = advance(soil, during, split_flux(step, group, soil, during), step.timestep).state
    fluxes = _tape_fluxes(step, group, after.pond_fraction, warmed.snow_index < 0)
    found: Hydrology = _hydrology(
        soil, terrain, before, warmed, after.pond_fraction, fluxes, largest_drainage, step.timestep
    )
    open_ground = np.asarray(
        (before.snow_water == 0.0) & (warmed.snow_index == 0) & (after.pond_fraction == 0.0)
    )
    surface = {
        "FSAT": found.surface.saturated_fraction,
        "QOVER": found.surface.surface_runoff,
        "QINFL": found.surface.infiltration,
        "QH2OSFC": found.surface.pond_outflow,
    }
    soil_fluxes = {
        "HK": found.soil.conductivity,
        "SMP": found.soil.potential,
        "QCHARGE": found.soil.recharge,
        "QDRAI": found.drained.base_drainage,
        "QDRAI_PERCH": found.drained.perched_drainage,
    }
    states = {
        "ZWT": found.drained.table.depth,
        "WA": found.drained.table.aquifer,
        "ZWT_PERCH": found.drained.perched_depth,
        "FROST_TABLE": found.frost.depth,
    }
    rows = slice(SNOW_LAYERS, SNOW_LAYERS + SOIL_LAYERS)
    return [
        *(
            difference(name, np.asarray(values), step.columns(name, group), open_ground)
            for name, values in surface.items()
        ),
        *(
            difference(name, np.asarray(values), step.columns(name, group)[: values.shape[0]])
            if values.ndim == 2
            else difference(name, np.asarray(values), step.columns(name, group))
            for name, values in soil_fluxes.items()
        ),
        *(
            difference(name, np.asarray(values), _restart_column(step, name, group))
            for name, values in states.items()
        ),
        difference(
            "H2OSOI_LIQ", np.asarray(found.drained.liquid_water), np.asarray(after.liquid_water)[rows]
        ),
        difference("H2OSOI_ICE", np.asarray(found.drained.ice), np.asarray(after.ice)[rows]),
    ]


def _tape_fluxes(
    step: OracleStep, group: ColumnGroup, pond_fraction: jax.Array, layered: jax.Array
) -> TapeFluxes:
    """Fluxes of the tape; dew and frost reach the soil where no snow layer lies on it, pond excepted."""

    def mean(name: str) -> jax.Array:
        return column_mean(step.patches(name, group), group)

    open_share = jnp.where(layered, 0.0, 1.0 - pond_fraction)
    return TapeFluxes(
        at_ground=jnp.asarray(step.columns("QTOPSOIL", group)),
        soil_evaporation=mean("QFLX_EVAP_GRND"),
        infiltration=jnp.asarray(step.columns("QINFL", group)),
        root_uptake=jnp.asarray(step.columns("ROOTR_COLUMN", group)[:SOIL_LAYERS]) * mean("QVEGT"),
        dew=mean("QFLX_DEW_GRND") * open_share,
        frost=(mean("QFLX_DEW_SNOW") - mean("QFLX_SUB_SNOW")) * open_share,
        water_table=jnp.asarray(_restart_column(step, "ZWT", group, before=True)),
        aquifer=jnp.asarray(_restart_column(step, "WA", group, before=True)),
        perched_table=jnp.asarray(_restart_column(step, "ZWT_PERCH", group, before=True)),
        frost_depth=jnp.asarray(_restart_column(step, "FROST_TABLE", group, before=True)),
    )


def _restart_column(step: OracleStep, name: str, group: ColumnGroup, *, before: bool = False) -> Values:
    restart = step.before if before else step.after
    values: Values = np.asarray(restart.values[name], np.float64)[group.column_row]
    return values


def _compute(
    soil: SoilProperties,
    terrain: Terrain,
    before: GroundState,
    warmed: GroundState,
    pond_fraction: jax.Array,
    fluxes: TapeFluxes,
    largest_drainage: float,
    timestep: float,
) -> Hydrology:
    frozen = frozen_soil(soil, warmed.ice)
    saturated = saturated_fraction(terrain, fluxes.water_table, fluxes.perched_table, fluxes.frost_depth)
    surface = surface_water(
        soil,
        frozen,
        terrain,
        saturated=saturated,
        water_input=fluxes.at_ground,
        soil_evaporation=fluxes.soil_evaporation,
        pond_evaporation=jnp.zeros_like(saturated),
        snow_fraction=jnp.zeros_like(saturated),
        pond_fraction=pond_fraction,
        dry_pond_fraction=pond_fraction,
        pond_water=warmed.pond_water,
        timestep=timestep,
    )
    moved = soil_water(
        soil,
        frozen,
        warmed.temperature,
        warmed.liquid_water,
        water_volume(before.liquid_water, before.ice),
        fluxes.water_table,
        fluxes.infiltration,
        fluxes.root_uptake,
        timestep,
    )
    table = recharge_table(soil, WaterTable(fluxes.water_table, fluxes.aquifer), moved.recharge, timestep)
    rows = slice(SNOW_LAYERS, SNOW_LAYERS + SOIL_LAYERS)
    liquid = warmed.liquid_water.at[rows].set(moved.liquid_water)
    frost = frost_table(soil, warmed.temperature, liquid, warmed.ice, table.depth)
    liquid = liquid.at[SNOW_LAYERS].add(fluxes.dew * timestep)
    ice = warmed.ice.at[SNOW_LAYERS].add(fluxes.frost * timestep)
    drained = drainage(
        soil, frozen, terrain, liquid, ice, surface.pond_water, table, frost, largest_drainage, timestep
    )
    return Hydrology(surface=surface, soil=moved, frost=frost, drained=drained)


_hydrology = jax.jit(_compute, static_argnames="timestep")
