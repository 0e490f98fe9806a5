"""The monthly climate of the cells: the real climatology where there is one, else a made-up one.

The climatology holds monthly means of temperature (0.1 C), precipitation (mm month-1) and sunshine (0.1 %)
and the water holding capacity of two soil layers (mm m-1) on half a degree. At 1 degree the land cells
of a group of four are averaged.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset

FloatArray = NDArray[np.float64]
EARTH_RADIUS = 6371.22
NAME = Path("data") / "climate" / "BIOME4_inputdata.nc.gz"


@dataclass(frozen=True)
class Climate:
    """Land cells in a fixed order: from the north, each row from the west."""

    source: str
    resolution: float
    identity: NDArray[np.int64]
    """Number of the cell on the global grid: the same whatever cells are chosen."""
    latitude: FloatArray
    longitude: FloatArray
    temperature: FloatArray
    """C, ``month cell``."""
    precipitation: FloatArray
    """mm month-1, ``month cell``."""
    sunshine: FloatArray
    """Share of possible sunshine, ``month cell``."""
    capacity: FloatArray
    """Water holding capacity, m3 m-3, ``zone cell``."""

    @property
    def area(self) -> FloatArray:
        """km2 of each cell on ELM's sphere."""
        half = np.deg2rad(self.resolution / 2.0)
        middle = np.deg2rad(self.latitude)
        band = np.sin(middle + half) - np.sin(middle - half)
        return np.asarray(EARTH_RADIUS**2 * np.deg2rad(self.resolution) * band)

    def take(self, index: NDArray[np.int64]) -> Climate:
        """Some of the cells."""
        return Climate(
            self.source,
            self.resolution,
            self.identity[index],
            self.latitude[index],
            self.longitude[index],
            self.temperature[:, index],
            self.precipitation[:, index],
            self.sunshine[:, index],
            self.capacity[:, index],
        )


def read_climate(path: Path, resolution: float) -> Climate:
    """The land cells of the climatology that are free of ice, at 1 or half a degree.

    Raises ``InputError`` where the file cannot be read or lacks a variable.
    """
    with open_dataset(path) as dataset:
        latitude, longitude = axis(dataset, "lat"), axis(dataset, "lon")
        step = abs(float(longitude[1] - longitude[0]))
        fields = [
            field(dataset, "temp", 0.1),
            field(dataset, "prec", 1.0),
            field(dataset, "sun", 0.001),
            field(dataset, "whc", 0.001),
        ]
    if not np.isclose(step, 0.5):
        raise InputError("wrong grid", file=path, variable="lon", found=f"{step} degrees", expected="0.5")
    known = [np.isfinite(values).all(axis=0) for values in fields]
    # A soil that holds water marks land without ice; a month above freezing lets plants grow.
    capacity = np.nan_to_num(fields[3], nan=-1.0)
    land = (
        known[0]
        & known[1]
        & known[2]
        & known[3]
        & (capacity > 0.0).all(axis=0)
        & (capacity < 1.0).all(axis=0)
    )
    land &= np.nan_to_num(fields[0], nan=-99.0).max(axis=0) > 1.0
    # The axes hold the south-western corners.
    return gathered(path.name, fields, land, latitude + 0.25, longitude + 0.25, resolution)


def axis(dataset: Dataset, name: str) -> FloatArray:
    """A coordinate."""
    return np.asarray(dataset[name].values(), np.float64)


def field(dataset: Dataset, name: str, factor: float) -> FloatArray:
    """A field in the units of ``Climate``; missing entries are NaN."""
    variable = dataset[name]
    stored = np.asarray(variable.read(), np.float64)
    stored[stored <= -9000.0] = np.nan
    return stored * factor


def gathered(
    source: str,
    fields: list[FloatArray],
    land: NDArray[np.bool_],
    latitude: FloatArray,
    longitude: FloatArray,
    resolution: float,
) -> Climate:
    """The land cells as a list, averaged to the resolution."""
    group = round(resolution / 0.5)
    rows, columns = land.shape[0] // group, land.shape[1] // group
    parts = land.reshape(rows, group, columns, group)
    count = parts.sum(axis=(1, 3))
    row, column = np.nonzero(count)

    def mean(values: FloatArray) -> FloatArray:
        kept = np.where(land, np.nan_to_num(values), 0.0)
        sums = kept.reshape(len(values), rows, group, columns, group).sum(axis=(2, 4))
        return np.asarray(sums[:, row, column] / count[row, column])

    return Climate(
        source,
        resolution,
        (row * columns + column).astype(np.int64),
        latitude.reshape(rows, group).mean(axis=1)[row],
        longitude.reshape(columns, group).mean(axis=1)[column],
        mean(fields[0]),
        np.maximum(mean(fields[1]), 0.0),
        np.clip(mean(fields[2]), 0.02, 0.98),
        np.clip(mean(fields[3]), 0.04, 0.35),
    )


def synthetic_climate(resolution: float) -> Climate:
    """A made-up climate on two made-up continents: zonal belts with continental seasons. For tests."""
    rows, columns = round(180.0 / resolution), round(360.0 / resolution)
    latitude = 90.0 - resolution * (np.arange(rows) + 0.5)
    longitude = -180.0 + resolution * (np.arange(columns) + 0.5)
    lat, lon = np.meshgrid(latitude, longitude, indexing="ij")
    land = (np.abs((lon % 180.0) - 90.0) < 45.0) & (lat > -55.0) & (lat < 75.0)
    row, column = np.nonzero(land)
    lat, lon = lat[row, column], lon[row, column]
    phase = np.cos(2.0 * np.pi * (np.arange(12)[:, None] + 0.5 - 7.0) / 12.0) * np.sign(lat)
    inland = 1.0 - np.abs((lon % 180.0) - 90.0) / 45.0
    mean = 28.0 - 38.0 * np.sin(np.deg2rad(np.abs(lat))) ** 1.6
    temperature = mean + phase * (np.abs(lat) / 90.0) * (10.0 + 22.0 * inland)
    belt = np.exp(-((lat / 12.0) ** 2)) * 180.0 + np.exp(-(((np.abs(lat) - 50.0) / 14.0) ** 2)) * 70.0 + 12.0
    wet = 1.0 + 0.6 * phase * np.exp(-(((np.abs(lat) - 15.0) / 10.0) ** 2))
    rain = belt * wet * (1.3 - 0.6 * inland)
    return Climate(
        "synthetic",
        resolution,
        (row * columns + column).astype(np.int64),
        lat,
        lon,
        temperature,
        rain,
        np.clip(0.75 - rain / 400.0, 0.2, 0.9),
        np.broadcast_to(0.12 + 0.05 * np.sin(np.deg2rad(3.0 * lon)), (2, len(lat))).copy(),
    )


def chosen(climate: Climate, cells: int) -> NDArray[np.int64]:
    """Positions of so many cells, evenly over the list: cell floor((i + 1/2) n / cells), i = 0 ..."""
    available = len(climate.identity)
    if not 1 <= cells <= available:
        raise InputError("too many cells of one member", found=cells, expected=f"1 to {available}")
    return ((np.arange(cells) + 0.5) * available / cells).astype(np.int64)
