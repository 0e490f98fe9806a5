"""Freezing and melting after the temperatures are solved: of the pond, and of each snow and ground layer."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from kiloland.land.biophysics.constants import (
    DEFAULT_SNOW_DENSITY,
    DENSITY_ICE,
    DENSITY_LIQUID,
    FREEZING_POINT,
    GRAVITY,
    HEAT_CAPACITY_LIQUID,
    LATENT_HEAT_FUSION,
    MAXIMUM_SNOW_DENSITY,
)
from kiloland.land.biophysics.ground_state import GroundState, layered_snow_fraction
from kiloland.land.biophysics.safe_math import divide, power, sum_rows
from kiloland.land.biophysics.soil_temperature import TemperatureSolution
from kiloland.land.biophysics.thermal_properties import ThermalProperties
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import SNOW_LAYERS, ColumnGrid

MELTING = 1
FREEZING = 2

_LOWEST_SNOW_ROW = SNOW_LAYERS - 1


@pytree_dataclass
class PondFreezing:
    """Result of `freeze_pond`."""

    state: GroundState
    heat: Float[Array, " column"]
    """Heat taken up by phase change, W m-2, negative where water freezes (ELM `xmf_h2osfc`)."""
    heat_to_snow: Float[Array, " column"]
    """Heat carried into the lowest snow layer by the ice, W m-2 (`eflx_h2osfc_to_snow`)."""
    ice_formed: Float[Array, " column"]
    """Water turned to ice, kg m-2 s-1 (`qflx_h2osfc_to_ice`)."""


@pytree_dataclass
class PhaseChange:
    """Result of `change_phase`."""

    state: GroundState
    heat: Float[Array, " column"]
    """Heat taken up by phase change of all layers and the layerless pack, W m-2 (`xmf`)."""
    snow_melt: Float[Array, " column"]
    """kg m-2 s-1 (`qflx_snomelt`)."""
    snow_melt_layer: Float[Array, "snow column"]
    """kg m-2 s-1 (`qflx_snomelt_lyr`)."""
    snow_melt_heat: Float[Array, " column"]
    """W m-2 (`eflx_snomelt`)."""
    layerless_melt: Float[Array, " column"]
    """The part of snow_melt from a pack without layers, kg m-2 s-1; it reaches the soil at once."""
    snow_freezing_layer: Float[Array, "snow column"]
    """kg m-2 s-1 (`qflx_snofrz_lyr`)."""
    phase: Int[Array, "total column"]
    """1 where a layer melts, 2 where it freezes, else 0 (`imelt`)."""


def freeze_pond(
    solution: TemperatureSolution,
    thermal: ThermalProperties,
    state: GroundState,
    derivative: Float[Array, " column"],
    timestep: float,
) -> PondFreezing:
    """Freeze a pond that cooled below the freezing point, onto the snow (ELM `PhaseChangeH2osfc`).

    The heat lacking at the freezing point, f_p (D - c_p / dt) (T_f - T_p), freezes x = heat dt / L_f. Where
    that is less than the pond, its ice joins the snow at T_f. Otherwise the whole pond joins, cooled by
    what is left. `state` holds the solved temperatures, `derivative` is D (W m-2 K-1).
    """
    freezes = (state.pond_fraction > 0.0) & (solution.pond_temperature <= FREEZING_POINT)
    fraction = state.pond_fraction
    increment = FREEZING_POINT - solution.pond_temperature
    capacity = thermal.pond_heat_capacity / timestep
    heat = fraction * (derivative - capacity) * increment
    mass = -heat * timestep / LATENT_HEAT_FUSION
    remaining = state.pond_water - mass
    partly = remaining >= 0.0
    ice = jnp.where(freezes, jnp.where(partly, mass, state.pond_water), 0.0)

    surplus = jnp.where(partly, 0.0, remaining * LATENT_HEAT_FUSION / timestep)
    frozen_temperature = FREEZING_POINT + surplus / (capacity - derivative)
    pond_temperature = jnp.where(partly, FREEZING_POINT, frozen_temperature)
    lowest, to_snow = _mix_into_snow(
        solution, thermal, state, derivative, timestep, pond_temperature, jnp.where(partly, mass, 0.0), partly
    )
    pond_temperature = jnp.where(partly, pond_temperature, lowest)

    temperature = solution.temperature.at[_LOWEST_SNOW_ROW].set(
        jnp.where(freezes, lowest, solution.temperature[_LOWEST_SNOW_ROW])
    )
    layered = state.snow_index < 0
    snow_water = state.snow_water + ice
    new_state = replace(
        state,
        temperature=temperature,
        ice=state.ice.at[_LOWEST_SNOW_ROW].add(jnp.where(layered, ice, 0.0)),
        pond_temperature=jnp.where(freezes, pond_temperature, solution.pond_temperature),
        pond_water=jnp.where(freezes, jnp.where(partly, remaining, 0.0), state.pond_water),
        snow_water=snow_water,
        accumulated_snow=state.accumulated_snow + ice,
        snow_depth=jnp.where(freezes, _depth_with_pond_ice(state, snow_water, partly), state.snow_depth),
    )
    return PondFreezing(
        state=new_state,
        heat=jnp.where(freezes, heat - fraction * surplus, 0.0),
        heat_to_snow=jnp.where(freezes, to_snow, 0.0),
        ice_formed=ice / timestep,
    )


def _mix_into_snow(
    solution: TemperatureSolution,
    thermal: ThermalProperties,
    state: GroundState,
    derivative: Float[Array, " column"],
    timestep: float,
    ice_temperature: Float[Array, " column"],
    mass: Float[Array, " column"],
    partly: Array,
) -> tuple[Float[Array, " column"], Float[Array, " column"]]:
    """Lowest snow row after pond ice joined it: its temperature and the heat that the ice carried (W m-2).

    Without snow layers the row takes the temperature of the ice. A pond frozen whole shares the temperature
    of the layer from then on, so that its heat stays its own.
    """
    layered = state.snow_index < 0
    snow = solution.temperature[_LOWEST_SNOW_ROW]
    response = jnp.where(state.snow_index == -1, derivative, 0.0)
    old_weight = state.effective_snow_fraction * (
        timestep / solution.factor[_LOWEST_SNOW_ROW] - response * timestep
    )
    surface = state.pond_fraction * derivative * timestep
    partial_weight = HEAT_CAPACITY_LIQUID * mass - surface
    whole_weight = state.pond_fraction * thermal.pond_heat_capacity - surface
    new_weight = jnp.where(partly, partial_weight, whole_weight)
    joined = divide(old_weight * snow + new_weight * ice_temperature, old_weight + new_weight)
    lowest = jnp.where(layered, joined, ice_temperature)
    carried = jnp.where(layered & partly, (ice_temperature - joined) * new_weight / timestep, 0.0)
    return lowest, carried


def _depth_with_pond_ice(
    state: GroundState, snow_water: Float[Array, " column"], partly: Array
) -> Float[Array, " column"]:
    """Depth of the pack after pond ice joined it, m: at its former density, solid ice without layers."""
    mean_depth = state.effective_snow_fraction * state.snow_depth
    density = jnp.where(
        mean_depth > 0.0,
        jnp.minimum(MAXIMUM_SNOW_DENSITY, divide(state.snow_water, mean_depth)),
        DEFAULT_SNOW_DENSITY,
    )
    blended = divide(
        state.snow_water * density + state.pond_water * DENSITY_ICE, state.snow_water + state.pond_water
    )
    density = jnp.where(partly, density, blended)
    layered = (state.effective_snow_fraction > 0.0) & (state.snow_index < 0)
    spread = jnp.where(layered, density * state.effective_snow_fraction, DENSITY_ICE)
    return divide(snow_water, spread)


def supercooled_water(
    soil: SoilProperties,
    thickness: Float[Array, "ground column"],
    temperature: Float[Array, "ground column"],
) -> Float[Array, "ground column"]:
    """Liquid water that stays unfrozen below the freezing point, kg m-2 (Niu and Yang 2006).

    W = watsat 1000 dz (psi / psi_sat)^(-1/b), psi = 1000 L_f (T_f - T) / (g T) mm; 0 above freezing.
    """
    frozen = temperature < FREEZING_POINT
    safe = jnp.where(frozen, temperature, FREEZING_POINT - 1.0)
    suction = LATENT_HEAT_FUSION * (FREEZING_POINT - safe) / (GRAVITY * safe) * 1000.0
    content = soil.porosity * power(suction / soil.saturated_suction, -1.0 / soil.retention_exponent)
    return jnp.where(frozen, content * thickness * DENSITY_LIQUID, 0.0)


def change_phase(
    grid: ColumnGrid,
    soil: SoilProperties | None,
    solution: TemperatureSolution,
    state: GroundState,
    timestep: float,
) -> PhaseChange:
    """Melt and freeze water in snow and ground layers (ELM `Phasechange_beta`).

    A layer with ice above T_f melts, one with liquid water (ground: above the supercooled amount) below T_f
    freezes. The heat available at T_f, w (D - 1/a) (T_f - T), is used for the phase change as far as there
    is water; the rest changes the temperature by a / w / (1 - a D). w is the snow fraction in snow rows,
    1 in ground rows; D the surface response; a the warming factor. A pack without layers melts first.
    `state` holds the temperatures after the solve and the freezing of the pond; `soil` None is ground without
    pores, where no water stays liquid below T_f.
    """
    weight = _row_weight(state)
    limit = _supercooled_rows(grid, soil, state)
    phase = _onset(grid, state, limit)
    increment = FREEZING_POINT - state.temperature
    heat = weight * (solution.response - 1.0 / solution.factor) * increment
    wrong = ((phase == MELTING) & (heat < 0.0)) | ((phase == FREEZING) & (heat > 0.0))
    held = jnp.where(phase > 0, FREEZING_POINT, state.temperature)
    phase = jnp.where(wrong, 0, phase)
    heat = jnp.where(phase > 0, heat, 0.0)

    pack = _melt_layerless_pack(state, heat[SNOW_LAYERS], timestep)
    heat = heat.at[SNOW_LAYERS].add(-LATENT_HEAT_FUSION * pack.melt)
    mass = heat * timestep / LATENT_HEAT_FUSION

    old_ice, total = state.ice, state.ice + state.liquid_water
    freezable = jnp.maximum(total - limit, 0.0)
    ice = jnp.where(mass > 0.0, jnp.maximum(old_ice - mass, 0.0), old_ice)
    ice = jnp.where(mass < 0.0, jnp.minimum(freezable, old_ice - mass), ice)
    moved = mass != 0.0
    liquid = jnp.where(moved, jnp.maximum(total - ice, 0.0), state.liquid_water)

    rate = (old_ice - ice) / timestep
    surplus = jnp.where(moved, heat - LATENT_HEAT_FUSION * rate, 0.0)
    warming = divide(solution.factor * surplus, weight * (1.0 - solution.factor * solution.response))
    temperature = held + warming
    snow_rows = (jnp.arange(temperature.shape[0]) < SNOW_LAYERS)[:, None]
    both = moved & (surplus != 0.0) & snow_rows & (liquid * ice > 0.0)
    temperature = jnp.where(both, FREEZING_POINT, temperature)

    snow = slice(0, SNOW_LAYERS)
    melt_layer = jnp.where(phase[snow] == MELTING, jnp.maximum(rate[snow], 0.0), 0.0)
    freezing_layer = jnp.where(phase[snow] == FREEZING, jnp.maximum(-rate[snow], 0.0), 0.0)
    melt = pack.melt + sum_rows(melt_layer)
    new_state = replace(
        state,
        temperature=temperature,
        ice=ice,
        liquid_water=liquid,
        snow_water=pack.snow_water,
        snow_depth=pack.snow_depth,
    )
    return PhaseChange(
        state=new_state,
        heat=LATENT_HEAT_FUSION * (pack.melt + sum_rows(rate)),
        snow_melt=melt,
        snow_melt_layer=melt_layer,
        snow_melt_heat=melt * LATENT_HEAT_FUSION,
        layerless_melt=pack.melt,
        snow_freezing_layer=freezing_layer,
        phase=phase,
    )


@pytree_dataclass
class _Pack:
    """A snow pack without layers: melt rate (kg m-2 s-1), water and depth left."""

    melt: Float[Array, " column"]
    snow_water: Float[Array, " column"]
    snow_depth: Float[Array, " column"]


def _melt_layerless_pack(state: GroundState, heat: Float[Array, " column"], timestep: float) -> _Pack:
    """Melt a pack without layers with the heat of the first soil layer (W m-2)."""
    melts = (state.snow_index == 0) & (state.snow_water > 0.0) & (heat > 0.0)
    wanted = jnp.where(melts, heat * timestep / LATENT_HEAT_FUSION, 0.0)
    left = jnp.maximum(state.snow_water - wanted, 0.0)
    share = jnp.where(melts, divide(left, state.snow_water), 1.0)
    return _Pack(
        melt=(state.snow_water - left) / timestep, snow_water=left, snow_depth=share * state.snow_depth
    )


def _onset(
    grid: ColumnGrid, state: GroundState, limit: Float[Array, "total column"]
) -> Int[Array, "total column"]:
    """1 where a layer is about to melt, 2 where it is about to freeze."""
    warm = state.temperature > FREEZING_POINT
    melts = (state.ice > 0.0) & warm
    layerless = (state.snow_index == 0) & (state.snow_water > 0.0) & warm[SNOW_LAYERS]
    melts = melts.at[SNOW_LAYERS].set(melts[SNOW_LAYERS] | layerless)
    freezes = (state.liquid_water > limit) & (state.temperature < FREEZING_POINT)
    phase = jnp.where(melts, MELTING, jnp.where(freezes, FREEZING, 0))
    return jnp.where(grid.active, phase, 0)


def _supercooled_rows(
    grid: ColumnGrid, soil: SoilProperties | None, state: GroundState
) -> Float[Array, "total column"]:
    """Supercooled water of ground rows, 0 in snow rows and in ground without pores, kg m-2."""
    if soil is None:
        return jnp.zeros_like(state.temperature)
    ground = slice(SNOW_LAYERS, None)
    limit = supercooled_water(soil, grid.thickness[ground], state.temperature[ground])
    return jnp.concatenate([jnp.zeros_like(state.temperature[:SNOW_LAYERS]), limit])


def _row_weight(state: GroundState) -> Float[Array, "total column"]:
    """Share of the column that a row covers: the snow fraction in snow rows, else 1."""
    snow = jnp.broadcast_to(layered_snow_fraction(state), (SNOW_LAYERS, state.snow_index.shape[0]))
    return jnp.concatenate([snow, jnp.ones_like(state.temperature[SNOW_LAYERS:])])
