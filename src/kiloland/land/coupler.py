"""What the land and the other components of E3SM exchange: every field with its name, units and sign.

Both lists are those of a coupled run, one value a cell. Fluxes that the land sends to the atmosphere
(`Fall_`) count downwards, so evaporation and emission are negative; water sent to the rivers (`Flrl_`) counts
towards them. States carry no sign.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.constants import STEFAN_BOLTZMANN
from kiloland.land.biophysics.safe_math import sum_rows
from kiloland.land.vertical import SOIL_LAYERS, ground_grid

CARBON_TO_DIOXIDE = 44.0 / 12.0
"""Mass of CO2 of a mass of carbon."""
SURFACE_LAYERS = 3
"""Layers whose temperature surface runoff has."""

Cells = Float[Array, " cell"]


def _as(name: str, units: str) -> dict[str, str]:
    """What the coupler calls a field."""
    return {"name": name, "units": units}


@dataclass(frozen=True)
class CouplerField:
    """Name of a field in the coupler and its units there."""

    name: str
    units: str


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class FromCoupler:
    """What the land receives (`x2l`); precipitation and deposition count downwards."""

    reference_height: Cells = field(metadata=_as("Sa_z", "m"))
    eastward_wind: Cells = field(metadata=_as("Sa_u", "m s-1"))
    northward_wind: Cells = field(metadata=_as("Sa_v", "m s-1"))
    potential_temperature: Cells = field(metadata=_as("Sa_ptem", "K"))
    temperature: Cells = field(metadata=_as("Sa_tbot", "K"))
    specific_humidity: Cells = field(metadata=_as("Sa_shum", "kg kg-1"))
    pressure: Cells = field(metadata=_as("Sa_pbot", "Pa"))
    carbon_dioxide: Cells = field(metadata=_as("Sa_co2prog", "1e-6 mol mol-1"))
    convective_rain: Cells = field(metadata=_as("Faxa_rainc", "kg m-2 s-1"))
    large_scale_rain: Cells = field(metadata=_as("Faxa_rainl", "kg m-2 s-1"))
    convective_snow: Cells = field(metadata=_as("Faxa_snowc", "kg m-2 s-1"))
    large_scale_snow: Cells = field(metadata=_as("Faxa_snowl", "kg m-2 s-1"))
    longwave_down: Cells = field(metadata=_as("Faxa_lwdn", "W m-2"))
    direct_near_infrared: Cells = field(metadata=_as("Faxa_swndr", "W m-2"))
    direct_visible: Cells = field(metadata=_as("Faxa_swvdr", "W m-2"))
    diffuse_near_infrared: Cells = field(metadata=_as("Faxa_swndf", "W m-2"))
    diffuse_visible: Cells = field(metadata=_as("Faxa_swvdf", "W m-2"))
    black_carbon_hydrophilic_dry: Cells = field(metadata=_as("Faxa_bcphidry", "kg m-2 s-1"))
    black_carbon_hydrophobic_dry: Cells = field(metadata=_as("Faxa_bcphodry", "kg m-2 s-1"))
    black_carbon_hydrophilic_wet: Cells = field(metadata=_as("Faxa_bcphiwet", "kg m-2 s-1"))
    organic_carbon_hydrophilic_dry: Cells = field(metadata=_as("Faxa_ocphidry", "kg m-2 s-1"))
    organic_carbon_hydrophobic_dry: Cells = field(metadata=_as("Faxa_ocphodry", "kg m-2 s-1"))
    organic_carbon_hydrophilic_wet: Cells = field(metadata=_as("Faxa_ocphiwet", "kg m-2 s-1"))
    dust_1_dry: Cells = field(metadata=_as("Faxa_dstdry1", "kg m-2 s-1"))
    dust_2_dry: Cells = field(metadata=_as("Faxa_dstdry2", "kg m-2 s-1"))
    dust_3_dry: Cells = field(metadata=_as("Faxa_dstdry3", "kg m-2 s-1"))
    dust_4_dry: Cells = field(metadata=_as("Faxa_dstdry4", "kg m-2 s-1"))
    dust_1_wet: Cells = field(metadata=_as("Faxa_dstwet1", "kg m-2 s-1"))
    dust_2_wet: Cells = field(metadata=_as("Faxa_dstwet2", "kg m-2 s-1"))
    dust_3_wet: Cells = field(metadata=_as("Faxa_dstwet3", "kg m-2 s-1"))
    dust_4_wet: Cells = field(metadata=_as("Faxa_dstwet4", "kg m-2 s-1"))
    river_volume: Cells = field(metadata=_as("Flrr_volr", "m"))
    main_channel_volume: Cells = field(metadata=_as("Flrr_volrmch", "m"))
    flood: Cells = field(metadata=_as("Flrr_flood", "kg m-2 s-1"))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ToCoupler:
    """What the land sends (`l2x`)."""

    radiative_temperature: Cells = field(metadata=_as("Sl_t", "K"))
    snow_water: Cells = field(metadata=_as("Sl_snowh", "m"))
    direct_visible_albedo: Cells = field(metadata=_as("Sl_avsdr", "1"))
    direct_near_infrared_albedo: Cells = field(metadata=_as("Sl_anidr", "1"))
    diffuse_visible_albedo: Cells = field(metadata=_as("Sl_avsdf", "1"))
    diffuse_near_infrared_albedo: Cells = field(metadata=_as("Sl_anidf", "1"))
    screen_temperature: Cells = field(metadata=_as("Sl_tref", "K"))
    screen_humidity: Cells = field(metadata=_as("Sl_qref", "kg kg-1"))
    ten_metre_wind: Cells = field(metadata=_as("Sl_u10", "m s-1"))
    ten_metre_wind_with_gusts: Cells = field(metadata=_as("Sl_u10withgusts", "m s-1"))
    momentum_resistance: Cells = field(metadata=_as("Sl_ram1", "s m-1"))
    friction_velocity: Cells = field(metadata=_as("Sl_fv", "m s-1"))
    surface_soil_water: Cells = field(metadata=_as("Sl_soilw", "m3 m-3"))
    eastward_stress: Cells = field(metadata=_as("Fall_taux", "N m-2"))
    northward_stress: Cells = field(metadata=_as("Fall_tauy", "N m-2"))
    latent: Cells = field(metadata=_as("Fall_lat", "W m-2"))
    sensible: Cells = field(metadata=_as("Fall_sen", "W m-2"))
    longwave_up: Cells = field(metadata=_as("Fall_lwup", "W m-2"))
    evaporation: Cells = field(metadata=_as("Fall_evap", "kg m-2 s-1"))
    net_shortwave: Cells = field(metadata=_as("Fall_swnet", "W m-2"))
    carbon_dioxide: Cells = field(metadata=_as("Fall_fco2_lnd", "kg CO2 m-2 s-1"))
    methane: Cells = field(metadata=_as("Fall_methane", "kg C m-2 s-1"))
    dust_1: Cells = field(metadata=_as("Fall_flxdst1", "kg m-2 s-1"))
    dust_2: Cells = field(metadata=_as("Fall_flxdst2", "kg m-2 s-1"))
    dust_3: Cells = field(metadata=_as("Fall_flxdst3", "kg m-2 s-1"))
    dust_4: Cells = field(metadata=_as("Fall_flxdst4", "kg m-2 s-1"))
    surface_runoff: Cells = field(metadata=_as("Flrl_rofsur", "kg m-2 s-1"))
    subsurface_runoff: Cells = field(metadata=_as("Flrl_rofsub", "kg m-2 s-1"))
    lake_and_glacier_runoff: Cells = field(metadata=_as("Flrl_rofgwl", "kg m-2 s-1"))
    ice_runoff: Cells = field(metadata=_as("Flrl_rofi", "kg m-2 s-1"))
    irrigation_demand: Cells = field(metadata=_as("Flrl_demand", "kg m-2 s-1"))
    surface_runoff_temperature: Cells = field(metadata=_as("Flrl_Tqsur", "K"))
    subsurface_runoff_temperature: Cells = field(metadata=_as("Flrl_Tqsub", "K"))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class CellMeans:
    """Means over a cell of what a step gave, upwards positive as in the history files."""

    snow_water: Cells
    """kg m-2."""
    albedo_direct: Float[Array, "band cell"]
    albedo_diffuse: Float[Array, "band cell"]
    screen_temperature: Cells
    screen_humidity: Cells
    ten_metre_wind: Cells
    ten_metre_wind_with_gusts: Cells
    momentum_resistance: Cells
    friction_velocity: Cells
    surface_soil_water: Cells
    """Volume fraction of the first soil layer."""
    eastward_stress: Cells
    northward_stress: Cells
    latent: Cells
    sensible: Cells
    longwave_up: Cells
    evaporation: Cells
    absorbed_shortwave: Cells
    net_ecosystem_exchange: Cells
    """Carbon to the air, fire included, g C m-2 s-1."""
    carbon_to_methane: Cells
    """Correction of the exchange for carbon that leaves as methane, g C m-2 s-1 (`NEM`)."""
    methane: Cells
    """kg C m-2 s-1."""
    dust: Float[Array, "kind cell"]
    surface_runoff: Cells
    pond_outflow: Cells
    base_drainage: Cells
    perched_drainage: Cells
    excess: Cells
    capped_ice: Cells
    soil_temperature: Float[Array, "ground cell"]
    water_table: Cells
    """Depth, m."""


def coupler_fields(kind: type[FromCoupler] | type[ToCoupler]) -> dict[str, CouplerField]:
    """Name and units in the coupler of every field of a list, by the name of the attribute.

    >>> coupler_fields(ToCoupler)["latent"]
    CouplerField(name='Fall_lat', units='W m-2')
    """
    return {item.name: CouplerField(**item.metadata) for item in fields(kind)}


def to_coupler(cell: CellMeans) -> ToCoupler:
    """The fields that the land sends, from the means of a cell.

    The radiative temperature is (L / sigma)^(1/4) of the outgoing longwave L. Runoff of ponds goes with that
    of the surface, perched water with the base drainage. There is no irrigation.
    """
    exchange = cell.net_ecosystem_exchange + cell.carbon_to_methane
    return ToCoupler(
        radiative_temperature=jnp.sqrt(jnp.sqrt(cell.longwave_up / STEFAN_BOLTZMANN)),
        snow_water=cell.snow_water / 1000.0,
        direct_visible_albedo=cell.albedo_direct[0],
        direct_near_infrared_albedo=cell.albedo_direct[1],
        diffuse_visible_albedo=cell.albedo_diffuse[0],
        diffuse_near_infrared_albedo=cell.albedo_diffuse[1],
        screen_temperature=cell.screen_temperature,
        screen_humidity=cell.screen_humidity,
        ten_metre_wind=cell.ten_metre_wind,
        ten_metre_wind_with_gusts=cell.ten_metre_wind_with_gusts,
        momentum_resistance=cell.momentum_resistance,
        friction_velocity=cell.friction_velocity,
        surface_soil_water=cell.surface_soil_water,
        eastward_stress=-cell.eastward_stress,
        northward_stress=-cell.northward_stress,
        latent=-cell.latent,
        sensible=-cell.sensible,
        longwave_up=-cell.longwave_up,
        evaporation=-cell.evaporation,
        net_shortwave=cell.absorbed_shortwave,
        carbon_dioxide=-exchange * (1e-3 * CARBON_TO_DIOXIDE),
        methane=-cell.methane,
        dust_1=-cell.dust[0],
        dust_2=-cell.dust[1],
        dust_3=-cell.dust[2],
        dust_4=-cell.dust[3],
        surface_runoff=cell.surface_runoff + cell.pond_outflow,
        subsurface_runoff=cell.base_drainage + cell.perched_drainage,
        lake_and_glacier_runoff=cell.excess,
        ice_runoff=cell.capped_ice,
        irrigation_demand=jnp.zeros_like(cell.latent),
        surface_runoff_temperature=surface_runoff_temperature(cell.soil_temperature),
        subsurface_runoff_temperature=subsurface_runoff_temperature(cell.soil_temperature, cell.water_table),
    )


def surface_runoff_temperature(temperature: Float[Array, "ground cell"]) -> Cells:
    """Mean of the three uppermost soil layers, K."""
    thickness = jnp.asarray(_soil_thickness())[:SURFACE_LAYERS, None]
    return sum_rows(temperature[:SURFACE_LAYERS] * thickness) / thickness.sum()


def subsurface_runoff_temperature(temperature: Float[Array, "ground cell"], water_table: Cells) -> Cells:
    """Mean of the saturated part of the soil, K: from the water table to the bottom.

    The layer of the first node at or below the table counts with its depth below the table; a table below the
    last node gives the temperature there, one at the surface the mean of all layers.
    """
    node = jnp.asarray(ground_grid().node)[:SOIL_LAYERS, None]
    thickness = jnp.asarray(_soil_thickness())[:, None]
    soil = temperature[:SOIL_LAYERS]
    below = water_table <= node
    first = below & ~jnp.concatenate([jnp.zeros_like(below[:1]), below[:-1]])
    part = jnp.where(first, node - water_table, jnp.where(below, thickness, 0.0))
    part = jnp.where(water_table <= 0.0, thickness, part)
    deep = water_table >= node[-1]
    total = jnp.where(deep, 1.0, sum_rows(part))
    return jnp.where(deep, soil[-1], sum_rows(part * soil) / total)


def _soil_thickness() -> Float[Any, " soil"]:
    """Thickness of the soil layers with the last one as thick as the distance of the last two nodes, m."""
    grid = ground_grid()
    thickness = grid.thickness[:SOIL_LAYERS].copy()
    thickness[-1] = grid.node[SOIL_LAYERS - 1] - grid.node[SOIL_LAYERS - 2]
    return thickness
