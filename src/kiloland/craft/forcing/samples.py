"""Made-up sources in the formats of the real ones: Daymet's daily files, a reanalysis, three-hourly maps.

Smooth weather that travels, under the sun of the model; see :mod:`kiloland.craft.patterns`. Every
file carries the label of synthetic data. For tests, examples and trying things out; no climate of any place.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import (
    DAYS_PER_YEAR,
    SECONDS_PER_DAY,
    Calendar,
    calendar_day,
    day_number,
)
from kiloland.atmosphere.derive import saturation_specific_humidity, saturation_vapour_pressure
from kiloland.atmosphere.interpolate import Sun
from kiloland.atmosphere.orbit import day_length, declination, orbital_parameters
from kiloland.craft.forcing.bins import (
    LEAP_DAY_OF_YEAR,
    SOLAR_CONSTANT,
    day_of_yearday,
    is_leap,
    month_days,
)
from kiloland.craft.labels import synthetic_attributes
from kiloland.craft.patterns import Places, weather
from kiloland.files import DatasetWriter, FileSchema, VariableSchema, write_dataset
from kiloland.grid import EARTH_RADIUS, DaymetGrid, RegularGrid

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FILL: Final = -9999.0
DAILY_BLOCK: Final = 2_000_000
"""Values of a variable that are made at once."""
DAILY_UNITS: Final = {
    "tmin": "degrees C",
    "tmax": "degrees C",
    "prcp": "mm/day",
    "srad": "W/m2",
    "vp": "Pa",
    "dayl": "s",
}
REANALYSIS: Final = {
    # file kind: variables with units; the names of the GSWP3 set of E3SM's data atmosphere
    "Solr": {"FSDS": "W/m2"},
    "Prec": {"PRECTmms": "mm/s"},
    "TPQWL": {"TBOT": "K", "PSRF": "Pa", "QBOT": "kg/kg", "WIND": "m/s", "FLDS": "W/m2"},
}


def write_daymet(
    folder: Path,
    grid: DaymetGrid,
    rows: slice,
    columns: slice,
    year: int,
    *,
    region: str = "na",
    seed: int = 0,
) -> None:
    """Write the six daily variables of one year on a window of a grid, ``[365, y, x]`` with x, y, lat, lon.

    Leap years keep 29 February and lack 31 December, stamps are noons, missing is -9999, as in the product.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    ids = np.arange(rows.start, rows.stop)[:, None] * grid.columns + np.arange(columns.start, columns.stop)
    longitude, latitude = grid.centres(ids.ravel())
    epoch = int(day_number(1950, 1, 1, Calendar.PROLEPTIC))
    first = int(day_number(year, 1, 1, Calendar.PROLEPTIC)) - epoch
    fixed = {
        "x": grid.x_centres[columns].astype(np.float32),
        "y": grid.y_centres[rows].astype(np.float32),
        "lat": latitude.reshape(shape).astype(np.float32),
        "lon": ((longitude + 180.0) % 360.0 - 180.0).reshape(shape).astype(np.float32),
        "time": first + np.arange(DAYS_PER_YEAR) + 0.5,
        "yearday": np.arange(1, DAYS_PER_YEAR + 1, dtype=np.int16),
    }
    step = max(1, DAILY_BLOCK // ids.size)
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(
                DatasetWriter(
                    folder / f"daymet_v4_daily_{region}_{name}_{year}.nc", _daily_schema(name, shape, region)
                )
            )
            for name in DAILY_UNITS
        }
        for writer in writers.values():
            for name, values in fixed.items():
                writer.put(name, values)
        for day in range(0, DAYS_PER_YEAR, step):
            days = range(day, min(day + step, DAYS_PER_YEAR))
            for name, values in daily_fields(longitude, latitude, year, seed, days).items():
                block = values.reshape(-1, *shape).astype(np.float32)
                writers[name].put(name, block, start=(day, 0, 0))


def daily_fields(
    longitude: FloatArray, latitude: FloatArray, year: int, seed: int, days: range = range(DAYS_PER_YEAR)
) -> dict[str, FloatArray]:
    """Daymet's variables in its units ``[day, cell]``, days counted from 0 as it does.

    srad is the mean over the daylight period, 0.15 to 0.75 of the sun above; vp is saturation at tmin.
    """
    counted = [day_of_yearday(year, day + 1) for day in days]
    # 29 February has the weather of the day before.
    of_year = np.array([LEAP_DAY_OF_YEAR - 1 if day is None else day % DAYS_PER_YEAR for day in counted])
    seconds = of_year * SECONDS_PER_DAY + SECONDS_PER_DAY // 2
    places = _places(longitude, latitude)
    orbit = orbital_parameters(1990)
    delta, distance = (part[:, None] for part in declination(orbit, calendar_day(seconds)))
    length = np.minimum(day_length(np.radians(latitude)[None], delta), float(SECONDS_PER_DAY))
    wet = weather(f"{seed}:wet", seconds, places)
    warm = 8.0 + 14.0 * np.cos((of_year - 201) * (2.0 * np.pi / 365.0))[:, None]
    warm = warm - 0.6 * (np.abs(latitude)[None] - 45.0) + 4.0 * weather(f"{seed}:warm", seconds, places)
    extent = 9.0 - 2.0 * np.tanh(wet)
    low, high = warm - 0.5 * extent, warm + 0.5 * extent
    sun = Sun(orbit, longitude, latitude).mean_cosine(of_year * SECONDS_PER_DAY, SECONDS_PER_DAY)
    above = SOLAR_CONSTANT * distance * sun * SECONDS_PER_DAY / np.maximum(length, 1.0)
    return {
        "tmin": low,
        "tmax": high,
        "prcp": np.maximum(np.rint(8.0 * (wet - 0.6)), 0.0),
        "srad": np.where(length > 0.0, above * (0.45 - 0.3 * np.tanh(wet)), 0.0),
        "vp": saturation_vapour_pressure(low + 273.15),
        "dayl": length,
    }


def _daily_schema(name: str, shape: tuple[int, int], region: str) -> FileSchema:
    mapped = {"grid_mapping": "lambert_conformal_conic", "coordinates": "lat lon"}
    missing = {"_FillValue": FILL, "missing_value": FILL}
    time = {"units": "days since 1950-01-01 00:00:00", "calendar": "standard"}
    return FileSchema(
        {"y": shape[0], "x": shape[1]},
        ("time", DAYS_PER_YEAR),
        (
            VariableSchema("x", "f4", ("x",), {"units": "m", "standard_name": "projection_x_coordinate"}),
            VariableSchema("y", "f4", ("y",), {"units": "m", "standard_name": "projection_y_coordinate"}),
            VariableSchema("lat", "f4", ("y", "x"), {"units": "degrees_north"}),
            VariableSchema("lon", "f4", ("y", "x"), {"units": "degrees_east"}),
            VariableSchema("time", "f8", ("time",), time),
            VariableSchema("yearday", "i2", ("time",), {"long_name": "yearday"}),
            VariableSchema(name, "f4", ("time", "y", "x"), {"units": DAILY_UNITS[name], **mapped, **missing}),
        ),
        {**synthetic_attributes(f"Daymet-format daily {name}"), "start_year": 1950, "region": region},
    )


def write_reanalysis(
    folder: Path, grid: RegularGrid, year: int, *, hours: int = 3, seed: int = 0, constant: bool = False
) -> None:
    """Write a year of monthly files ``clmforc.GSWP3.c2011.<grid>.<kind>.<YYYY-MM>.nc [time, lat, lon]``.

    Stamps are the beginnings of intervals of ``hours``, in 365-day years. ``constant``: every variable keeps
    one value, to see what a reanalysis without any shape does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    longitude, latitude = grid.centres(np.arange(grid.rows * grid.columns))
    shape = (grid.rows, grid.columns)
    for month in range(1, 13):
        first, end = month_days(year, month)
        seconds = np.arange(first * SECONDS_PER_DAY, end * SECONDS_PER_DAY, hours * 3600, dtype=np.int64)
        fields = reanalysis_fields(longitude, latitude, seconds, hours * 3600, seed)
        if constant:
            fields = {name: np.full_like(values, values[0].max()) for name, values in fields.items()}
        for kind, names in REANALYSIS.items():
            write_dataset(
                folder / f"clmforc.GSWP3.c2011.synthetic.{kind}.{year:04d}-{month:02d}.nc",
                _reanalysis_schema(kind, names, shape, len(seconds), f"{year:04d}-{month:02d}"),
                {
                    "lon": longitude.reshape(shape)[0],
                    "lat": latitude.reshape(shape)[:, 0],
                    "time": (seconds - first * SECONDS_PER_DAY) / SECONDS_PER_DAY,
                    **{name: fields[name].reshape(-1, *shape).astype(np.float32) for name in names},
                },
            )


def reanalysis_fields(
    longitude: FloatArray, latitude: FloatArray, seconds: IntArray, length: int, seed: int
) -> dict[str, FloatArray]:
    """The data atmosphere's variables at points ``[time, point]``; intervals begin at ``seconds``."""
    places = _places(longitude, latitude)
    of_year = seconds % (DAYS_PER_YEAR * SECONDS_PER_DAY)
    wet = weather(f"{seed}:wet", of_year, places)
    sun = Sun(orbital_parameters(1990), longitude, latitude)
    height = sun.mean_cosine(seconds, length)
    season = np.cos((of_year / SECONDS_PER_DAY - 201) * (2.0 * np.pi / 365.0))[:, None]
    temperature = 279.0 + 14.0 * season - 0.6 * (np.abs(latitude)[None] - 45.0) + 9.0 * height
    temperature = temperature + 4.0 * weather(f"{seed}:warm", of_year, places)
    pressure = 9.8e4 + 600.0 * weather(f"{seed}:pressure", of_year, places)
    clearness = 0.45 - 0.3 * np.tanh(wet)
    return {
        "TBOT": temperature,
        "PSRF": pressure,
        "QBOT": (0.6 + 0.2 * np.tanh(wet)) * saturation_specific_humidity(temperature, pressure),
        "WIND": 0.5 + 3.0 * np.exp(0.4 * weather(f"{seed}:wind", of_year, places)),
        "FLDS": 5.1e-8 * temperature**4 * (0.85 + 0.1 * np.tanh(wet)),
        "PRECTmms": 2.0e-4 * np.maximum(wet - 0.8, 0.0),
        "FSDS": SOLAR_CONSTANT * height * clearness,
    }


def _reanalysis_schema(
    kind: str, names: dict[str, str], shape: tuple[int, int], records: int, month: str
) -> FileSchema:
    time = {"units": f"days since {month}-01 00:00:00", "calendar": "noleap"}
    return FileSchema(
        {"lat": shape[0], "lon": shape[1]},
        ("time", records),
        (
            VariableSchema("lon", "f8", ("lon",), {"units": "degrees_east"}),
            VariableSchema("lat", "f8", ("lat",), {"units": "degrees_north"}),
            VariableSchema("time", "f8", ("time",), time),
            *(
                VariableSchema(name, "f4", ("time", "lat", "lon"), {"units": unit})
                for name, unit in names.items()
            ),
        ),
        synthetic_attributes(f"GSWP3-like {kind}"),
    )


def write_three_hourly(
    folder: Path, grid: DaymetGrid, rows: slice, columns: slice, year: int, month: int, *, seed: int = 0
) -> None:
    """Write ``clmforc.Daymet4.1km.<VAR>.<YYYY-MM>.nc`` ``[time, y, x]`` of all variables, with stamps in the
    middle of the intervals and a standard calendar; leap years have 29 February and lack 31 December."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    ids = np.arange(rows.start, rows.stop)[:, None] * grid.columns + np.arange(columns.start, columns.stop)
    longitude, latitude = grid.centres(ids.ravel())
    first, end = month_days(year, month)
    leap = is_leap(year)
    days = end - first + (leap and month == 2) - (leap and month == 12)
    seconds = np.arange(first * SECONDS_PER_DAY, (first + days) * SECONDS_PER_DAY, 10_800, dtype=np.int64)
    fields = reanalysis_fields(longitude, latitude, seconds, 10_800, seed)
    since = int(day_number(1950, 1, 1, Calendar.PROLEPTIC))
    origin = int(day_number(year, month, 1, Calendar.PROLEPTIC)) - since
    for names in REANALYSIS.values():
        for name, unit in names.items():
            time = {"units": "days since 1950-01-01 00:00:00", "calendar": "standard"}
            schema = FileSchema(
                {"y": shape[0], "x": shape[1]},
                ("time", len(seconds)),
                (
                    VariableSchema("x", "f4", ("x",), {"units": "m"}),
                    VariableSchema("y", "f4", ("y",), {"units": "m"}),
                    VariableSchema("time", "f8", ("time",), time),
                    VariableSchema(name, "f4", ("time", "y", "x"), {"units": unit, "_FillValue": FILL}),
                ),
                synthetic_attributes(f"three-hourly {name}"),
            )
            write_dataset(
                folder / f"clmforc.Daymet4.1km.{name}.{year:04d}-{month:02d}.nc",
                schema,
                {
                    "x": grid.x_centres[columns].astype(np.float32),
                    "y": grid.y_centres[rows].astype(np.float32),
                    "time": origin + (np.arange(len(seconds)) + 0.5) / 8.0,
                    name: fields[name].reshape(-1, *shape).astype(np.float32),
                },
            )


def _places(longitude: FloatArray, latitude: FloatArray) -> Places:
    """Points as the patterns need them."""
    east, north = np.radians(longitude), np.radians(latitude)
    point = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])
    return Places(EARTH_RADIUS * point, EARTH_RADIUS * 0.5 * east)
