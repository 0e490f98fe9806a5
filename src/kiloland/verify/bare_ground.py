"""Evidence for the fluxes of bare ground: recomputed from ELM's restarts and the weather on its tapes.

Compared are patches of plant type 0 of active soil columns. The fluxes on the tapes are those of the whole
step, so ours are advanced by the warming of the ground between the restarts.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.land.biophysics.bare_ground_fluxes import Air, TurbulentFluxes, bare_ground_fluxes
from kiloland.land.biophysics.ground_energy import (
    SurfaceUpdate,
    evaporation_limit,
    net_ground_heat,
    surface_derivative,
    update_surface_fluxes,
)
from kiloland.land.biophysics.ground_surface import GroundSurface, ground_surface
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.subgrid import ColumnGroup
from kiloland.land.vertical import SNOW_LAYERS
from kiloland.run.restart import soil_columns
from kiloland.verify.radiation import Difference, difference
from kiloland.verify.temperature import GROUND, OracleStep, Values, column_mean, restart_ground, state_during


def bare_ground_differences(step: OracleStep, soil: SoilProperties) -> list[Difference]:
    """Ground surface of every column and fluxes of every bare patch of a step without snow.

    Columns with snow are left out: snowfall changes the surface before the fluxes are computed.
    """
    group = soil_columns(step.before)
    before, after = restart_ground(step.before, group), restart_ground(step.after, group)
    during = state_during(before, after)
    clear = np.asarray((before.snow_water == 0.0) & (after.snow_water == 0.0))
    over_column = ground_surface(
        soil, during, jnp.asarray(step.cells("QBOT", group)), jnp.asarray(step.cells("PBOT", group))
    )
    found = [
        difference("EMG", np.asarray(over_column.emissivity), step.columns("EMG", group), clear),
        difference(
            "SoilAlpha", np.asarray(over_column.relative_humidity), step.columns("SoilAlpha", group), clear
        ),
        difference("Z0MG", np.asarray(over_column.roughness), step.columns("Z0MG", group), clear),
    ]
    bare = (group.patch_type == 0) & clear[group.patch_column]
    if not bare.any():
        return found
    ground: GroundSurface = jax.tree.map(lambda values: values[group.patch_column], over_column)
    air = air_of(step, group)
    fluxes: TurbulentFluxes = _fluxes(air, ground)
    new = np.asarray(step.after.values[GROUND], np.float64)[group.column_row][group.patch_column]
    update = _updated(step, group, ground, fluxes, new)
    longwave = ground.emissivity * step.cells("FLDS", group)[group.patch_column]
    net = net_ground_heat(jnp.asarray(step.patches("SABG", group)), longwave, ground, fluxes)
    ours = {
        "RAM1": fluxes.momentum_resistance,
        "FV": fluxes.friction_velocity,
        "TAUX": fluxes.eastward_stress,
        "TAUY": fluxes.northward_stress,
        "TSA": fluxes.screen_temperature,
        "Q2M": fluxes.screen_humidity,
        "CGRNDS": fluxes.sensible_derivative,
        "CGRNDL": fluxes.evaporation_derivative,
        "EFLX_GNET": net,
        "DGNETDT": surface_derivative(ground, fluxes),
        "FSH_G": update.sensible,
        "EFLX_LH_TOT": update.latent,
        "QSOIL": update.evaporation,
        "QFLX_EVAP_GRND": update.liquid_evaporation,
        "QFLX_SUB_SNOW": update.sublimation,
        "QFLX_DEW_GRND": update.dew,
        "QFLX_DEW_SNOW": update.frost,
    }
    return found + [
        difference(name, np.asarray(values), step.patches(name, group), bare) for name, values in ours.items()
    ]


def air_of(step: OracleStep, group: ColumnGroup) -> Air:
    """The weather of a tape record above each patch; ELM takes all wind of a site file as eastward."""
    fields = ("TBOT", "THBOT", "QBOT", "PBOT", "WIND", "ZBOT")
    temperature, potential, humidity, pressure, wind, height = (
        jnp.asarray(step.cells(name, group)[group.patch_column]) for name in fields
    )
    return Air(
        temperature=temperature,
        potential_temperature=potential,
        humidity=humidity,
        pressure=pressure,
        eastward_wind=wind,
        northward_wind=jnp.zeros_like(wind),
        height=height,
    )


def _updated(
    step: OracleStep, group: ColumnGroup, ground: GroundSurface, fluxes: TurbulentFluxes, new: Values
) -> SurfaceUpdate:
    """Fluxes of the whole step, limited by the water of the first soil layer at its start."""
    before = restart_ground(step.before, group)
    liquid, ice = before.liquid_water[SNOW_LAYERS], before.ice[SNOW_LAYERS]
    upward = jnp.asarray(np.maximum(step.patches("QSOIL", group), 0.0))
    limit = evaporation_limit(column_mean(np.asarray(upward), group), liquid, ice, step.timestep)
    of_patch = group.patch_column
    warming = jnp.asarray(new) - ground.temperature
    return update_surface_fluxes(
        ground, fluxes, warming, limit[of_patch], liquid[of_patch], ice[of_patch], jnp.asarray(new)
    )


_fluxes = jax.jit(bare_ground_fluxes)
