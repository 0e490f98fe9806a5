"""One step of water and energy on soil columns: a table of contents of what happens, in ELM's order.

Precipitation on canopy and ground, sunlight, water stress, fluxes of canopies and of bare ground, the heat of
snow, pond and soil, the water of snow and soil, drainage, and the albedos for the next step.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.albedo import (
    CanopySurface,
    soil_albedo,
    surface_albedo,
    surface_water_content,
)
from kiloland.land.biophysics.bare_ground_fluxes import Air, TurbulentFluxes, bare_ground_fluxes
from kiloland.land.biophysics.canopy_fluxes import (
    Canopy,
    CanopyFluxes,
    PlantTraits,
    canopy_fluxes,
    emitted_fourth,
)
from kiloland.land.biophysics.canopy_hydrology import Interception, intercept
from kiloland.land.biophysics.constants import LATENT_HEAT_VAPORISATION, STEFAN_BOLTZMANN
from kiloland.land.biophysics.drainage import Drained, drainage
from kiloland.land.biophysics.ground_energy import (
    GroundRadiation,
    SurfaceUpdate,
    evaporation_limit,
    surface_heat,
    update_surface_fluxes,
)
from kiloland.land.biophysics.ground_heat import GroundHeat, advance_temperature
from kiloland.land.biophysics.ground_state import GroundState, ground_temperature
from kiloland.land.biophysics.ground_surface import GroundSurface, ground_surface
from kiloland.land.biophysics.leaf_capacity import top_capacity
from kiloland.land.biophysics.photosynthesis import LeafGroups
from kiloland.land.biophysics.pond_cover import cover_with_pond
from kiloland.land.biophysics.snicar import FRESH_RADIUS, SnowPack, snow_radiation, stored_absorption
from kiloland.land.biophysics.snow_aging import GrainTables
from kiloland.land.biophysics.snow_compaction import MeltHistory
from kiloland.land.biophysics.snow_cover import CAPPED_WATER, accumulate_snow
from kiloland.land.biophysics.snow_optics import SnowOptics
from kiloland.land.biophysics.snow_pack import SnowLayers
from kiloland.land.biophysics.snow_step import SnowConditions, SnowStep, advance_snow
from kiloland.land.biophysics.snow_water import SnowSurfaceWater
from kiloland.land.biophysics.soil_moisture_stress import (
    MoistureStress,
    RootTraits,
    moisture_stress,
    root_zone,
)
from kiloland.land.biophysics.soil_temperature import SurfaceHeat
from kiloland.land.biophysics.soil_water import SoilWater, soil_water
from kiloland.land.biophysics.surface_radiation import SurfaceRadiation
from kiloland.land.biophysics.surface_runoff import (
    SurfaceWaterFluxes,
    Terrain,
    frozen_soil,
    saturated_fraction,
    surface_water,
)
from kiloland.land.biophysics.water_table import WaterTable, frost_table, recharge_table, water_volume
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.state import ColumnState, LandState, PatchState
from kiloland.land.step import (
    ColumnConstants,
    Settings,
    Weather,
    absorb_sunlight,
    ground_state,
    top_layer,
    with_fields,
)
from kiloland.land.subgrid import BlockIndex, patch_to_column
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, ground_grid, snow_layer_mask

SOIL_ROWS = slice(SNOW_LAYERS, SNOW_LAYERS + SOIL_LAYERS)
MELTING = 1
AEROSOL_FIELDS = (
    "black_carbon_hydrophilic",
    "black_carbon_hydrophobic",
    "organic_carbon_hydrophilic",
    "organic_carbon_hydrophobic",
    "dust_1",
    "dust_2",
    "dust_3",
    "dust_4",
)
"""Fields of the state in the order of :class:`~kiloland.land.biophysics.aerosol.Aerosol`."""


@pytree_dataclass
class Vegetation:
    """What a step takes of the vegetation, from outside until it grows."""

    leaf_area: Float[Array, " patch"]
    """Exposed, m2 m-2."""
    stem_area: Float[Array, " patch"]
    canopy_top: Float[Array, " patch"]
    """m."""
    exposed: Int[Array, " patch"]
    """1 where vegetation stands above the snow."""


@pytree_dataclass
class Surroundings:
    """What surrounds the land during a step."""

    weather: Weather
    day_length_factor: Float[Array, " column"]
    """(Day length over the longest day)^2."""
    deposition: Float[Array, "species column"]
    """Particles that fall on snow, kg m-2 s-1."""
    ten_day_samples: Float[Array, ""]
    """Samples of the ten-day mean of temperature: its period in steps, fewer at the start of a run."""
    vegetation: Vegetation | None
    """At the end of the step; None keeps that of the state."""


@pytree_dataclass
class LandConstants:
    """What does not change during a run."""

    column: ColumnConstants
    terrain: Terrain
    melt_shape: Float[Array, " column"]
    """Exponent of the depletion curve of the snow cover."""
    plants: PlantTraits
    """Per patch."""
    root_traits: RootTraits
    """Per patch."""
    roots: Float[Array, "soil patch"]
    """Share of the roots in each layer."""
    snow_optics: SnowOptics
    grain_tables: GrainTables
    stress_temperature: Float[Array, ""]
    """Soil temperature at and below which roots take up nothing, C."""
    largest_drainage: Float[Array, ""]
    """kg m-2 s-1."""
    carbon_dioxide: Float[Array, ""]
    """Share of the pressure of the air."""

    @property
    def index(self) -> BlockIndex:
        """Which patch stands on which column."""
        return self.column.index


@pytree_dataclass
class Precipitation:
    """Canopy and ground after the precipitation of a step."""

    canopy: Interception
    ground: GroundState
    snow_fraction: Float[Array, " column"]
    rain: Float[Array, " column"]
    """At the ground, kg m-2 s-1."""
    snowfall: Float[Array, " column"]
    capped_ice: Float[Array, " column"]
    """Snow that a full pack sheds, kg m-2 s-1."""
    capped: Bool[Array, " column"]
    new_layer: Bool[Array, " column"]
    """Packs that got their first layer."""


@pytree_dataclass
class Exchange:
    """Fluxes between ground, canopy and air before the ground answers; all per patch."""

    ground: GroundSurface
    radiation: GroundRadiation
    turbulence: TurbulentFluxes
    canopy: CanopyFluxes
    stress: MoistureStress
    ground_fourth: Float[Array, " patch"]
    """Mean of T^4 over snow, soil and pond, K4."""
    sky: Float[Array, " patch"]
    """Longwave from the sky, W m-2."""
    heat: SurfaceHeat
    """Into the ground of each column."""


@pytree_dataclass
class PatchFluxes:
    """Fluxes of the whole step, per patch; upwards unless said otherwise."""

    update: SurfaceUpdate
    sensible: Float[Array, " patch"]
    """Of canopy and ground, W m-2."""
    evaporation: Float[Array, " patch"]
    """kg m-2 s-1."""
    latent: Float[Array, " patch"]
    """W m-2."""
    longwave_up: Float[Array, " patch"]
    """W m-2."""
    ground_heat: Float[Array, " patch"]
    """Into the ground, W m-2 (`FGR`)."""


@pytree_dataclass
class ColumnWater:
    """Water of the soil after a step and where it went."""

    surface: SurfaceWaterFluxes
    soil: SoilWater
    drained: Drained
    frost_depth: Float[Array, " column"]
    root_uptake: Float[Array, "soil column"]
    at_ground: Float[Array, " column"]
    """Rain and water from snow that reach the soil, kg m-2 s-1 (`QTOPSOIL`)."""


@pytree_dataclass
class FullOutput:
    """What a step tells beside the new state."""

    precipitation: Precipitation
    radiation: SurfaceRadiation
    exchange: Exchange
    heat: GroundHeat
    fluxes: PatchFluxes
    snow: SnowStep
    water: ColumnWater


def step_of_water_and_energy(
    state: LandState, surroundings: Surroundings, constants: LandConstants, settings: Settings
) -> tuple[LandState, FullOutput]:
    """One step; the state at its end and all fluxes of it."""
    weather, columns = surroundings.weather, constants.column
    fallen = receive_precipitation(state, weather, constants, settings)
    radiation = absorb_sunlight(with_snow_index(state, fallen.ground), weather, columns)
    exchange = exchange_with_air(state, fallen, radiation, surroundings, constants, settings)
    heat = advance_temperature(columns.soil, fallen.ground, exchange.heat, settings.timestep)
    fluxes = answer_of_ground(exchange, heat, weather, columns.index, settings)
    snow = move_snow(state, fallen, heat, fluxes, surroundings, constants, settings)
    water = move_water(state, fallen, heat, exchange, fluxes, snow, constants, settings)
    state = LandState(
        column=next_column(state.column, fallen, heat, snow, water),
        patch=next_patch(
            state.patch,
            fallen,
            radiation,
            exchange,
            fluxes,
            surroundings,
            columns.index.patch_column,
        ),
    )
    state = renew_albedo(state, weather.cosine_zenith_next, constants)
    return state, FullOutput(
        precipitation=fallen,
        radiation=radiation,
        exchange=exchange,
        heat=heat,
        fluxes=fluxes,
        snow=snow,
        water=water,
    )


def receive_precipitation(
    state: LandState, weather: Weather, constants: LandConstants, settings: Settings
) -> Precipitation:
    """Interception, snow cover and depth, first snow layers, and the share of ground under water."""
    index, patch, column = constants.column.index, state.patch, state.column
    capped = column.snow_water > CAPPED_WATER
    canopy = intercept(
        patch.leaf_area,
        patch.stem_area,
        patch.vegetation_exposed > 0,
        patch.canopy_water,
        weather.rain[index.patch_column],
        weather.snow[index.patch_column],
        capped[index.patch_column],
        settings.timestep,
    )
    snowfall = patch_to_column(canopy.snow_to_ground, index)
    snow = accumulate_snow(
        ground_state(state),
        column.snow_fraction,
        column.snow_melt,
        snowfall,
        weather.temperature,
        constants.melt_shape,
        settings.timestep,
    )
    pond = cover_with_pond(snow.state, snow.snow_fraction, constants.terrain.microrelief)
    return Precipitation(
        canopy=canopy,
        ground=pond.state,
        snow_fraction=pond.snow_fraction,
        rain=patch_to_column(canopy.rain_to_ground, index),
        snowfall=snowfall,
        capped_ice=patch_to_column(canopy.capped_snow, index),
        capped=capped,
        new_layer=snow.new_layer,
    )


def with_snow_index(state: LandState, ground: GroundState) -> LandState:
    """The state with the number of snow layers after snowfall; light sees the new layer."""
    return LandState(column=replace(state.column, snow_index=ground.snow_index), patch=state.patch)


def exchange_with_air(
    state: LandState,
    fallen: Precipitation,
    radiation: SurfaceRadiation,
    surroundings: Surroundings,
    constants: LandConstants,
    settings: Settings,
) -> Exchange:
    """Fluxes of canopies, of the ground below them and of bare ground, with the old ground temperature."""
    weather, soil = surroundings.weather, constants.column.soil
    index = constants.column.index
    of_patch = index.patch_column
    over_column = ground_surface(soil, fallen.ground, weather.specific_humidity, weather.pressure)
    ground: GroundSurface = jax.tree.map(lambda values: values[of_patch], over_column)
    fourth = emitted_fourth(fallen.ground)[of_patch]
    zone = root_zone(fallen.ground.temperature, fallen.ground.liquid_water, fallen.ground.ice)
    stress = moisture_stress(
        soil, zone, constants.root_traits, constants.roots, of_patch, constants.stress_temperature
    )
    air = air_of_patches(weather, of_patch)
    leaves = canopy_of_step(state.patch, fallen.canopy, radiation, stress)
    canopy = canopy_fluxes(
        leaves,
        constants.plants,
        top_capacity(
            constants.plants.leaf,
            surroundings.day_length_factor[of_patch],
            state.patch.ten_day_temperature,
        ),
        air,
        ground,
        fourth,
        fallen.ground.snow_depth[of_patch],
        weather.longwave_down[of_patch],
        constants.carbon_dioxide * air.pressure,
        settings.timestep,
    )
    # ELM measures the height of the forcing from the displacement height of plants that snow has buried, too.
    buried = constants.plants.structure.displacement_ratio * state.patch.canopy_top
    bare = bare_ground_fluxes(replace(air, height=air.height + buried), ground)
    turbulence = choose_patches(leaves.exposed, canopy.ground, bare)
    light = radiation.ground
    sky = ground.emissivity * weather.longwave_down[of_patch]
    ground_radiation = GroundRadiation(
        absorbed_soil=light.absorbed_by_soil,
        absorbed_snow_top=top_layer(light.absorbed_by_layer, fallen.ground.snow_index[of_patch]),
        absorbed_layer=light.absorbed_by_layer,
        longwave_down=jnp.where(leaves.exposed, canopy.longwave_below, sky),
    )
    heat = surface_heat(ground_radiation, ground, turbulence)
    mean: SurfaceHeat = jax.tree.map(lambda values: patch_to_column(values, index), heat)
    return Exchange(
        ground=ground,
        radiation=ground_radiation,
        turbulence=turbulence,
        canopy=canopy,
        stress=stress,
        ground_fourth=fourth,
        sky=weather.longwave_down[of_patch],
        heat=mean,
    )


def choose_patches(
    exposed: Bool[Array, " patch"], vegetated: TurbulentFluxes, bare: TurbulentFluxes
) -> TurbulentFluxes:
    """Fluxes below canopies where vegetation is exposed, else those of bare ground."""
    chosen: TurbulentFluxes = jax.tree.map(lambda a, b: jnp.where(exposed, a, b), vegetated, bare)
    return chosen


def air_of_patches(weather: Weather, of_patch: Int[Array, " patch"]) -> Air:
    """The air above each patch; all wind blows from the west, as in ELM's site mode."""
    return Air(
        temperature=weather.temperature[of_patch],
        potential_temperature=weather.potential_temperature[of_patch],
        humidity=weather.specific_humidity[of_patch],
        pressure=weather.pressure[of_patch],
        eastward_wind=weather.wind[of_patch],
        northward_wind=jnp.zeros_like(weather.wind)[of_patch],
        height=weather.reference_height[of_patch],
    )


def canopy_of_step(
    patch: PatchState, caught: Interception, radiation: SurfaceRadiation, stress: MoistureStress
) -> Canopy:
    """The canopy of each patch as its fluxes need it."""
    light = radiation.light
    return Canopy(
        leaf_area=patch.leaf_area,
        stem_area=patch.stem_area,
        top=patch.canopy_top,
        exposed=patch.vegetation_exposed > 0,
        leaf_temperature=patch.leaf_temperature,
        water=caught.canopy_water,
        wet_fraction=caught.wet_fraction,
        dry_fraction=caught.dry_fraction,
        absorbed_sunlight=radiation.absorbed_by_vegetation,
        leaves=LeafGroups(
            leaf_area=jnp.stack([light.sunlit_leaf_area, light.shaded_leaf_area]),
            light=jnp.stack([light.absorbed_visible_sunlit[0], light.absorbed_visible_shaded[0]]),
            scaling=jnp.stack([patch.vcmax_scaling_sunlit, patch.vcmax_scaling_shaded]),
        ),
        stress=stress.factor,
    )


def answer_of_ground(
    exchange: Exchange, heat: GroundHeat, weather: Weather, index: BlockIndex, settings: Settings
) -> PatchFluxes:
    """Fluxes of the whole step, with the answer of the ground's temperature (ELM `SoilFluxes`).

    Longwave up = that of canopy and sky + 4 e sigma T^3 dT; over bare ground (1 - e) L + e sigma mean(T^4).
    """
    ground, turbulence, canopy = exchange.ground, exchange.turbulence, exchange.canopy
    of_patch = index.patch_column
    warming = heat.ground_temperature[of_patch] - ground.temperature
    answered = turbulence.evaporation + warming * turbulence.evaporation_derivative
    liquid = top_layer(heat.state.liquid_water, heat.state.snow_index)
    ice = top_layer(heat.state.ice, heat.state.snow_index)
    upward = patch_to_column(jnp.maximum(answered, 0.0), index)
    supply = evaporation_limit(upward, liquid, ice, settings.timestep)
    update = update_surface_fluxes(
        ground,
        turbulence,
        warming,
        supply[of_patch],
        liquid[of_patch],
        ice[of_patch],
        heat.ground_temperature[of_patch],
    )
    exposed = canopy.emissivity > 0.0
    cubed = ground.temperature * ground.temperature * ground.temperature
    sky = weather.longwave_down[of_patch]
    bare_up = (1.0 - ground.emissivity) * sky
    bare_up = bare_up + ground.emissivity * STEFAN_BOLTZMANN * exchange.ground_fourth
    answer = 4.0 * ground.emissivity * STEFAN_BOLTZMANN * cubed * warming
    longwave_up = jnp.where(exposed, canopy.longwave_above, bare_up) + answer
    emitted = ground.emissivity * STEFAN_BOLTZMANN * exchange.ground_fourth + answer
    into_ground = exchange.radiation.longwave_down - emitted - update.sensible - update.latent
    return PatchFluxes(
        update=update,
        sensible=update.sensible + canopy.sensible,
        evaporation=update.evaporation + canopy.evaporation,
        latent=update.latent + LATENT_HEAT_VAPORISATION * canopy.evaporation,
        longwave_up=longwave_up,
        ground_heat=into_ground,
    )


def snow_layers_of(column: ColumnState, ground: GroundState, new_layer: Array) -> SnowLayers:
    """Snow in layers; a first layer has fresh grains and no particles."""
    lowest = (jnp.arange(SNOW_LAYERS) == SNOW_LAYERS - 1)[:, None]
    fresh = lowest & new_layer
    mass = jnp.stack([getattr(column, name) for name in AEROSOL_FIELDS])
    return SnowLayers(
        snow_index=ground.snow_index,
        thickness=ground.snow_thickness,
        temperature=ground.temperature[:SNOW_LAYERS],
        liquid_water=ground.liquid_water[:SNOW_LAYERS],
        ice=ground.ice[:SNOW_LAYERS],
        grain_radius=jnp.where(fresh, FRESH_RADIUS, column.grain_radius),
        aerosol_mass=jnp.where(fresh, 0.0, mass),
    )


def move_snow(
    state: LandState,
    fallen: Precipitation,
    heat: GroundHeat,
    fluxes: PatchFluxes,
    surroundings: Surroundings,
    constants: LandConstants,
    settings: Settings,
) -> SnowStep:
    """Water, compaction, layers, particles and grains of the snow."""
    column, index = state.column, constants.column.index
    exists = snow_layer_mask(column.snow_index)
    ice, liquid = column.ice[:SNOW_LAYERS], column.liquid_water[:SNOW_LAYERS]
    before = jnp.where(exists, ice + liquid, 1.0)
    fraction = heat.state.effective_snow_fraction
    none = jnp.zeros_like(fallen.capped)
    frost = patch_to_column(fluxes.update.frost, index)
    capped_ice = fallen.capped_ice + jnp.where(fallen.capped, frost * fraction, 0.0)
    conditions = SnowConditions(
        surface=SnowSurfaceWater(
            sublimation=patch_to_column(fluxes.update.sublimation, index),
            evaporation=patch_to_column(fluxes.update.liquid_evaporation, index),
            frost=frost,
            dew=patch_to_column(fluxes.update.dew, index),
            rain=fallen.rain,
        ),
        history=MeltHistory(
            melting=heat.phase.phase[:SNOW_LAYERS] == MELTING,
            water_before=jnp.where(exists, before, 0.0),
            ice_share_before=jnp.where(exists, ice / before, 0.0),
            accumulated_snow=heat.state.accumulated_snow,
            melt_shape=constants.melt_shape,
        ),
        snow_fraction=fraction,
        capped=fallen.capped,
        capped_ice=capped_ice,
        snowfall=fallen.snowfall,
        refrozen=heat.phase.snow_freezing_layer,
        deposition=surroundings.deposition,
        ground_temperature=heat.state.temperature[SNOW_LAYERS],
        subgrid_snow=~none,
        lake=none,
    )
    return advance_snow(
        constants.grain_tables,
        snow_layers_of(column, heat.state, fallen.new_layer),
        heat.state.snow_water,
        heat.state.snow_depth,
        conditions,
        settings.timestep,
    )


def move_water(
    state: LandState,
    fallen: Precipitation,
    heat: GroundHeat,
    exchange: Exchange,
    fluxes: PatchFluxes,
    snow: SnowStep,
    constants: LandConstants,
    settings: Settings,
) -> ColumnWater:
    """Runoff, infiltration, soil water, water tables and drainage."""
    column, soil, terrain = state.column, constants.column.soil, constants.terrain
    index, timestep, ground = constants.column.index, settings.timestep, heat.state
    layered = ground.snow_index < 0
    snow_fraction = jnp.where(layered, ground.effective_snow_fraction, 0.0)
    update = fluxes.update
    at_ground = jnp.where(
        layered,
        snow.outflow + (1.0 - snow_fraction) * fallen.rain,
        fallen.rain + heat.phase.layerless_melt,
    )
    evaporation = patch_to_column(update.evaporation_soil, index)
    liquid_evaporation = patch_to_column(update.liquid_evaporation, index)
    frozen = frozen_soil(soil, ground.ice)
    surface = surface_water(
        soil,
        frozen,
        terrain,
        saturated=saturated_fraction(terrain, column.water_table, column.perched_table, column.frost_table),
        water_input=at_ground,
        soil_evaporation=jnp.where(layered, evaporation, liquid_evaporation),
        pond_evaporation=patch_to_column(update.evaporation_pond, index),
        snow_fraction=snow_fraction,
        pond_fraction=ground.pond_fraction,
        dry_pond_fraction=ground.pond_fraction,
        pond_water=ground.pond_water,
        timestep=timestep,
    )
    uptake = patch_to_column(exchange.canopy.transpiration * exchange.stress.uptake, index)
    liquid = ground.liquid_water.at[SNOW_LAYERS].add(snow.ground_debt)
    moved = soil_water(
        soil,
        frozen,
        ground.temperature,
        liquid,
        water_volume(column.liquid_water, column.ice),
        column.water_table,
        surface.infiltration,
        uptake,
        timestep,
    )
    table = recharge_table(
        soil, WaterTable(column.water_table, column.aquifer_water), moved.recharge, timestep
    )
    liquid = liquid.at[SOIL_ROWS].set(moved.liquid_water)
    frost = frost_table(soil, ground.temperature, liquid, ground.ice, table.depth)
    liquid, ice = condense_on_soil(liquid, ground, update, layered, index, timestep)
    liquid = liquid.at[SNOW_LAYERS].add(snow.liquid_to_ground)
    ice = ice.at[SNOW_LAYERS].add(snow.ice_to_ground)
    drained = drainage(
        soil,
        frozen,
        terrain,
        liquid,
        ice,
        surface.pond_water,
        table,
        frost,
        constants.largest_drainage,
        timestep,
    )
    return ColumnWater(
        surface=surface,
        soil=moved,
        drained=drained,
        frost_depth=frost.depth,
        root_uptake=uptake,
        at_ground=at_ground,
    )


def condense_on_soil(
    liquid: Float[Array, "total column"],
    ground: GroundState,
    update: SurfaceUpdate,
    layered: Bool[Array, " column"],
    index: BlockIndex,
    timestep: float,
) -> tuple[Float[Array, "total column"], Float[Array, "total column"]]:
    """Dew, frost and sublimation of the first soil layer where no snow layer and no pond lie on it."""
    share = jnp.where(layered, 0.0, 1.0 - ground.pond_fraction) * timestep
    dew = patch_to_column(update.dew, index) * share
    frost = (patch_to_column(update.frost, index) - patch_to_column(update.sublimation, index)) * share
    return liquid.at[SNOW_LAYERS].add(dew), ground.ice.at[SNOW_LAYERS].add(frost)


def next_column(
    column: ColumnState, fallen: Precipitation, heat: GroundHeat, snow: SnowStep, water: ColumnWater
) -> ColumnState:
    """The columns at the end of the step, albedos not yet renewed."""
    ground, layers, drained = heat.state, snow.layers, water.drained
    bare = snow.snow_water <= 0.0
    had_layers = ground.snow_index < 0
    # Rows without a layer keep what they had, as in ELM's files.
    exists = snow_layer_mask(layers.snow_index)
    snow_rows = jnp.where(exists, layers.temperature, ground.temperature[:SNOW_LAYERS])
    temperature = ground.temperature.at[:SNOW_LAYERS].set(snow_rows)
    left = replace(ground, snow_index=layers.snow_index, temperature=temperature)
    particles = dict(zip(AEROSOL_FIELDS, layers.aerosol_mass, strict=True))
    return replace(
        column,
        snow_index=layers.snow_index,
        snow_thickness=layers.thickness,
        snow_node_depth=snow.geometry.node,
        snow_interface_depth=snow.geometry.upper_interface,
        temperature=temperature,
        liquid_water=ground.liquid_water.at[:SNOW_LAYERS]
        .set(layers.liquid_water)
        .at[SOIL_ROWS]
        .set(drained.liquid_water),
        ice=ground.ice.at[:SNOW_LAYERS].set(layers.ice).at[SOIL_ROWS].set(drained.ice),
        ground_temperature=ground_temperature(left),
        pond_temperature=ground.pond_temperature,
        pond_water=drained.pond_water,
        pond_fraction=ground.pond_fraction,
        snow_water=snow.snow_water,
        snow_depth=snow.snow_depth,
        accumulated_snow=snow.accumulated_snow,
        snow_fraction=jnp.where(bare, 0.0, fallen.snow_fraction),
        effective_snow_fraction=jnp.where(bare, 0.0, ground.effective_snow_fraction),
        snow_melt=jnp.where(had_layers, snow.outflow, heat.phase.layerless_melt),
        snow_freezing=heat.phase.snow_freezing_layer,
        water_table=drained.table.depth,
        aquifer_water=drained.table.aquifer,
        perched_table=drained.perched_depth,
        frost_table=water.frost_depth,
        grain_radius=layers.grain_radius,
        **particles,
    )


def next_patch(
    patch: PatchState,
    fallen: Precipitation,
    radiation: SurfaceRadiation,
    exchange: Exchange,
    fluxes: PatchFluxes,
    surroundings: Surroundings,
    of_patch: Int[Array, " patch"],
) -> PatchState:
    """The patches at the end of the step, albedos not yet renewed."""
    exposed = patch.vegetation_exposed > 0
    screen = exchange.turbulence.screen_temperature
    # Without exposed leaves theirs is the temperature of the air.
    air = surroundings.weather.temperature[of_patch]
    samples = surroundings.ten_day_samples
    mean = ((samples - 1.0) * patch.ten_day_temperature + screen) / samples
    moved = replace(
        patch,
        leaf_temperature=jnp.where(exposed, exchange.canopy.leaf_temperature, air),
        wet_fraction=fallen.canopy.wet_fraction,
        canopy_water=jnp.where(exposed, exchange.canopy.canopy_water, fallen.canopy.canopy_water),
        sunlit_fraction=radiation.light.sunlit_fraction,
        longwave_out=fluxes.longwave_up,
        screen_temperature=screen,
        ten_day_temperature=mean,
    )
    plants = surroundings.vegetation
    if plants is None:
        return moved
    return replace(
        moved,
        leaf_area=plants.leaf_area,
        stem_area=plants.stem_area,
        canopy_top=plants.canopy_top,
        vegetation_exposed=plants.exposed,
    )


def renew_albedo(
    state: LandState, cosine_zenith: Float[Array, " column"], constants: LandConstants
) -> LandState:
    """The state with the albedos of a zenith, snow by its grains and particles."""
    column, patch, index = state.column, state.patch, constants.column.index
    thickness = ground_grid().thickness[0]
    water = surface_water_content(column.liquid_water[SNOW_LAYERS], column.ice[SNOW_LAYERS], thickness)
    soil = soil_albedo(constants.column.soil_colour, water)
    pack = SnowPack(
        snow_index=column.snow_index,
        liquid_water=column.liquid_water[:SNOW_LAYERS],
        ice=column.ice[:SNOW_LAYERS],
        snow_water=column.snow_water,
        grain_radius=column.grain_radius,
        aerosol_mass=jnp.stack([getattr(column, name) for name in AEROSOL_FIELDS]),
    )
    light = snow_radiation(constants.snow_optics, pack, soil, cosine_zenith)
    none = jnp.zeros_like(column.snow_index, bool)
    stored = stored_absorption(light, soil, soil, column.snow_fraction, none)
    ground, canopy = surface_albedo(
        constants.column.parameters.optics.gather(index.patch_type),
        CanopySurface(
            leaf_area=patch.leaf_area,
            stem_area=patch.stem_area,
            wet_fraction=patch.wet_fraction,
            leaf_temperature=patch.leaf_temperature,
        ),
        stored,
        soil,
        column.snow_fraction,
        cosine_zenith,
        index.patch_column,
    )
    direct, diffuse = stored.layer_absorption_direct, stored.layer_absorption_diffuse
    renewed = replace(
        column,
        cosine_zenith=cosine_zenith,
        snow_albedo_direct=stored.albedo_direct,
        snow_albedo_diffuse=stored.albedo_diffuse,
        absorption_direct_visible=direct[0],
        absorption_direct_near_infrared=direct[1],
        absorption_diffuse_visible=diffuse[0],
        absorption_diffuse_near_infrared=diffuse[1],
        **with_fields(ground),
    )
    return LandState(column=renewed, patch=replace(patch, **with_fields(canopy)))
