"""What towns tell beside their step: history fields, budgets, values for running means.

A run has the columns of towns in the order of the files, town by town; the step has them surface by surface.
:func:`in_file_order` and :func:`in_step_order` turn one into the other.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.constants import FREEZING_POINT, LATENT_HEAT_VAPORISATION
from kiloland.land.biophysics.ground_state import top_temperature
from kiloland.land.fields import Field
from kiloland.land.full_inputs import Surroundings
from kiloland.land.full_means import PatchValues
from kiloland.land.full_other_fields import (
    MEAN_FIELDS,
    NO_CANOPY,
    WEATHER_FIELDS,
    Value,
    column_field,
    nothing,
    patch_field,
)
from kiloland.land.ledger import Budget
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.snow_ledger import SnowFlow, snow_budget
from kiloland.land.step import Settings, Weather
from kiloland.land.urban_balance import stored_water
from kiloland.land.urban_parts import UrbanConstants, UrbanSettings, snow_exchange
from kiloland.land.urban_state import UrbanState, ground_of
from kiloland.land.urban_step import UrbanOutput, urban_step
from kiloland.land.urban_town import URBAN_LAYERS, Surface, by_column, by_surface, of_towns
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask
from kiloland.variables import FILL_VALUE

SURFACES = len(Surface)
TOWN_RADIATION_BAR = 0.05
"""W m-2: light between walls is followed until 1e-5 of it is absorbed in a pass, as in ELM."""


@pytree_dataclass
class TownColumns:
    """The state of towns in a run, with what the files want beside it."""

    town: UrbanState
    longwave_out: Float[Array, " column"]
    """Of the last step, W m-2."""
    leaf_temperature: Float[Array, " town"]
    """That of the air, K."""


def in_file_order(columns: Float[Array, "*field column"]) -> Float[Array, "*field column"]:
    """Values of surfaces one after the other as values of towns one after the other."""
    return jnp.swapaxes(columns.reshape(*columns.shape[:-1], SURFACES, -1), -1, -2).reshape(columns.shape)


def in_step_order(columns: Float[Array, "*field column"]) -> Float[Array, "*field column"]:
    """The inverse of :func:`in_file_order`."""
    return jnp.swapaxes(columns.reshape(*columns.shape[:-1], -1, SURFACES), -1, -2).reshape(columns.shape)


def of_town(columns: Float[Array, "*field column"]) -> Float[Array, "*field town"]:
    """The values of towns, which all their columns in the order of files share."""
    return columns[..., ::SURFACES]


def step_of_towns(
    state: TownColumns, surroundings: Surroundings, constants: UrbanConstants, settings: Settings
) -> tuple[TownColumns, UrbanOutput]:
    """:func:`~kiloland.land.urban_step.urban_step` with the arguments that every kind of column has."""
    weather = town_weather(surroundings.weather)
    town, output = urban_step(
        state.town, weather, of_town(surroundings.deposition), constants, UrbanSettings(settings.timestep)
    )
    after = TownColumns(tidied(town), by_column(output.answer.longwave_up), weather.temperature)
    return after, output


def tidied(town: UrbanState) -> UrbanState:
    """The state with nothing in rows that are no layers, as it comes from a file, which keeps none."""
    layers = snow_layer_mask(town.snow_index)
    used = jnp.concatenate([layers, ground_layers(town)])

    def snow(rows: Float[Array, "*species snow column"]) -> Float[Array, "*species snow column"]:
        return jnp.where(layers, rows, 0.0)

    return replace(
        town,
        snow_thickness=snow(town.snow_thickness),
        snow_node_depth=snow(town.snow_node_depth),
        snow_interface_depth=snow(town.snow_interface_depth),
        snow_freezing=snow(town.snow_freezing),
        grain_radius=snow(town.grain_radius),
        aerosol_mass=snow(town.aerosol_mass),
        temperature=jnp.where(used, town.temperature, FREEZING_POINT),
        liquid_water=jnp.where(used, town.liquid_water, 0.0),
        ice=jnp.where(used, town.ice, 0.0),
    )


def ground_layers(town: UrbanState) -> Bool[Array, "ground column"]:
    """Ground rows that exist: five of roofs and walls, all of roads."""
    ground = by_surface(town.temperature[SNOW_LAYERS:])
    surface, layer = jnp.arange(SURFACES)[:, None], jnp.arange(ground.shape[0])[:, None, None]
    exists = (surface > Surface.SHADED_WALL) | (layer < URBAN_LAYERS)
    return by_column(jnp.broadcast_to(exists, ground.shape))


def town_weather(weather: Weather) -> Weather:
    """The weather of towns from that of their columns."""
    return Weather(**{name: of_town(getattr(weather, name)) for name in Weather.__dataclass_fields__})


def ground_temperature_of(state: UrbanState) -> Float[Array, " column"]:
    """Of the uppermost layer, K."""
    return top_temperature(ground_of(state))


def _column(value: Value) -> Field:
    """From values of columns in the order of the step."""
    return column_field(lambda c, o: in_file_order(value(c, o)))


def _surface(value: Value) -> Field:
    """From values with axes of surfaces and towns, on patches."""
    return patch_field(lambda c, o: in_file_order(by_column(value(c, o))))


def _patch(value: Value) -> Field:
    return patch_field(lambda c, o: in_file_order(value(c, o)))


def _town(value: Value) -> Field:
    """From values of towns, on patches."""
    return patch_field(lambda c, o: in_file_order(of_towns(value(c, o))))


def road(values: Float[Array, " town"]) -> Float[Array, " column"]:
    """Values of pervious roads, nothing elsewhere."""
    surfaces = jnp.zeros((SURFACES, *values.shape)).at[Surface.PERVIOUS_ROAD].set(values)
    return by_column(surfaces)


def _transpiration(output: UrbanOutput) -> Float[Array, "surface town"]:
    """Out of the soil below pervious roads, kg m-2 s-1."""
    none = jnp.zeros_like(output.answer.latent)
    return none.at[Surface.PERVIOUS_ROAD].set(output.fluxes.transpiration)


def _ground_temperatures(state: UrbanState) -> Float[Array, "ground column"]:
    """K; not a number below the layers of roofs and walls."""
    return jnp.where(ground_layers(state), state.temperature[SNOW_LAYERS:], jnp.nan)


def _shed(output: UrbanOutput, gain: Float[Array, " column"]) -> Float[Array, " column"]:
    """What the air gives to packs that take nothing more."""
    return jnp.where(output.precipitation.capped & (output.heat.state.snow_index < 0), gain, 0.0)


def drainage(output: UrbanOutput) -> Float[Array, " column"]:
    """All liquid water that leaves a column."""
    below = output.road.base_drainage + output.road.drained.perched_drainage
    return output.runoff + road(below)


URBAN_FIELDS: dict[str, Field] = {
    **WEATHER_FIELDS,
    **MEAN_FIELDS,
    **nothing(
        ("FH2OSFC", "H2OSFC", "QH2OSFC"),
        (name for name in NO_CANOPY if name not in ("FCTR", "QVEGT")),
    ),
    "FSA": _surface(lambda c, o: o.radiation.absorbed),
    "SABG": _surface(lambda c, o: o.radiation.absorbed),
    "FSR": _surface(lambda c, o: o.radiation.reflected),
    "FIRE": _surface(lambda c, o: o.answer.longwave_up),
    "FIRA": _surface(lambda c, o: o.answer.longwave_net),
    "FSH": _surface(lambda c, o: o.answer.sensible),
    "FSH_G": _surface(lambda c, o: o.answer.sensible),
    "EFLX_LH_TOT": _surface(lambda c, o: o.answer.latent),
    "FGEV": _surface(lambda c, o: o.answer.latent - LATENT_HEAT_VAPORISATION * _transpiration(o)),
    "FCTR": _surface(lambda c, o: LATENT_HEAT_VAPORISATION * _transpiration(o)),
    "FGR": _surface(lambda c, o: o.answer.into_ground),
    "QSOIL": _surface(lambda c, o: o.answer.evaporation),
    "QVEGT": _patch(lambda c, o: road(o.fluxes.transpiration)),
    "QFLX_EVAP_TOT": _patch(lambda c, o: by_column(o.answer.evaporation) + road(o.fluxes.transpiration)),
    "QFLX_EVAP_GRND": _patch(lambda c, o: o.answer.exchange.evaporation),
    "QFLX_SUB_SNOW": _patch(lambda c, o: o.answer.exchange.sublimation),
    "QFLX_DEW_GRND": _patch(lambda c, o: o.answer.exchange.dew),
    "QFLX_DEW_SNOW": _patch(lambda c, o: o.answer.exchange.frost),
    "HEAT_FROM_AC": _surface(lambda c, o: o.added.cooling),
    "TSA": _town(lambda c, o: o.fluxes.air.temperature),
    "Q2M": _town(lambda c, o: o.fluxes.air.humidity),
    "RAM1": _town(lambda c, o: o.fluxes.momentum_resistance),
    "FV": _town(lambda c, o: o.fluxes.friction_velocity),
    "TAUX": _town(lambda c, o: o.fluxes.eastward_stress),
    "TAUY": _town(lambda c, o: o.fluxes.northward_stress),
    "TV": _town(lambda c, o: c.state.leaf_temperature),
    "COSZEN": _column(lambda c, o: of_towns(c.state.town.cosine_zenith)),
    "ALBD": _surface(lambda c, o: c.state.town.albedo.albedo_direct),
    "ALBI": _surface(lambda c, o: c.state.town.albedo.albedo_diffuse),
    "TG": _column(lambda c, o: ground_temperature_of(c.state.town)),
    "TSOI": _column(lambda c, o: _ground_temperatures(c.state.town)),
    "H2OSNO": _column(lambda c, o: c.state.town.snow_water),
    "SNOW_DEPTH": _column(lambda c, o: c.state.town.snow_depth),
    "FSNO": _column(lambda c, o: c.state.town.snow_fraction),
    "QSNOMELT": _column(lambda c, o: o.heat.phase.snow_melt),
    "FSM": _column(lambda c, o: o.heat.phase.snow_melt_heat),
    "BUILDHEAT": _column(lambda c, o: o.heat.building_heat),
    "URBAN_AC": _column(lambda c, o: c.state.town.cooling),
    "URBAN_HEAT": _column(lambda c, o: c.state.town.heating),
    "QOVER": _column(lambda c, o: o.runoff),
    "QRGWL": _column(lambda c, o: o.precipitation.capped_rain + _shed(o, o.answer.exchange.dew)),
    "QSNWCPICE": _column(lambda c, o: o.precipitation.capped_snow + _shed(o, o.answer.exchange.frost)),
    "QINFL": _column(lambda c, o: road(o.road.infiltration)),
    "QDRAI": _column(lambda c, o: road(o.road.base_drainage)),
    "QDRAI_PERCH": _column(lambda c, o: road(o.road.drained.perched_drainage)),
    "QRUNOFF": _column(lambda c, o: drainage(o)),
    "TWS": _column(lambda c, o: stored_water(c.state.town)),
    "ERRSOI": _column(lambda c, o: o.heat.budget.residual),
    "ERRSEB": _column(lambda c, o: o.budget.surface),
}
"""Fields of towns, by ELM's name, on columns in the order of the files."""


def urban_budgets(
    before: TownColumns,
    after: TownColumns,
    output: UrbanOutput,
    surroundings: Surroundings,
    settings: Settings,
) -> tuple[Budget, ...]:
    """Heat, radiation, surface, water and snow, in the order of the ledger; sunlight is a town's budget."""
    terms, sky, errors = output.heat.budget, output.precipitation, output.budget
    weather = town_weather(surroundings.weather)
    incoming = (weather.shortwave_direct + weather.shortwave_diffuse).sum(axis=0)
    heat, accounted = terms.surface + terms.building, terms.storage + terms.phase_change
    fallen = (sky.rain + sky.snow) * settings.timestep
    found = (
        Budget(heat, accounted, errors.heat),
        Budget(of_towns(incoming), of_towns(incoming - errors.sunlight), of_towns(errors.sunlight)),
        Budget(terms.surface + errors.surface, terms.surface, errors.surface),
        Budget(fallen, fallen - errors.water, errors.water),
        snow_budget(_snow_flow(before.town, after.town, output), settings.timestep),
    )
    return tuple(
        Budget(in_file_order(b.entering), in_file_order(b.accounted), in_file_order(b.error)) for b in found
    )


def _snow_flow(before: UrbanState, after: UrbanState, output: UrbanOutput) -> SnowFlow:
    """Layers cover the whole surface; nothing stands there that could freeze onto the snow."""
    ground, sky, moved, settled = output.heat.state, output.precipitation, output.moved_snow, output.snow
    none = jnp.zeros_like(sky.snow)
    return SnowFlow(
        before=before.snow_water,
        after=after.snow_water,
        snowfall=sky.snow,
        frozen_pond=none,
        exchange=snow_exchange(output.answer.exchange, sky),
        covered=jnp.where(ground.snow_index < 0, 1.0, none),
        capped=sky.capped,
        layerless_melt=output.heat.phase.layerless_melt,
        outflow=output.outflow,
        ground_debt=moved.ground_debt,
        lost_layers=settled.to_ground[0] + settled.to_ground[1],
    )


def urban_values(state: TownColumns, output: UrbanOutput) -> PatchValues:
    """What the running means take: the air of the canyon at all its surfaces."""
    town = state.town
    screen = in_file_order(of_towns(town.air_temperature))
    none = jnp.zeros_like(screen)
    return PatchValues(
        screen_temperature=screen,
        leaf_temperature=in_file_order(of_towns(state.leaf_temperature)),
        sunlit_fraction=none,
        leaf_area=none,
        water_stress=none + FILL_VALUE,
    )
