"""Fields the land needs, derived from the fields that weather records hold.

Pure functions of arrays of any (broadcastable) shape, SI units. Two conventions meet here: the data
atmosphere of E3SM (DATM, mode CLMNCEP) and ELM's own site forcing (:mod:`kiloland.atmosphere.site`); they
share the polynomials and differ in bounds. Where a function follows one of them it says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kiloland.atmosphere.forcing import Forcing
from kiloland.errors import InputError

FloatArray = NDArray[np.float64]

FREEZING: Final = 273.15
"""Freezing point of water [K]."""
EPSILON: Final = 0.622
"""Ratio of the molar masses of water and dry air, as E3SM rounds it."""
ONE_MINUS_EPSILON: Final = 0.378
STEFAN_BOLTZMANN: Final = 5.670374419e-8
"""Stefan-Boltzmann constant [W/m2/K4]."""
DRY_AIR_GAS_CONSTANT: Final = 6.02214e26 * 1.38065e-23 / 28.966
"""Gas constant of dry air [J/kg/K], from E3SM's Avogadro and Boltzmann numbers and molar mass."""
HEAT_CAPACITY_AIR: Final = 1004.64
"""Heat capacity of dry air at constant pressure [J/kg/K]."""
DEFAULT_PRESSURE: Final = 101325.0
"""Pressure [Pa] where a record has none."""
DEFAULT_HEIGHT: Final = 30.0
"""Reference height [m] where a record has none."""
MINIMUM_TEMPERATURE: Final = 180.0
"""Lower bound of the air temperature in DATM [K]."""

# Coefficients of saturation vapour pressure in hPa by powers of the temperature in deg C; Lowe and Ficke
# (1974).
_WATER: Final = (
    6.107799961,
    4.436518521e-1,
    1.428945805e-2,
    2.650648471e-4,
    3.031240396e-6,
    2.034080948e-8,
    6.136820929e-11,
)
_ICE: Final = (
    6.109177956,
    5.034698970e-1,
    1.886013408e-2,
    4.176223716e-4,
    5.824720280e-6,
    4.838803174e-8,
    1.838826904e-10,
)
# Cubic share of the direct beam by half the total shortwave [W/m2].
_DIRECT_NEAR_INFRARED: Final = (0.29548, 0.00504, -1.4957e-5, 1.4881e-8)
_DIRECT_VISIBLE: Final = (0.17639, 0.00380, -9.0039e-6, 8.1351e-9)


@dataclass(frozen=True)
class SpecificHumidity:
    """Humidity given as specific humidity [kg/kg]."""

    values: FloatArray


@dataclass(frozen=True)
class RelativeHumidity:
    """Humidity given as relative humidity [%]."""

    values: FloatArray


@dataclass(frozen=True)
class DewPoint:
    """Humidity given as dew point temperature [K]."""

    values: FloatArray


Humidity = SpecificHumidity | RelativeHumidity | DewPoint


@dataclass(frozen=True)
class Weather:
    """Fields of a weather record at the model's times, arrays ``[time, cell]``, SI; None where it has
    none."""

    temperature: FloatArray
    humidity: Humidity
    wind: FloatArray
    precipitation: FloatArray
    shortwave: FloatArray
    pressure: FloatArray | None = None
    longwave: FloatArray | None = None
    height: FloatArray | None = None


@dataclass(frozen=True)
class Shortwave:
    """Downward shortwave by beam and band [W/m2]."""

    direct_visible: FloatArray
    direct_near_infrared: FloatArray
    diffuse_visible: FloatArray
    diffuse_near_infrared: FloatArray


def _polynomial(coefficients: tuple[float, ...], x: FloatArray) -> FloatArray:
    """Horner's rule, lowest power first."""
    total = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = coefficient + x * total
    return total


def _celsius(temperature: ArrayLike) -> FloatArray:
    """Temperature in deg C, held within the ±50 deg C of the polynomials."""
    return np.clip(np.asarray(temperature, dtype=np.float64) - FREEZING, -50.0, 50.0)


def saturation_over_water(temperature: ArrayLike) -> FloatArray:
    """Saturation vapour pressure over water [Pa]; T [K], constant beyond ±50 deg C. Lowe and Ficke (1974)."""
    return 100.0 * _polynomial(_WATER, _celsius(temperature))


def saturation_over_ice(temperature: ArrayLike) -> FloatArray:
    """Saturation vapour pressure over ice [Pa]; T [K], constant beyond ±50 deg C. Lowe and Ficke (1974)."""
    return 100.0 * _polynomial(_ICE, _celsius(temperature))


def saturation_vapour_pressure(temperature: ArrayLike, *, water_at_freezing: bool = True) -> FloatArray:
    """Saturation vapour pressure [Pa]: over water above the freezing point, over ice below; T [K].

    At the freezing point itself DATM takes water (the default) and ELM's site forcing ice; they differ by
    2e-4.
    """
    t = np.asarray(temperature, dtype=np.float64)
    water = t >= FREEZING if water_at_freezing else t > FREEZING
    return np.where(water, saturation_over_water(t), saturation_over_ice(t))


def specific_humidity(vapour_pressure: ArrayLike, pressure: ArrayLike) -> FloatArray:
    """q = 0.622 e / (p - 0.378 e) [kg/kg]; e, p [Pa]."""
    e = np.asarray(vapour_pressure, dtype=np.float64)
    return np.asarray(EPSILON * e / (np.asarray(pressure, dtype=np.float64) - ONE_MINUS_EPSILON * e))


def vapour_pressure(specific_humidity: ArrayLike, pressure: ArrayLike) -> FloatArray:
    """e = q p / (0.622 + 0.378 q) [Pa]; the inverse of :func:`specific_humidity`."""
    q = np.asarray(specific_humidity, dtype=np.float64)
    return np.asarray(q * np.asarray(pressure, dtype=np.float64) / (EPSILON + ONE_MINUS_EPSILON * q))


def saturation_specific_humidity(
    temperature: ArrayLike, pressure: ArrayLike, *, water_at_freezing: bool = True
) -> FloatArray:
    """Specific humidity at saturation [kg/kg]; T [K], p [Pa]."""
    return specific_humidity(
        saturation_vapour_pressure(temperature, water_at_freezing=water_at_freezing), pressure
    )


def humidity_to_specific(humidity: Humidity, temperature: ArrayLike, pressure: ArrayLike) -> FloatArray:
    """Specific humidity [kg/kg] from whatever the record holds, as DATM.

    Specific humidity is limited to saturation; relative humidity gives e = RH/100 esat(T); a dew point gives
    e = esat(Td). T [K], p [Pa].
    """
    if isinstance(humidity, SpecificHumidity):
        return np.minimum(humidity.values, saturation_specific_humidity(temperature, pressure))
    if isinstance(humidity, RelativeHumidity):
        return specific_humidity(humidity.values * 0.01 * saturation_vapour_pressure(temperature), pressure)
    return specific_humidity(saturation_vapour_pressure(humidity.values), pressure)


def relative_humidity(specific: ArrayLike, temperature: ArrayLike, pressure: ArrayLike) -> FloatArray:
    """Relative humidity [%] = 100 q / qsat(T, p)."""
    saturation = saturation_specific_humidity(temperature, pressure)
    return np.asarray(100.0 * (np.asarray(specific, dtype=np.float64) / saturation))


def air_density(temperature: ArrayLike, pressure: ArrayLike, specific: ArrayLike) -> FloatArray:
    """Density of moist air (p - 0.378 e) / (Rd T) [kg/m3]; T [K], p [Pa], q [kg/kg]."""
    e, p = vapour_pressure(specific, pressure), np.asarray(pressure, dtype=np.float64)
    t = np.asarray(temperature, dtype=np.float64)
    return np.asarray((p - ONE_MINUS_EPSILON * e) / (DRY_AIR_GAS_CONSTANT * t))


def potential_temperature(
    temperature: ArrayLike, pressure: ArrayLike, reference_pressure: float = 1.0e5
) -> FloatArray:
    """theta = T (p0 / p)^(Rd / cp) [K].

    ELM's data atmospheres pass theta = T instead (the reference level is the surface); use this only where a
    source promises a true potential temperature.
    """
    exponent = DRY_AIR_GAS_CONSTANT / HEAT_CAPACITY_AIR
    ratio = reference_pressure / np.asarray(pressure, dtype=np.float64)
    return np.asarray(np.asarray(temperature, dtype=np.float64) * np.exp(exponent * np.log(ratio)))


def clear_sky_longwave(temperature: ArrayLike, pressure: ArrayLike, specific: ArrayLike) -> FloatArray:
    """Longwave from air temperature and humidity [W/m2], for records without it.

    (0.70 + 5.95e-5 e/100 exp(1500/T)) sigma T^4 with e the vapour pressure [Pa]. Idso (1981), WRR 17,
    295-304.
    """
    t = np.asarray(temperature, dtype=np.float64)
    q = np.asarray(specific, dtype=np.float64)
    e = np.asarray(pressure, dtype=np.float64) * q / (EPSILON + ONE_MINUS_EPSILON * q)
    emissivity = 0.70 + 5.95e-5 * 0.01 * e * np.exp(1500.0 / t)
    squared = t * t
    return np.asarray(emissivity * STEFAN_BOLTZMANN * (squared * squared))


def rain_fraction(temperature: ArrayLike) -> FloatArray:
    """Share of precipitation that is rain [1]: a ramp from 0 at 0 deg C to 1 at 2 deg C; T [K]."""
    t = np.asarray(temperature, dtype=np.float64)
    return np.asarray(np.clip((t - FREEZING) * 0.5, 0.0, 1.0))


def rain_and_snow(precipitation: ArrayLike, temperature: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Rain and snow [kg/m2/s] of total precipitation.

    A tenth is convective and the rest large-scale, each split by :func:`rain_fraction` and added again: the
    sums differ from the undivided product in the last bit, and ELM's tapes hold them.
    """
    total, fraction = np.asarray(precipitation, dtype=np.float64), rain_fraction(temperature)
    rain = 0.1 * fraction * total + 0.9 * fraction * total
    snow = 0.1 * (1.0 - fraction) * total + 0.9 * (1.0 - fraction) * total
    return rain, snow


def split_shortwave(total: ArrayLike) -> Shortwave:
    """Total shortwave [W/m2] by beam and band.

    Half of it is visible and half near infrared; with x that half, the direct share of each band is a cubic
    in x held between 0.01 and 0.99. The four parts add up to the total within rounding.
    """
    half = np.asarray(total, dtype=np.float64) * 0.5
    near_infrared = _direct_share(_DIRECT_NEAR_INFRARED, half)
    visible = _direct_share(_DIRECT_VISIBLE, half)
    return Shortwave(
        direct_visible=visible * half,
        direct_near_infrared=near_infrared * half,
        diffuse_visible=(1.0 - visible) * half,
        diffuse_near_infrared=(1.0 - near_infrared) * half,
    )


def _direct_share(c: tuple[float, float, float, float], x: FloatArray) -> FloatArray:
    """Cubic c0 + c1 x + c2 x² + c3 x³ held within [0.01, 0.99], summed from the lowest power."""
    return np.minimum(0.99, np.maximum(c[0] + c[1] * x + c[2] * (x * x) + c[3] * (x * x * x), 0.01))


REQUIRED: Final = ("TBOT", "WIND", "PRECTmms", "FSDS")
"""Variables that no record can lack; one of :data:`HUMIDITIES` comes on top."""
HUMIDITIES: Final = ("QBOT", "RH", "TDEW")
OPTIONAL: Final = ("PSRF", "FLDS", "ZBOT")


def require_fields(names: Collection[str], file: str) -> None:
    """InputError where a set of variables cannot force the land: the missing one by name."""
    for name in REQUIRED:
        if name not in names:
            raise InputError(
                "the variable is missing", file=file, variable=name, found=", ".join(sorted(names))
            )
    if not any(name in names for name in HUMIDITIES):
        raise InputError(
            "no variable gives the humidity",
            file=file,
            variable=", ".join(HUMIDITIES),
            found=", ".join(sorted(names)),
        )


def weather_from_fields(fields: Mapping[str, FloatArray], file: str) -> Weather:
    """A :class:`Weather` from arrays by their names in forcing files; QBOT before RH before TDEW."""
    require_fields(fields.keys(), file)
    humidity: Humidity
    if "QBOT" in fields:
        humidity = SpecificHumidity(fields["QBOT"])
    elif "RH" in fields:
        humidity = RelativeHumidity(fields["RH"])
    else:
        humidity = DewPoint(fields["TDEW"])
    return Weather(
        temperature=fields["TBOT"],
        humidity=humidity,
        wind=fields["WIND"],
        precipitation=np.maximum(fields["PRECTmms"], 0.0),
        shortwave=np.maximum(fields["FSDS"], 0.0),
        pressure=fields.get("PSRF"),
        longwave=fields.get("FLDS"),
        height=fields.get("ZBOT"),
    )


def forcing_from_weather(weather: Weather) -> Forcing:
    """The land's forcing from a weather record, by DATM's rules (mode CLMNCEP).

    Temperature at least 180 K; pressure 101325 Pa and height 30 m where absent; humidity by
    :func:`humidity_to_specific`; longwave by :func:`clear_sky_longwave` where absent; potential temperature
    equal to the temperature. Negative shortwave or precipitation is an InputError.
    """
    for name, values in (("shortwave", weather.shortwave), ("precipitation", weather.precipitation)):
        if np.any(values < 0.0):
            raise InputError(
                "negative forcing", variable=name, found=float(np.min(values)), expected="0 or more"
            )
    shape = weather.temperature.shape
    temperature = np.maximum(weather.temperature, MINIMUM_TEMPERATURE)
    pressure = np.full(shape, DEFAULT_PRESSURE) if weather.pressure is None else weather.pressure
    humidity = humidity_to_specific(weather.humidity, temperature, pressure)
    longwave = weather.longwave
    if longwave is None:
        longwave = clear_sky_longwave(temperature, pressure, humidity)
    rain, snow = rain_and_snow(weather.precipitation, temperature)
    sun = split_shortwave(weather.shortwave)
    return Forcing(
        temperature=temperature,
        potential_temperature=temperature.copy(),
        pressure=pressure,
        specific_humidity=humidity,
        wind=weather.wind,
        longwave_down=longwave,
        rain=rain,
        snow=snow,
        shortwave_direct_visible=sun.direct_visible,
        shortwave_direct_near_infrared=sun.direct_near_infrared,
        shortwave_diffuse_visible=sun.diffuse_visible,
        shortwave_diffuse_near_infrared=sun.diffuse_near_infrared,
        reference_height=np.full(shape, DEFAULT_HEIGHT) if weather.height is None else weather.height,
    )
