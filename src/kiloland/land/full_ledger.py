"""The budgets of a step of water and energy."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.ground_state import layered_snow_fraction
from kiloland.land.biophysics.safe_math import sum_rows
from kiloland.land.biophysics.snow_water import SnowSurfaceWater
from kiloland.land.full_inputs import LandConstants, Surroundings
from kiloland.land.full_step import FullOutput
from kiloland.land.ledger import Budget, heat_budget, radiation_budget, total_water
from kiloland.land.snow_ledger import SnowFlow, snow_budget
from kiloland.land.state import LandState
from kiloland.land.step import Settings
from kiloland.land.subgrid import BlockIndex, patch_to_column


def full_budgets(
    before: LandState,
    after: LandState,
    output: FullOutput,
    surroundings: Surroundings,
    constants: LandConstants,
    settings: Settings,
) -> tuple[Budget, ...]:
    """Heat, radiation, surface, water and snow of each column, in the order of the ledger.

    Heat of snow, pond and ground: what enters the surface = storage + phase change, W m-2. Radiation:
    incident = absorbed + reflected, W m-2, the error that of the worst patch. Surface: radiation of all
    patches, with the light that the heat of the ground counts, = their fluxes + the heat that entered the
    ground, W m-2. Water, kg m-2: what was there and fell =
    what is there and left, with canopy, snow, pond, soil and aquifer. Snow: :func:`snow_budget`.
    """
    index = constants.index
    return (
        heat_budget(output.heat),
        radiation_budget(output.radiation, index),
        _surface(output, index),
        _water(before, after, output, surroundings, index, settings),
        snow_budget(_snow_flow(before, after, output, index), settings.timestep),
    )


def _surface(output: FullOutput, index: BlockIndex) -> Budget:
    fluxes, radiation = output.fluxes, output.radiation
    light = radiation.absorbed - radiation.ground.absorbed + _light_in_ground(output, index)
    net = light + output.exchange.sky - fluxes.longwave_up
    left = patch_to_column(net - fluxes.sensible - fluxes.latent, index)
    entered = output.heat.budget.surface
    return Budget(left, entered, left - entered)


def _light_in_ground(output: FullOutput, index: BlockIndex) -> Float[Array, " patch"]:
    """f (light in the layers) + (1 - f) (light in soil), f the share of the ground under layers of snow now.

    The albedos belong to the share at the end of the last step. Where snow has fallen since, this is not the
    light that the ground absorbed by them; ELM's budget of energy takes it, too (`sabg_chk`).
    """
    light = output.radiation.ground
    share = layered_snow_fraction(output.heat.state)[index.patch_column]
    return share * sum_rows(light.absorbed_by_layer) + (1.0 - share) * light.absorbed_by_soil


def _water(
    before: LandState,
    after: LandState,
    output: FullOutput,
    surroundings: Surroundings,
    index: BlockIndex,
    settings: Settings,
) -> Budget:
    weather = surroundings.weather
    fallen = (weather.rain + weather.snow) * settings.timestep
    found = all_water(after, index) + water_lost(output, index) * settings.timestep
    entering = all_water(before, index) + fallen
    return Budget(entering, found, found - entering)


def _snow_flow(before: LandState, after: LandState, output: FullOutput, index: BlockIndex) -> SnowFlow:
    fallen, ground, update, snow = output.precipitation, output.heat.state, output.fluxes.update, output.snow
    return SnowFlow(
        before=before.column.snow_water,
        after=after.column.snow_water,
        snowfall=jnp.where(fallen.capped, 0.0, fallen.snowfall),
        frozen_pond=output.heat.pond.ice_formed,
        exchange=SnowSurfaceWater(
            sublimation=patch_to_column(update.sublimation, index),
            evaporation=patch_to_column(update.liquid_evaporation, index),
            frost=patch_to_column(update.frost, index),
            dew=patch_to_column(update.dew, index),
            rain=fallen.rain,
        ),
        covered=layered_snow_fraction(ground),
        capped=fallen.capped,
        layerless_melt=output.heat.phase.layerless_melt,
        outflow=snow.outflow,
        ground_debt=snow.ground_debt,
        lost_layers=snow.liquid_to_ground + snow.ice_to_ground,
    )


def all_water(state: LandState, index: BlockIndex) -> Float[Array, " column"]:
    """Water of each column, kg m-2: canopy, snow, pond, soil and aquifer."""
    canopy = patch_to_column(state.patch.canopy_water, index)
    return total_water(state) + canopy + state.column.aquifer_water


def water_lost(output: FullOutput, index: BlockIndex) -> Float[Array, " column"]:
    """Evaporation and runoff of a step, kg m-2 s-1; negative where the air gave more."""
    water, drained = output.water, output.water.drained
    out = patch_to_column(output.fluxes.evaporation, index)
    out = out + water.surface.surface_runoff + water.surface.pond_outflow
    out = out + drained.base_drainage + drained.perched_drainage + drained.ice_runoff
    caught, update = output.precipitation.canopy, output.fluxes.update
    out = out + patch_to_column(caught.capped_rain + caught.capped_snow, index)
    # A full pack gains nothing: what condenses on it leaves, too.
    condensed = patch_to_column(update.dew + update.frost, index)
    ground = output.heat.state
    full = output.precipitation.capped & (ground.snow_index < 0)
    return out + jnp.where(full, condensed * ground.effective_snow_fraction, 0.0)
