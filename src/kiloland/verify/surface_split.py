"""The heat into snow, soil and pond of a step of ELM, rebuilt from what its per-step tapes do hold.

Tapes hold the flux into the mean ground surface, `EFLX_GNET`, and the exchange coefficients `CGRNDS` (heat)
and `CGRNDL` (moisture, times dq_g/dT). Canopy and bare ground alike are linear in the temperature and
humidity of the surface, so the flux into a surface at T_x with humidity q_x is

    h_x = EFLX_GNET + (sun_x - sun_g) - e sigma (T_x^4 - T_g^4)
          - CGRNDS (T_x - T_g) - L CGRNDL / (dq_g/dT) (q_x - q_g)

Snowfall of the step joins the top layer before the temperatures are solved.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.biophysics.ground_energy import GroundRadiation, split_heat
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.ground_surface import GroundSurface, ground_surface
from kiloland.land.biophysics.safe_math import divide
from kiloland.land.biophysics.soil_temperature import SurfaceHeat
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.subgrid import ColumnGroup
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask
from kiloland.run.restart import load_state, soil_columns
from kiloland.verify.radiation import step_radiation
from kiloland.verify.temperature import (
    Mask,
    OracleStep,
    StepEvidence,
    advance,
    column_mean,
    compare_step,
    restart_ground,
    state_during,
)


def split_evidence(step: OracleStep, soil: SoilProperties) -> StepEvidence:
    """One step of all columns, with snow and pond, against the next restart.

    Columns whose snow layers were combined or divided at the end of the step are left out.
    """
    group = soil_columns(step.before)
    before, after = restart_ground(step.before, group), restart_ground(step.after, group)
    during = with_snowfall(state_during(before, after), step, group)
    result = advance(soil, during, split_flux(step, group, soil, during), step.timestep)
    kept = same_layers(result.state, before, after)
    return compare_step(result, step, after, group, kept, snow=int((~kept).sum()))


def same_layers(ours: GroundState, before: GroundState, after: GroundState) -> Mask:
    """Columns whose number of snow layers did not change, nor did the pack vanish."""
    same = np.asarray(before.snow_index == after.snow_index)
    present = np.asarray((ours.snow_water > 0.0) == (after.snow_water > 0.0))
    kept: Mask = same & (present | np.asarray(before.snow_index == 0))
    return kept


def split_flux(
    step: OracleStep, group: ColumnGroup, soil: SoilProperties, during: GroundState
) -> SurfaceHeat:
    """Heat into snow, soil and pond of each column before the temperatures answer."""
    over_column = ground_surface(
        soil, during, jnp.asarray(step.cells("QBOT", group)), jnp.asarray(step.cells("PBOT", group))
    )
    ground: GroundSurface = jax.tree.map(lambda values: values[group.patch_column], over_column)
    sun = step_radiation(load_state(step.before, group), group, step.tape, step.record).ground
    layers = jnp.asarray(sun.absorbed_by_layer)
    top = (SNOW_LAYERS + jnp.asarray(during.snow_index)[group.patch_column])[None]
    net, derivative, sensible, evaporation = (
        jnp.asarray(step.patches(name, group)) for name in ("EFLX_GNET", "DGNETDT", "CGRNDS", "CGRNDL")
    )
    heat = split_heat(
        net,
        derivative,
        sensible,
        evaporation,
        jnp.asarray(sun.absorbed),
        GroundRadiation(
            absorbed_soil=jnp.asarray(sun.absorbed_by_soil),
            absorbed_snow_top=jnp.take_along_axis(layers, top, axis=0)[0],
            absorbed_layer=layers,
            longwave_down=jnp.zeros_like(top[0], dtype=layers.dtype),
        ),
        ground,
    )
    mean: SurfaceHeat = jax.tree.map(lambda values: column_mean(np.asarray(values), group), heat)
    return mean


def with_snowfall(state: GroundState, step: OracleStep, group: ColumnGroup) -> GroundState:
    """Snowfall of a step added to the top layer, at the density of fresh snow, or to the layerless pack."""
    new = column_mean(step.patches("QFLX_SNOW_GRND", group), group) * step.timestep
    warmth = np.clip(step.cells("TBOT", group) - FREEZING_POINT, -15.0, 2.0) + 15.0
    density = 50.0 + 1.7 * warmth**1.5
    depth = divide(new, jnp.asarray(density) * state.effective_snow_fraction)
    exists = snow_layer_mask(state.snow_index)
    top = exists & ~jnp.concatenate([jnp.zeros_like(exists[:1]), exists[:-1]])
    layered = state.snow_index < 0
    return dataclasses.replace(
        state,
        ice=state.ice.at[:SNOW_LAYERS].add(jnp.where(top, new, 0.0)),
        snow_thickness=state.snow_thickness + jnp.where(top, depth, 0.0),
        snow_water=state.snow_water + new,
        snow_depth=state.snow_depth + jnp.where(layered, depth, 0.0),
    )
