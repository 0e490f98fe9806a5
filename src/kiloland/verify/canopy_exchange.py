"""Evidence for photosynthesis, leaf temperature and canopy fluxes, against tapes and restarts.

Compared are patches with exposed vegetation. Fluxes of the ground on the tapes are those of the whole step;
ours are advanced by the warming of the ground between the restarts.
"""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.land.biophysics.constants import LATENT_HEAT_VAPORISATION, STEFAN_BOLTZMANN
from kiloland.land.biophysics.ground_energy import (
    SurfaceUpdate,
    net_ground_heat,
    surface_derivative,
    update_surface_fluxes,
)
from kiloland.land.vertical import SNOW_LAYERS
from kiloland.verify.canopy_step import CanopyStep, ComparedSteps
from kiloland.verify.canopy_water import exposed_patches
from kiloland.verify.radiation import Difference, difference
from kiloland.verify.surface_split import same_layers
from kiloland.verify.temperature import GROUND, Mask, Values, column_mean, restart_ground

ENOUGH = 0.999
"""Columns that evaporate more than this share of the water of their top layer are left out."""


def photosynthesis_fields(result: CanopyStep) -> dict[str, jax.Array]:
    """Photosynthesis and stomata by ELM's names on tapes."""
    leaves, area = result.fluxes.leaves, _leaf_areas(result)

    def canopy(rate: jax.Array) -> jax.Array:
        return rate[0] * area[0] + rate[1] * area[1]

    return {
        "VCMAX25TOP": result.top.carboxylation,
        "RSSUN": leaves.resistance[0],
        "RSSHA": leaves.resistance[1],
        "PSNSUN": leaves.photosynthesis[0],
        "PSNSHA": leaves.photosynthesis[1],
        "FPSN": result.fluxes.photosynthesis,
        "FPSN_WC": canopy(leaves.rubisco_limited),
        "FPSN_WJ": canopy(leaves.light_limited),
        "FPSN_WP": canopy(leaves.product_limited),
    }


def canopy_fields(result: CanopyStep) -> dict[str, jax.Array]:
    """State and fluxes of the canopy by ELM's names on tapes.

    The tape counts one pass more than were made, and its ``RAH_ABOVE`` is the resistance below the canopy.
    """
    fluxes, ground = result.fluxes, result.surface.ground
    interception = LATENT_HEAT_VAPORISATION * (fluxes.evaporation - fluxes.transpiration)
    return {
        "ITER_LND_EBAL_AVG": fluxes.passes + 1.0,
        "EMV": fluxes.emissivity,
        "Z0MV": fluxes.roughness,
        "DISPLA": fluxes.displacement,
        "TAF": fluxes.air_temperature,
        "QAF": fluxes.air_humidity,
        "UAF": ground.friction_velocity,
        "USTAR": ground.friction_velocity,
        "OBU": ground.obukhov_length,
        "RAH_ABOVE": fluxes.below_resistance,
        "RAM1": ground.momentum_resistance,
        "FSH_V": fluxes.sensible,
        "QVEGT": fluxes.transpiration,
        "QVEGE": fluxes.evaporation - fluxes.transpiration,
        "QFLX_EVAP_VEG": fluxes.evaporation,
        "FCTR": LATENT_HEAT_VAPORISATION * fluxes.transpiration,
        "FCEV": interception,
        "DLRAD": fluxes.longwave_below,
        "ULRAD": fluxes.longwave_above,
        "CGRNDS": ground.sensible_derivative,
        "CGRNDL": ground.evaporation_derivative,
        "CGRND": ground.sensible_derivative + ground.evaporation_derivative * result.ground.latent_heat,
        "EFLX_GNET": net_ground_heat(
            result.radiation.ground.absorbed, fluxes.longwave_below, result.ground, ground
        ),
        "DGNETDT": surface_derivative(result.ground, ground),
        "TSA": ground.screen_temperature,
        "Q2M": ground.screen_humidity,
        "RH2M": fluxes.screen_relative_humidity,
        "U10WITHGUSTS": fluxes.ten_metre_wind,
        "TAUX": ground.eastward_stress,
        "TAUY": ground.northward_stress,
    }


def bare_fields(result: CanopyStep) -> dict[str, jax.Array]:
    """Fluxes of patches without exposed vegetation by ELM's names on tapes."""
    ground, over = result.surface.ground, result.ground
    absorbed = result.radiation.ground.absorbed
    return {
        "FV": ground.friction_velocity,
        "RAM1": ground.momentum_resistance,
        "TSA": ground.screen_temperature,
        "Q2M": ground.screen_humidity,
        "TAUX": ground.eastward_stress,
        "CGRNDS": ground.sensible_derivative,
        "CGRNDL": ground.evaporation_derivative,
        "EFLX_GNET": net_ground_heat(absorbed, result.surface.longwave_to_ground, over, ground),
        "DGNETDT": surface_derivative(over, ground),
        "TV": result.fluxes.leaf_temperature,
        "H2OCAN": result.fluxes.canopy_water,
    }


def exchange_differences(
    compared: ComparedSteps, fields: dict[str, jax.Array], *, bare: bool = False
) -> Iterator[tuple[int, Difference]]:
    """Fields of exposed (or bare) patches against the tape, by number of the step."""
    for number, (step, group) in enumerate(zip(compared.steps, compared.groups, strict=True)):
        exposed = exposed_patches(compared, number) != bare
        for name, values in fields.items():
            if name in step.tape:
                mine = compared.on_patches(values, number)
                yield number, difference(name, mine, step.patches(name, group), exposed)


def canopy_state_differences(compared: ComparedSteps) -> Iterator[tuple[int, Difference]]:
    """Leaf temperature and canopy water of the next restart."""
    fluxes = compared.result.fluxes
    ours = {"T_VEG": fluxes.leaf_temperature, "H2OCAN": fluxes.canopy_water}
    for number, (step, group) in enumerate(zip(compared.steps, compared.groups, strict=True)):
        exposed = exposed_patches(compared, number)
        for name, values in ours.items():
            reference = np.asarray(step.after.values[name], np.float64)[group.patch_row]
            yield number, difference(name, compared.on_patches(values, number), reference, exposed)


def answered_differences(compared: ComparedSteps) -> Iterator[tuple[int, Difference]]:
    """Fluxes of the ground below a canopy over the whole step, and what leaves the surface as longwave.

    Left out are columns whose snow layers changed after the heat step and those that evaporate all water of
    their top layer.
    """
    for number, (step, group) in enumerate(zip(compared.steps, compared.groups, strict=True)):
        if "QSOIL" not in step.tape:
            continue
        chosen = exposed_patches(compared, number) & _answer_known(compared, number)[group.patch_column]
        new = np.asarray(step.after.values[GROUND], np.float64)[group.column_row][group.patch_column]
        found: SurfaceUpdate = _answered(compared, number, new)
        for name, values in _answered_fields(compared, number, new, found).items():
            if name in step.tape:
                yield number, difference(name, values, step.patches(name, group), chosen)


def _answered(compared: ComparedSteps, number: int, new: Values) -> SurfaceUpdate:
    result = compared.result
    of_patch = compared.groups[number].patch_column
    state = result.pond.state
    row = np.asarray(compared.on_columns(state.snow_index, number)) + SNOW_LAYERS
    columns = np.arange(len(row))
    liquid = compared.on_columns(state.liquid_water, number)[row, columns][of_patch]
    ice = compared.on_columns(state.ice, number)[row, columns][of_patch]
    ground, fluxes = jax.tree.map(
        lambda values: jnp.asarray(compared.on_patches(values, number)), (result.ground, result.fluxes.ground)
    )
    warming = jnp.asarray(new) - ground.temperature
    full = jnp.ones_like(warming)
    return update_surface_fluxes(
        ground, fluxes, warming, full, jnp.asarray(liquid), jnp.asarray(ice), jnp.asarray(new)
    )


def _answered_fields(
    compared: ComparedSteps, number: int, new: Values, found: SurfaceUpdate
) -> dict[str, Values]:
    result = compared.result
    evaporation = compared.on_patches(result.fluxes.evaporation, number)
    old = compared.on_patches(result.ground.temperature, number)
    emissivity = compared.on_patches(result.ground.emissivity, number)
    up = compared.on_patches(result.fluxes.longwave_above, number)
    latent = np.asarray(found.latent)
    return {
        "FSH_G": np.asarray(found.sensible),
        "QSOIL": np.asarray(found.evaporation),
        "FGEV": latent,
        "EFLX_LH_TOT": latent + LATENT_HEAT_VAPORISATION * evaporation,
        "FIRE": up + 4.0 * emissivity * STEFAN_BOLTZMANN * old * old * old * (new - old),
    }


def _answer_known(compared: ComparedSteps, number: int) -> Mask:
    step, group = compared.steps[number], compared.groups[number]
    before, after = restart_ground(step.before, group), restart_ground(step.after, group)
    kept = same_layers(before, before, after)
    row = np.asarray(before.snow_index) + SNOW_LAYERS
    columns = np.arange(len(row))
    supply = np.asarray(before.liquid_water)[row, columns] + np.asarray(before.ice)[row, columns]
    upward = np.asarray(column_mean(np.maximum(step.patches("QSOIL", group), 0.0), group))
    known: Mask = kept & (upward < ENOUGH * supply / step.timestep)
    return known


def _leaf_areas(result: CanopyStep) -> tuple[jax.Array, jax.Array]:
    light = result.radiation.light
    return light.sunlit_leaf_area, light.shaded_leaf_area
