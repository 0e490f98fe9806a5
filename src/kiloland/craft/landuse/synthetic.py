"""A made-up land-use time series on a global grid, in the format that ELM's tools write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from kiloland.craft.labels import synthetic_attributes
from kiloland.craft.landuse.source import HARVESTS
from kiloland.files import DatasetWriter, FileSchema, VariableSchema
from kiloland.grid.base import FloatArray

PLANT_TYPES: Final = 17
CROP: Final = 15
UNITS_OF_A_PERCENT: Final = 1024
"""Shares are whole multiples of 1/1024 percent, so that sums are exactly 100."""


@dataclass(frozen=True)
class LandUsePlan:
    """Years ``first`` to ``last`` of a global grid of ``rows`` by ``columns``."""

    first: int = 1850
    last: int = 1860
    rows: int = 36
    columns: int = 72


def write_land_use(path: Path, plan: LandUsePlan | None = None) -> None:
    """Write a made-up series that says that it is synthetic: crops grow and forests shrink year by year.

    Raises OutputError where the file cannot be written.
    """
    plan = plan or LandUsePlan()
    years = np.arange(plan.first, plan.last + 1, dtype=np.int32)
    latitude = -90.0 + (np.arange(plan.rows) + 0.5) * 180.0 / plan.rows
    longitude = (np.arange(plan.columns) + 0.5) * 360.0 / plan.columns
    cells = ("lsmlat", "lsmlon")
    variables = [
        VariableSchema("LONGXY", "f8", cells, {"units": "degrees east"}),
        VariableSchema("LATIXY", "f8", cells, {"units": "degrees north"}),
        VariableSchema("LANDMASK", "i4", cells, {"long_name": "land mask", "units": "unitless"}),
        VariableSchema("YEAR", "i4", ("time",), {"long_name": "year of the plant types"}),
        VariableSchema("PCT_NAT_PFT", "f8", ("time", "natpft", *cells),
                       {"long_name": "percent plant functional type on the natural vegetation landunit",
                        "units": "unitless"}),
        *(VariableSchema(name, "f8", ("time", *cells), {"long_name": "harvest", "units": "unitless"})
          for name in HARVESTS),
    ]  # fmt: skip
    sizes = {"natpft": PLANT_TYPES, "lsmlat": plan.rows, "lsmlon": plan.columns}
    attributes = synthetic_attributes("land-use time series")
    schema = FileSchema(sizes, ("time", years.size), tuple(variables), attributes)
    with DatasetWriter(path, schema) as writer:
        writer.put("LONGXY", np.broadcast_to(longitude, (plan.rows, plan.columns)).copy())
        writer.put("LATIXY", np.repeat(latitude[:, None], plan.columns, axis=1))
        writer.put("LANDMASK", np.ones((plan.rows, plan.columns), np.int32))
        writer.put("YEAR", years)
        for record, year in enumerate(years):
            shares = synthetic_shares(longitude, latitude, int(year))
            writer.put("PCT_NAT_PFT", shares[None], start=(record, 0, 0, 0))
            for number, name in enumerate(HARVESTS):
                rate = _harvest(longitude, latitude, int(year), number)
                writer.put(name, rate[None], start=(record, 0, 0))


def synthetic_shares(longitude: FloatArray, latitude: FloatArray, year: int) -> FloatArray:
    """Shares ``[type, lat, lon]`` (percent) of a year: waves in space, crops that grow by the year."""
    number = np.arange(PLANT_TYPES)[:, None, None]
    east, north = np.deg2rad(longitude), np.deg2rad(latitude)[:, None]
    weight = 1.05 + np.sin(1.7 * number + 2.0 * east) * np.cos(3.0 * north + 0.9 * number)
    weight[CROP] *= 0.02 * (year - 1840)
    exact = weight / weight.sum(axis=0) * 100.0 * UNITS_OF_A_PERCENT
    units = np.floor(exact)
    units[0] += 100.0 * UNITS_OF_A_PERCENT - units.sum(axis=0)
    return np.asarray(units / UNITS_OF_A_PERCENT)


def _harvest(longitude: FloatArray, latitude: FloatArray, year: int, number: int) -> FloatArray:
    """A harvested fraction of the cell, 0 to 0.02."""
    east, north = np.deg2rad(longitude), np.deg2rad(latitude)[:, None]
    return np.asarray(0.01 * (1.0 + np.sin(number + 3.0 * east + 0.1 * year) * np.cos(2.0 * north)))
