"""Monthly and annual means of the weather, as the tapes show it: ELM's forcing fields."""

from __future__ import annotations

import numpy as np

from kiloland.spinup.generator.climate import Climate, FloatArray
from kiloland.spinup.generator.constants import DAYS, FREEZING, LAYERS, SECONDS
from kiloland.spinup.generator.drivers import SNOW_DAMPING, soil_temperature
from kiloland.spinup.generator.simulate import monthly
from kiloland.spinup.generator.weather import DailyWeather

UNITS = {
    "TBOT": ("K", "atmospheric air temperature"),
    "FSDS": ("W/m^2", "atmospheric incident solar radiation"),
    "RAIN": ("mm/s", "atmospheric rain"),
    "SNOW": ("mm/s", "atmospheric snow"),
    "QBOT": ("kg/kg", "atmospheric specific humidity"),
    "PBOT": ("Pa", "atmospheric pressure"),
    "FLDS": ("W/m^2", "atmospheric longwave radiation"),
    "TSOI_10CM": ("K", "soil temperature in top 10cm of soil"),
}


def daily_fields(climate: Climate, weather: DailyWeather) -> dict[str, FloatArray]:
    """Forcing of every day, ``day cell``; humidity and longwave from temperature and wetness."""
    kelvin = weather.temperature + FREEZING
    wet = weather.precipitation > 0.0
    saturation = 611.2 * np.exp(17.67 * weather.temperature / (weather.temperature + 243.5))
    vapour = saturation * np.where(wet, 0.85, 0.6)
    pressure = np.broadcast_to(np.full(len(climate.identity), 98000.0), kelvin.shape)
    snow = np.where(weather.temperature < 1.0, weather.precipitation, 0.0)
    emissivity = 0.7 + 5.95e-7 * vapour * np.exp(1500.0 / kelvin)
    return {
        "TBOT": kelvin,
        "FSDS": weather.light,
        "RAIN": (weather.precipitation - snow) / SECONDS,
        "SNOW": snow / SECONDS,
        "QBOT": 0.622 * vapour / (pressure - 0.378 * vapour),
        "PBOT": pressure,
        "FLDS": np.minimum(emissivity, 1.0) * 5.67e-8 * kelvin**4,
    }


def ground(weather: DailyWeather) -> FloatArray:
    """Soil temperature of every day, K, ``day layer cell``."""
    air = weather.temperature
    return np.asarray(soil_temperature(np.where(air > 0.0, air, SNOW_DAMPING * air))) + FREEZING


def climate_values(climate: Climate, weather: DailyWeather) -> dict[str, FloatArray]:
    """Monthly means (``month cell``) and the annual fields TSOI and TBOT, single precision."""
    years = len(weather.temperature) // DAYS
    layers = ground(weather)
    daily = {**daily_fields(climate, weather), "TSOI_10CM": layers[:, :4].mean(axis=1)}

    def by_month(values: FloatArray) -> FloatArray:
        return np.concatenate([monthly(part) for part in np.split(values, years)])

    result = {f"month.{name}": by_month(values) for name, values in daily.items()}
    result["TSOI"] = layers.reshape(years, DAYS, LAYERS, -1).mean(axis=1)
    result["TBOT"] = daily["TBOT"].reshape(years, DAYS, -1).mean(axis=1)
    result["last_day"] = layers[-1] - FREEZING
    return {f"climate.{name}": np.asarray(values, np.float32) for name, values in result.items()}
