"""A year of made-up weather as the monthly one-dimensional stream files of the data atmosphere.

Three-hourly, noleap, one file per variable and month. Stamps are at the beginning of the intervals; FSDS and
PRECTmms are means of the interval, the others values at its beginning. Physically consistent: shortwave
follows the sun of the model, humidity stays below saturation, pressure falls with elevation, longwave goes
with temperature, humidity and cloud, and rain falls from thick cloud. Not a climate of any place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import MONTH_STARTS, calendar_day
from kiloland.atmosphere.derive import (
    DRY_AIR_GAS_CONSTANT,
    clear_sky_longwave,
    saturation_specific_humidity,
)
from kiloland.atmosphere.interpolate import Sun
from kiloland.atmosphere.orbit import Orbit, cosine_zenith, declination, orbital_parameters
from kiloland.craft.labels import synthetic_attributes
from kiloland.craft.patterns import FloatArray, Places, field, weather
from kiloland.craft.synthetic_surface import elevation
from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.grid import Domain

PREFIX: Final = "clmforc.synthetic.1km.1d"
"""First part of the names of the files."""
PLACES: Final = (("LONGXY", "longitude", "degrees_east"), ("LATIXY", "latitude", "degrees_north"))
"""Coordinates of the cells: name, meaning and units."""
INTERVAL: Final = 10_800
"""Between samples [s]."""
DAY: Final = 86_400
SOLAR_CONSTANT: Final = 1361.0
"""W m-2 at the mean distance of the sun."""
GRAVITY: Final = 9.80616

MEAN_TEMPERATURE: Final = 268.0
"""At sea level [K]; the next ones are amplitudes of the seasons, of passing weather and of the day [K]."""
SEASONS: Final = 15.0
PASSING: Final = 3.5
DAILY: Final = 9.0
WARMEST_DAY: Final = 201.0
LAPSE_RATE: Final = 0.0065
LAG: Final = 2 * 3600
"""By which temperature follows the sun [s]."""
SEA_LEVEL_PRESSURE: Final = 1.012e5
RAINING_CLOUD: Final = 0.72
"""Cloud cover above which it rains."""
RAIN_RATE: Final = 3.0e-4
"""Per unit cloud above that [kg m-2 s-1]."""

VARIABLES: Final[dict[str, tuple[str, str, float]]] = {
    # name: (units, long name, resolution); values are whole multiples of the resolution, as in a record
    "TBOT": ("K", "temperature at the lowest atmospheric level", 0.01),
    "QBOT": ("kg/kg", "specific humidity at the lowest atmospheric level", 1.0e-6),
    "PSRF": ("Pa", "surface pressure", 1.0),
    "FLDS": ("W/m2", "incident longwave radiation", 0.01),
    "WIND": ("m/s", "wind at the lowest atmospheric level", 0.01),
    "FSDS": ("W/m2", "incident shortwave radiation", 0.01),
    "PRECTmms": ("mm/s", "precipitation", 1.0e-8),
}


@dataclass(frozen=True)
class WeatherMaker:
    """Weather over some cells; every value follows from the seed, the place and the time alone."""

    longitude: FloatArray
    latitude: FloatArray
    places: Places
    elevation: FloatArray
    orbit: Orbit
    seed: int

    @classmethod
    def of_domain(cls, domain: Domain, seed: int, orbital_year: int) -> WeatherMaker:
        """Weather over the cells of a domain, under the sun of one year."""
        places = Places.of_domain(domain)
        return cls(
            longitude=domain.longitude,
            latitude=domain.latitude,
            places=places,
            elevation=elevation(places, seed),
            orbit=orbital_parameters(orbital_year),
            seed=seed,
        )

    def sample(self, seconds: NDArray[np.int64]) -> dict[str, FloatArray]:
        """All variables ``[time, cell]`` for intervals that begin at ``seconds`` of the year.

        cloud = 1/(1 + exp(-1.6 w_1));
        T = T_0 + seasons - 6.5 K/km z + 3.5 K w_2 + daily (1 - 0.6 cloud) cos(phi) cos(delta) cos(h - lag);
        p = (p_0 + 700 Pa w_3) exp(-g z / (R T));  q = (0.6 + 0.3 cloud) q_sat(T, p);
        L = L_clear(T, q) (1 + 0.2 cloud²);  wind = 0.4 + 3.4 exp(0.4 w_4) m/s;
        S = S_0 E_0 mean(mu) (0.76 - 0.5 cloud);  P = rate max(0, cloud - 0.72).
        w_i are travelling fields of variance 1, h the hour angle.
        """
        cloud = 1.0 / (1.0 + np.exp(-1.6 * self._travelling("cloud", seconds)))
        temperature = self._temperature(seconds, cloud)
        pressure = self._pressure(seconds, temperature)
        humidity = (0.6 + 0.3 * cloud) * saturation_specific_humidity(temperature, pressure)
        longwave = clear_sky_longwave(temperature, pressure, humidity) * (1.0 + 0.2 * cloud * cloud)
        values = {
            "TBOT": temperature,
            "QBOT": humidity,
            "PSRF": pressure,
            "FLDS": longwave,
            "WIND": 0.4 + 3.4 * np.exp(0.4 * self._travelling("wind", seconds)),
            "FSDS": self._sun_above(seconds) * (0.76 - 0.5 * cloud),
            "PRECTmms": RAIN_RATE * np.maximum(cloud - RAINING_CLOUD, 0.0),
        }
        return {name: _rounded(values[name], resolution) for name, (_, _, resolution) in VARIABLES.items()}

    def _travelling(self, name: str, seconds: NDArray[np.int64]) -> FloatArray:
        return weather(f"{self.seed}:{name}", seconds, self.places)

    def _temperature(self, seconds: NDArray[np.int64], cloud: FloatArray) -> FloatArray:
        season = np.cos((seconds / DAY - WARMEST_DAY) * (2.0 * math.pi / 365.0))[:, None]
        phi = np.radians(self.latitude)[None, :]
        delta = declination(self.orbit, calendar_day(seconds))[0][:, None]
        late = calendar_day(seconds - LAG + DAY)[:, None]
        height = cosine_zenith(late, np.radians(self.longitude)[None, :], phi, delta)
        # Without sin(phi) sin(delta), its daily mean, the sun's height leaves the mean of the day alone.
        daily = DAILY * (1.0 - 0.6 * cloud) * (height - np.sin(phi) * np.sin(delta))
        local = 1.2 * field(f"{self.seed}:warmth", self.places) - LAPSE_RATE * self.elevation
        passing = PASSING * self._travelling("temperature", seconds)
        return np.asarray(MEAN_TEMPERATURE + SEASONS * season + local + passing + daily)

    def _pressure(self, seconds: NDArray[np.int64], temperature: FloatArray) -> FloatArray:
        sea_level = SEA_LEVEL_PRESSURE + 700.0 * self._travelling("pressure", seconds)
        return np.asarray(
            sea_level * np.exp(-GRAVITY * self.elevation / (DRY_AIR_GAS_CONSTANT * temperature))
        )

    def _sun_above(self, seconds: NDArray[np.int64]) -> FloatArray:
        """Mean flux above the atmosphere during each interval [W m-2]."""
        sun = Sun(self.orbit, self.longitude, self.latitude)
        distance = declination(self.orbit, calendar_day(seconds + INTERVAL // 2))[1][:, None]
        return np.asarray(SOLAR_CONSTANT * distance * sun.mean_cosine(seconds, INTERVAL))


def _rounded(values: FloatArray, resolution: float) -> FloatArray:
    """Whole multiples of a resolution; last-bit differences between machines vanish in it."""
    return np.asarray(np.rint(values / resolution) * resolution)


def write_weather(folder: Path, domain: Domain, *, year: int, seed: int, orbital_year: int) -> None:
    """Write the files of all months and variables of one year into ``folder``.

    Raises:
        OutputError: a file cannot be written.
    """
    maker = WeatherMaker.of_domain(domain, seed, orbital_year)
    for month, seconds in _months():
        origin = int(MONTH_STARTS[month]) * DAY
        for name, values in maker.sample(seconds).items():
            path = folder / f"{PREFIX}.{name}.{year:04d}-{month + 1:02d}.nc"
            schema = _schema(name, domain, len(seconds), f"days since {year:04d}-{month + 1:02d}-01 00:00:00")
            write_dataset(
                path,
                schema,
                {
                    "gridID": domain.gridcell_id.astype(np.int32)[None, :],
                    "LONGXY": domain.longitude[None, :],
                    "LATIXY": domain.latitude[None, :],
                    "time": ((seconds - origin) / DAY).astype(np.float32),
                    name: values.astype(np.float32)[:, None, :],
                },
            )


def _months() -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each month (from 0) with the seconds of the year at which its intervals begin."""
    for month in range(12):
        first, end = (int(day) * DAY for day in MONTH_STARTS[month : month + 2])
        yield month, np.arange(first, end, INTERVAL, dtype=np.int64)


def _schema(name: str, domain: Domain, records: int, since: str) -> FileSchema:
    units, long_name, _ = VARIABLES[name]
    cells = ("nj", "ni")
    time = {"long_name": "beginning of the interval", "units": since, "calendar": "noleap"}
    time["standard_name"] = "time"
    located = {"long_name": long_name, "units": units, "coordinates": "LATIXY LONGXY"}
    return FileSchema(
        dimensions={"nj": 1, "ni": domain.number_of_cells},
        unlimited=("time", records),
        variables=(
            VariableSchema("time", "f4", ("time",), time),
            VariableSchema("gridID", "i4", cells, {"long_name": "gridcell id, as in the domain"}),
            *(
                VariableSchema(place, "f8", cells, {"long_name": word, "standard_name": word, "units": unit})
                for place, word, unit in PLACES
            ),
            VariableSchema(name, "f4", ("time", *cells), located),
        ),
        attributes=synthetic_attributes(f"weather: {long_name}"),
    )
