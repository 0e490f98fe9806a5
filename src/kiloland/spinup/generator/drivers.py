"""What the weather does to soil and plants, precomputed for every day of the cycle.

Soil temperature: the surface follows the air, snow damps its frost; each layer lags behind the one above by a
first-order filter whose time grows with depth, and keeps the mean of the surface. Temperature scalar of
decomposition as ELM's: Q10^((T - 25) / 10) above freezing, Q10^-2.5 Qf^(T / 10) below.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from kiloland.spinup.generator.cells import CellProperties
from kiloland.spinup.generator.climate import Climate, FloatArray
from kiloland.spinup.generator.constants import DAYS, LAYERS, NODE, SLOTS
from kiloland.spinup.generator.state import Plants, Weather
from kiloland.spinup.generator.traits import trait
from kiloland.spinup.generator.weather import DailyWeather

SNOW_DAMPING = 0.45
"""Frost that reaches the ground below snow."""
LAG_DAYS = 2.0 + 60.0 * NODE[:LAYERS] ** 1.5
LIGHT_USE = 1.2
"""gC MJ-1 of absorbed photosynthetically active radiation, at best."""
OPTIMUM = np.array([20.0, 21, 17, 17, 27, 22, 27, 22, 18, 24, 21, 13, 12, 20, 29, 22, 22])
"""Best temperature of each plant type, C."""
TOLERANCE = 16.0
VIGOUR = np.array([0.0, 1.0, 0.95, 1.0, 1.1, 1.0, 1.05, 1.1, 1.05, 0.8, 0.8, 0.9, 0.9, 0.95, 1.2, 1.1, 1.1])


def warmest_soil_temperature(climate: Climate) -> FloatArray:
    """Warmest temperature of each layer in the mean year, C, ``layer cell``: damped seasonal wave."""
    surface = np.where(climate.temperature > 0.0, climate.temperature, SNOW_DAMPING * climate.temperature)
    middle, half = surface.mean(axis=0), 0.5 * (surface.max(axis=0) - surface.min(axis=0))
    damping = 1.0 / np.sqrt(1.0 + (2.0 * np.pi * np.cumsum(LAG_DAYS) * 0.5 / DAYS) ** 2)
    return np.asarray(middle + half * damping[:, None])


@jax.jit
def soil_temperature(surface: Float[Array, "day cell"]) -> Float[Array, "day layer cell"]:
    """Temperature of the layers, C; the first year is run once to lose the start."""
    rate = jnp.asarray(1.0 / LAG_DAYS)[:, None]

    def one(state: Array, above: Array) -> tuple[Array, Array]:
        upper = jnp.concatenate([above[None], state[:-1]])
        # The filter of a layer hangs on the surface and, by half, on the layer above it.
        new = state + rate * (0.5 * (upper + above) - state)
        return new, new

    start = jnp.broadcast_to(surface.mean(axis=0), (LAYERS, surface.shape[1]))
    start, _ = jax.lax.scan(one, start, surface)
    _, layers = jax.lax.scan(one, start, surface)
    return layers


def make_weather(
    climate: Climate, properties: CellProperties, weather: DailyWeather, plants: Plants
) -> Weather:
    """The drivers of a block."""
    air = weather.temperature
    layers = soil_temperature(jnp.asarray(np.where(air > 0.0, air, SNOW_DAMPING * air)))
    liquid = melt(weather.precipitation, air)
    light = weather.light * 0.0864
    years = len(air) // DAYS
    evaporation = np.maximum(0.0, 0.0135 * 0.9 * light / 2.45 * (np.maximum(air, -5.0) + 17.8))
    leaves = season(air, np.tile(weather.daylength, (years, 1)), plants)
    kind = np.asarray(plants.kind).astype(int)
    potential = np.empty((len(air), SLOTS, air.shape[1]))
    for slot in range(SLOTS):
        best, used = OPTIMUM[kind[slot]], np.asarray(plants.weight[slot]) > 0.0
        response = 1.0 - ((air - best) / TOLERANCE) ** 2
        # Needles and leaves rest in frost.
        response = np.clip(response, 0.0, 1.0) * np.clip((air + 4.0) / 6.0, 0.0, 1.0)
        potential[:, slot] = np.where(
            used, LIGHT_USE * VIGOUR[kind[slot]] * properties.productivity * 0.48 * light * response, 0.0
        )
    fire = np.clip((air - 5.0) / 20.0, 0.0, 1.0)
    return Weather(
        temperature_scalar(layers, jnp.asarray(properties.q10), jnp.asarray(properties.frozen_q10)),
        jnp.asarray(liquid),
        jnp.asarray(evaporation),
        jnp.asarray(potential),
        jnp.asarray(1.5 ** ((air - 20.0) / 10.0)),
        1.5 ** ((layers[:, 3] - 20.0) / 10.0),
        jnp.asarray(leaves),
        jnp.asarray(fire),
    )


@jax.jit
def temperature_scalar(
    layers: Float[Array, "day layer cell"], q10: Float[Array, " cell"], frozen: Float[Array, " cell"]
) -> Float[Array, "day layer cell"]:
    """Factor of temperature on decomposition, at least 0.02."""
    warm = jnp.exp(jnp.log(q10) * (layers - 25.0) / 10.0)
    cold = jnp.exp(-2.5 * jnp.log(q10) + jnp.log(frozen) * layers / 10.0)
    return jnp.maximum(jnp.where(layers >= 0.0, warm, cold), 0.02)


def melt(precipitation: FloatArray, air: FloatArray) -> FloatArray:
    """Rain and snow melt, mm day-1: snow below 1 C, melt 3 mm per degree; a pack of two cycles."""
    snow = np.where(air < 1.0, precipitation, 0.0)
    rain = precipitation - snow
    pack = np.zeros(air.shape[1])
    result = np.empty_like(rain)
    for cycle in range(2):
        for day in range(len(air)):
            pack = pack + snow[day]
            water = np.minimum(pack, 3.0 * np.maximum(air[day], 0.0))
            pack = pack - water
            if cycle:
                result[day] = rain[day] + water
    return result


def season(air: FloatArray, daylength: FloatArray, plants: Plants) -> FloatArray:
    """Share of leaves that temperature and day length allow, ``day slot cell``.

    A running mean of 15 days of temperature opens the leaves between 4 and 9 C (grass and arctic plants at 1
    to 5 C); where days shorten below 10.9 hours they fall. Plant types of the tropics ignore both.
    """
    value = air[-60:].mean(axis=0)
    mean = np.empty_like(air)
    for day in (*range(len(air) - 60, len(air)), *range(len(air))):
        value = value + (air[day] - value) / 15.0
        mean[day] = value
    kind = np.asarray(plants.kind).astype(int)
    hardy = (kind == 12) | (kind == 11) | (kind == 13)
    low, high = np.where(hardy, 1.0, 4.0), np.where(hardy, 5.0, 9.0)
    long_enough = np.clip((daylength - 9.5) / 1.4, 0.0, 1.0)
    result = np.empty((len(air), SLOTS, air.shape[1]))
    seasonal = trait("season_decid")[kind] > 0.0
    for slot in range(SLOTS):
        warm = np.clip((mean - low[slot]) / (high[slot] - low[slot]), 0.0, 1.0)
        result[:, slot] = np.where(seasonal[slot], warm * long_enough, warm)
    return result
