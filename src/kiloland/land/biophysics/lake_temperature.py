"""Temperature of a lake: snow, ten layers of water and ice, and the ground below, with convection.

After Hostetler and Bartlein (1990), Fang and Stefan (1996), Subin et al. (2012, doi:10.1029/2011MS000072);
CLM4.5 technical note (Oleson et al. 2013), chapter 9.
"""

from __future__ import annotations

import dataclasses

from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.lake_conduction import conduct, lake_heating, water_conductivity
from kiloland.land.biophysics.lake_convection import overturn
from kiloland.land.biophysics.lake_fluxes import LakeFluxes
from kiloland.land.biophysics.lake_layers import HEAT_CAPACITY_WATER, LakeGrid, LakeWater, sensible_heat
from kiloland.land.biophysics.lake_phase_change import change_phase
from kiloland.land.biophysics.lake_surface import LakeShape, LakeSunlight
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties


@pytree_dataclass
class LakeHeat:
    """A lake after the heat of a step."""

    water: LakeWater
    ground: GroundState
    snow_melt: Float[Array, " column"]
    """Ice of the snow that melted, kg m-2 s-1."""
    snow_melting: Bool[Array, "snow column"]
    """Layers in which ice melted."""
    snow_freezing: Float[Array, "snow column"]
    """kg m-2 s-1."""
    layerless_melt: Float[Array, " column"]
    """Melt of snow without layers, kg m-2 s-1."""
    entered: Float[Array, " column"]
    """Heat that entered, W m-2."""
    storage: Float[Array, " column"]
    """Warming, W m-2."""
    phase_change: Float[Array, " column"]
    """Latent heat taken up by melting, W m-2."""
    residual: Float[Array, " column"]
    """Storage and phase change less what entered (rounding); given to the sensible heat, W m-2."""


def lake_temperature(
    shape: LakeShape,
    grid: LakeGrid,
    soil: SoilProperties,
    water: LakeWater,
    ground: GroundState,
    fluxes: LakeFluxes,
    sunlight: LakeSunlight,
    timestep: float,
) -> LakeHeat:
    """Advance all temperatures of a lake column by a step (s).

    Heat conduction (Crank-Nicolson) with the eddy diffusivity of the water, then melting and freezing, then
    mixing of layers that are heavier than those below. `fluxes` are those of the surface, with its new
    temperature.
    """
    open_water = (
        (fluxes.temperature > FREEZING_POINT)
        & (water.temperature[0] > FREEZING_POINT)
        & (ground.snow_index == 0)
    )
    diffusivity, conductivity = water_conductivity(shape, grid, water, fluxes, open_water)
    heating = lake_heating(shape, grid, ground, open_water, sunlight, fluxes.net_heat)
    water_temperature, temperature = conduct(grid, soil, water, ground, conductivity, heating, timestep)
    warmed = LakeWater(water_temperature, water.ice_fraction, diffusivity * HEAT_CAPACITY_WATER)
    below = dataclasses.replace(ground, temperature=temperature)
    changed = change_phase(grid, soil, warmed, below)
    mixed = overturn(grid, changed.water)
    warming = sensible_heat(grid, soil, mixed, changed.ground) - sensible_heat(grid, soil, water, ground)
    return LakeHeat(
        water=mixed,
        ground=changed.ground,
        snow_melt=changed.snow_melt / timestep,
        snow_melting=changed.snow_melting,
        snow_freezing=changed.snow_freezing / timestep,
        layerless_melt=changed.layerless_melt / timestep,
        entered=heating.total,
        storage=warming / timestep,
        phase_change=changed.melted / timestep,
        residual=(warming + changed.melted) / timestep - heating.total,
    )
