"""Temperature of roofs, walls and roads, with the snow on them, and of the buildings.

Roofs and walls: five layers of building material over a room whose temperature the heating and cooling keep
between two bounds. Roads: layers of pavement over soil and bedrock, or soil alone. CLM4 urban technical note
(Oleson et al. 2010), chapter 4; ELM `SoilTemperature`.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.constants import HEAT_CAPACITY_ICE, HEAT_CAPACITY_LIQUID, THIN_LAYER
from kiloland.land.biophysics.ground_state import GroundState, layered_snow_fraction, top_temperature
from kiloland.land.biophysics.phase_change import PhaseChange, change_phase
from kiloland.land.biophysics.safe_math import divide, sum_rows
from kiloland.land.biophysics.soil_temperature import (
    TemperatureSolution,
    solve_tridiagonal,
    warming_factor,
)
from kiloland.land.biophysics.thermal_properties import (
    ThermalProperties,
    snow_thermal_conductivity,
    soil_thermal_conductivity,
)
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.urban_town import (
    URBAN_LAYERS,
    Surface,
    UrbanParameters,
    by_column,
    by_surface,
    of_towns,
)
from kiloland.land.vertical import GROUND_LAYERS, SNOW_LAYERS, ColumnGrid, column_grid

_IMPLICIT = 0.5
_INNER_ROW = SNOW_LAYERS + URBAN_LAYERS - 1
"""Row of the layer of roofs and walls next to the room."""


@pytree_dataclass
class Building:
    """Inside of the buildings of each town."""

    temperature: Float[Array, " town"]
    """K, within the bounds."""
    cools: Bool[Array, " town"]
    """Whether air conditioning runs."""
    heats: Bool[Array, " town"]


@pytree_dataclass
class UrbanHeatBudget:
    """Heat balance of each column, W m-2; the residual is zero but for rounding."""

    surface: Float[Array, " column"]
    """Heat that entered from above, with the answer of the surface temperature."""
    building: Float[Array, " column"]
    """Heat from the room."""
    storage: Float[Array, " column"]
    phase_change: Float[Array, " column"]
    residual: Float[Array, " column"]
    """surface + building - storage - phase_change."""


@pytree_dataclass
class UrbanHeat:
    """Result of `advance_urban_temperature`."""

    state: GroundState
    surface_temperature: Float[Array, " column"]
    """Of the uppermost layer, K."""
    phase: PhaseChange
    building: Building
    building_heat: Float[Array, " column"]
    """From the room into roof or wall, W m-2 (ELM `BUILDHEAT`)."""
    cooling: Float[Array, " column"]
    """W m-2 (`URBAN_AC`)."""
    heating: Float[Array, " column"]
    """W m-2 (`URBAN_HEAT`)."""
    budget: UrbanHeatBudget


def building_inside(
    parameters: UrbanParameters, inner_temperature: Float[Array, "surface town"], conditioned: bool
) -> Building:
    """Temperature of the rooms: mean of the inner layers of walls and roof, weighted with their lengths.

    (H (T_sun + T_shade) + L T_roof) / (2 H + L), L = H / (H/W) w_r / (1 - w_r); kept between the bounds of
    the town by cooling and heating where buildings are conditioned.
    """
    height, share = parameters.roof_height, parameters.roof_share
    roof = height / parameters.height_to_width * share / (1.0 - share)
    walls = inner_temperature[Surface.SHADED_WALL] + inner_temperature[Surface.SUNLIT_WALL]
    mean = (height * walls + roof * inner_temperature[Surface.ROOF]) / (2.0 * height + roof)
    if not conditioned:
        never = jnp.zeros_like(mean, dtype=bool)
        return Building(mean, never, never)
    return Building(
        temperature=jnp.clip(mean, parameters.coldest_building, parameters.warmest_building),
        cools=mean > parameters.warmest_building,
        heats=mean < parameters.coldest_building,
    )


def advance_urban_temperature(
    parameters: UrbanParameters,
    soil: SoilProperties,
    state: GroundState,
    flux: Float[Array, " column"],
    derivative: Float[Array, " column"],
    timestep: float,
    conditioned: bool = True,
) -> UrbanHeat:
    """Advance temperature and phase of all surfaces by `timestep` seconds.

    Args:
        soil: below the roads, with the axis of columns.
        state: after the snowfall of the step, with snow layers over the whole surface.
        flux, derivative: heat into the uppermost layer (W m-2) and its change with its temperature.
        conditioned: whether buildings are heated and cooled.
    """
    building = building_inside(parameters, by_surface(state.temperature[_INNER_ROW]), conditioned)
    grid = town_grid(parameters, state)
    thermal = _thermal_properties(parameters, grid, soil, state)
    room = _room_conductance(parameters, grid, thermal)
    inside = of_towns(building.temperature)
    solution = _solve(grid, thermal, state, flux, derivative, room, inside, timestep)
    inner = _IMPLICIT * (state.temperature[_INNER_ROW] + solution.temperature[_INNER_ROW])
    building_heat = room * (inside - inner)
    freezes = by_column(jnp.broadcast_to(_is(Surface.PERVIOUS_ROAD), (len(Surface), building.heats.shape[0])))
    supercooled = replace(soil, porosity=jnp.where(freezes, soil.porosity, 0.0))
    solved = replace(state, temperature=solution.temperature)
    phase = change_phase(grid, supercooled, solution, solved, timestep)
    return UrbanHeat(
        state=phase.state,
        surface_temperature=top_temperature(phase.state),
        phase=phase,
        building=building,
        building_heat=building_heat,
        cooling=jnp.where(of_towns(building.cools), jnp.abs(building_heat), 0.0),
        heating=jnp.where(of_towns(building.heats), jnp.abs(building_heat), 0.0),
        budget=_budget(grid, state, solution, phase, building_heat),
    )


def town_grid(parameters: UrbanParameters, state: GroundState) -> ColumnGrid:
    """Layers of all surfaces: five of equal thickness in roofs and walls, those of the ground below roads.

    Rows that roofs and walls do not have are inactive, with unit thickness at unit distances.
    """
    ground = column_grid(
        state.snow_index, state.snow_thickness, state.snow_node_depth, state.snow_interface_depth
    )
    thickness = jnp.stack(
        [
            parameters.roof_thickness,
            parameters.wall_thickness,
            parameters.wall_thickness,
            *[jnp.ones_like(parameters.roof_thickness)] * 2,
        ]
    )
    layer = by_column(thickness) / URBAN_LAYERS
    row = jnp.arange(GROUND_LAYERS)[:, None]
    exists = row < URBAN_LAYERS
    deep = 1.0 + row - URBAN_LAYERS
    node = jnp.where(exists, (row + 0.5) * layer, by_column(thickness) + deep)
    upper = jnp.where(exists, row * layer, by_column(thickness) + deep - 0.5)
    building = by_column(jnp.broadcast_to(_buildings(), thickness.shape))

    def rows(values: Array, of_building: Array) -> Array:
        return values.at[SNOW_LAYERS:].set(jnp.where(building, of_building, values[SNOW_LAYERS:]))

    return ColumnGrid(
        node=rows(ground.node, node),
        thickness=rows(ground.thickness, jnp.where(exists, layer, 1.0)),
        upper_interface=rows(ground.upper_interface, upper),
        active=rows(ground.active, jnp.broadcast_to(exists, node.shape)),
        top=ground.top,
    )


def _is(*surfaces: Surface) -> Bool[Array, "surface one"]:
    return jnp.asarray([surface in surfaces for surface in Surface])[:, None]


def _buildings() -> Bool[Array, "surface one"]:
    return _is(Surface.ROOF, Surface.SUNLIT_WALL, Surface.SHADED_WALL)


def _thermal_properties(
    parameters: UrbanParameters, grid: ColumnGrid, soil: SoilProperties, state: GroundState
) -> ThermalProperties:
    """Conductivities, conductances and heat capacities; building material holds no water.

    A pack without layers adds to the first layer.
    """
    ground, snow = slice(SNOW_LAYERS, None), slice(0, SNOW_LAYERS)
    liquid, ice, thickness = state.liquid_water, state.ice, grid.thickness
    exists, cover = grid.active[snow], state.effective_snow_fraction[None]
    paved, material, capacity = _material(parameters)
    earth = soil_thermal_conductivity(
        soil, thickness[ground], state.temperature[ground], liquid[ground], ice[ground]
    )
    conductivity = jnp.concatenate(
        [
            snow_thermal_conductivity(exists, thickness[snow], liquid[snow], ice[snow], cover),
            jnp.where(paved, material, earth),
        ]
    )
    solids = soil.solid_heat_capacity * (1.0 - soil.porosity) * thickness[ground]
    stored = solids + (ice[ground] * HEAT_CAPACITY_ICE + liquid[ground] * HEAT_CAPACITY_LIQUID)
    stored = jnp.where(paved, capacity * thickness[ground], stored)
    layerless = jnp.where(state.snow_index == 0, HEAT_CAPACITY_ICE * state.snow_water, 0.0)
    in_snow = HEAT_CAPACITY_LIQUID * liquid[snow] + HEAT_CAPACITY_ICE * ice[snow]
    in_snow = jnp.where(exists, jnp.maximum(divide(in_snow, cover), THIN_LAYER), THIN_LAYER)
    none = jnp.zeros_like(state.snow_water)
    return ThermalProperties(
        conductivity=conductivity,
        conductance=_conductance(grid, conductivity),
        heat_capacity=jnp.concatenate([in_snow, stored.at[0].add(layerless)]),
        pond_conductance=none,
        pond_heat_capacity=none,
    )


def _material(
    parameters: UrbanParameters,
) -> tuple[Bool[Array, "ground column"], Float[Array, "ground column"], Float[Array, "ground column"]]:
    """Where there is building material, its conductivity and heat capacity (1 elsewhere)."""
    row = jnp.arange(GROUND_LAYERS)[:, None]
    paved = row < by_column(parameters.paved_layers)

    def deepened(values: Float[Array, "urban surface town"]) -> Float[Array, "ground column"]:
        columns = by_column(values)
        below = jnp.ones((GROUND_LAYERS - URBAN_LAYERS, columns.shape[1]))
        return jnp.concatenate([columns, below])

    return paved, deepened(parameters.conductivity), deepened(parameters.heat_capacity)


def _conductance(
    grid: ColumnGrid, conductivity: Float[Array, "total column"]
) -> Float[Array, "total column"]:
    """Between a layer and the next that exists, in series, W m-2 K-1; 0 below the last."""
    interface = grid.upper_interface[1:]
    series = conductivity[:-1] * (grid.node[1:] - interface)
    series = series + conductivity[1:] * (interface - grid.node[:-1])
    joined = grid.active[:-1] & grid.active[1:]
    between = jnp.where(joined, divide(conductivity[:-1] * conductivity[1:], series), 0.0)
    return jnp.concatenate([between, jnp.zeros_like(between[:1])])


def _room_conductance(
    parameters: UrbanParameters, grid: ColumnGrid, thermal: ThermalProperties
) -> Float[Array, " column"]:
    """From the innermost node of roofs and walls to the room, W m-2 K-1: k / (dz / 2); 0 in roads."""
    half = grid.upper_interface[_INNER_ROW] + grid.thickness[_INNER_ROW] - grid.node[_INNER_ROW]
    building = by_column(jnp.broadcast_to(_buildings(), parameters.emissivity.shape))
    return jnp.where(building, thermal.conductivity[_INNER_ROW] / half, 0.0)


def _solve(
    grid: ColumnGrid,
    thermal: ThermalProperties,
    state: GroundState,
    flux: Float[Array, " column"],
    derivative: Float[Array, " column"],
    room: Float[Array, " column"],
    inside: Float[Array, " column"],
    timestep: float,
) -> TemperatureSolution:
    """One Crank-Nicolson step; the room enters the innermost row with its temperature at both times.

    The top row of roads warms as that of soil, where the flux acts above the node; roofs and walls warm as
    whole layers.
    """
    building = jnp.broadcast_to(room > 0.0, grid.top.shape)
    factor = jnp.where(building, timestep / thermal.heat_capacity, warming_factor(grid, thermal, timestep))
    source = jnp.where(grid.top, flux, 0.0)
    response = jnp.where(grid.top, derivative, 0.0)
    conductance, old = thermal.conductance, state.temperature
    above = jnp.concatenate([jnp.zeros_like(conductance[:1]), conductance[:-1]])
    down = conductance * (jnp.concatenate([old[1:], old[-1:]]) - old)
    explicit = _IMPLICIT * (down - jnp.concatenate([jnp.zeros_like(down[:1]), down[:-1]]))
    from_room = jnp.zeros_like(old).at[_INNER_ROW].set(room)
    right = source - response * old + explicit + from_room * (inside - _IMPLICIT * old)
    inactive = ~grid.active
    solved = solve_tridiagonal(
        jnp.where(inactive, 0.0, -_IMPLICIT * factor * above),
        jnp.where(
            inactive,
            1.0,
            1.0 + _IMPLICIT * factor * (conductance + above + from_room) - factor * response,
        ),
        jnp.where(inactive, 0.0, -_IMPLICIT * factor * conductance),
        jnp.where(inactive, old, old + factor * right),
    )
    return TemperatureSolution(
        temperature=solved,
        pond_temperature=solved[SNOW_LAYERS],
        factor=factor,
        source=source,
        response=response,
    )


def _budget(
    grid: ColumnGrid,
    before: GroundState,
    solution: TemperatureSolution,
    phase: PhaseChange,
    building_heat: Float[Array, " column"],
) -> UrbanHeatBudget:
    """Terms of the heat balance; storage in a layer is its warming over its warming factor."""
    change = phase.state.temperature - before.temperature
    snow = jnp.broadcast_to(layered_snow_fraction(before), before.snow_thickness.shape)
    weight = jnp.ones_like(change).at[:SNOW_LAYERS].set(snow)
    weight = jnp.where(grid.active, weight, 0.0)
    surface = sum_rows(weight * (solution.source + solution.response * change))
    storage = sum_rows(weight * change / solution.factor)
    return UrbanHeatBudget(
        surface=surface,
        building=building_heat,
        storage=storage,
        phase_change=phase.heat,
        residual=surface + building_heat - storage - phase.heat,
    )
