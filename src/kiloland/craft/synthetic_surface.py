"""A made-up surface file in ELM's one-dimensional format, for any domain.

Smooth fields of texture, organic matter, colour and plant types such as tundra and boreal forest might
have; natural vegetation everywhere. Shares of plant types are whole multiples of 1/8 percent and sum to
exactly 100.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.labels import synthetic_attributes
from kiloland.craft.patterns import FloatArray, Places, field
from kiloland.files import DatasetWriter, FileSchema, VariableSchema
from kiloland.grid import Domain

PLANT_TYPES: Final = 17
SOIL_LEVELS: Final = 10
MONTHS: Final = 12
SHARE_UNITS: Final = 800
"""Shares of plant types are counted in eighths of a percent."""
SMALLEST_SHARE: Final = 0.02

ABUNDANCE: Final = {0: -0.4, 2: -0.2, 3: -1.0, 8: -0.8, 10: -0.9, 11: 0.6, 12: 1.0}
"""Plant types that occur, with the mean of their log-weight: tundra shrubs and grass, some forest."""
_VARIATION: Final = 2.2

# Summer and winter leaf area, stem area [m2 m-2], top and bottom of the canopy [m] of each plant type.
STATURE: Final = (
    (0.0, 0.0, 0.0, 0.0, 0.0),
    (3.2, 2.8, 0.9, 17.0, 8.5),
    (2.4, 2.1, 0.8, 14.0, 7.0),
    (2.2, 0.1, 0.7, 12.0, 6.0),
    (4.5, 4.5, 0.7, 35.0, 1.0),
    (3.5, 3.5, 0.7, 35.0, 1.0),
    (3.5, 1.0, 0.7, 18.0, 10.0),
    (3.2, 0.2, 0.8, 20.0, 11.5),
    (2.6, 0.1, 0.7, 16.0, 9.0),
    (1.4, 1.1, 0.5, 0.5, 0.1),
    (1.5, 0.1, 0.5, 0.8, 0.1),
    (1.3, 0.1, 0.4, 0.6, 0.1),
    (1.1, 0.1, 0.3, 0.3, 0.01),
    (1.6, 0.2, 0.4, 0.5, 0.01),
    (1.8, 0.2, 0.4, 0.5, 0.01),
    (2.2, 0.1, 0.3, 0.5, 0.01),
    (2.2, 0.1, 0.3, 0.5, 0.01),
)


@dataclass(frozen=True)
class SurfaceMaker:
    """Makes surface data of the cells of a domain; a value depends on the seed and the place alone."""

    domain: Domain
    places: Places
    seed: int

    def field(self, name: str) -> FloatArray:
        """A smooth field within -1 to 1."""
        return field(f"{self.seed}:{name}", self.places)

    def between(self, name: str, low: float, high: float) -> FloatArray:
        """A smooth field within two limits."""
        return low + (high - low) * 0.5 * (1.0 + self.field(name))

    def constant(self, value: float, *lead: int) -> FloatArray:
        """The same value everywhere."""
        return np.full((*lead, self.domain.number_of_cells), value)

    def whole(self, name: str, low: int, high: int) -> NDArray[np.int32]:
        """A smooth field of whole numbers from ``low`` to ``high``."""
        return np.asarray(np.rint(self.between(name, low, high)), np.int32)

    def elevation(self) -> FloatArray:
        """Elevation [m]."""
        return elevation(self.places, self.seed)

    def by_depth(self, name: str, low: float, high: float, change: float) -> FloatArray:
        """A texture field [%] that changes with depth by ``change`` from the first to the last layer."""
        depth = np.linspace(0.0, 1.0, SOIL_LEVELS)[:, None]
        return np.asarray(self.between(name, low, high)[None, :] + change * depth)

    def organic_matter(self) -> FloatArray:
        """Organic matter [kg m-3]: peaty above, little below: top * exp(-3 d), d = 0 to 1 with the layers."""
        depth = np.linspace(0.0, 1.0, SOIL_LEVELS)[:, None]
        return np.asarray(self.between("organic", 15.0, 125.0)[None, :] * np.exp(-3.0 * depth))

    def plant_shares(self) -> FloatArray:
        """Share of each plant type [% of the natural vegetation], ``[type, cell]``.

        Proportional to exp(mean + variation * field); shares below 2 % are dropped. Rounded to 1/8 % by
        largest remainders, so that every column sums to exactly 100.
        """
        weight = np.zeros((PLANT_TYPES, self.domain.number_of_cells))
        for kind, mean in ABUNDANCE.items():
            weight[kind] = np.exp(mean + _VARIATION * self.field(f"plants {kind}"))
        share = weight / weight.sum(axis=0)
        share = np.where(share < SMALLEST_SHARE, 0.0, share)
        exact = SHARE_UNITS * share / share.sum(axis=0)
        units = np.floor(exact)
        missing = (SHARE_UNITS - units.sum(axis=0)).astype(np.int64)
        order = np.argsort(-(exact - units), axis=0, kind="stable")
        rank = np.argsort(order, axis=0, kind="stable")
        return np.asarray((units + (rank < missing)) * (100.0 / SHARE_UNITS))

    def monthly(self, part: int) -> FloatArray:
        """Leaf area (0), stem area (2), canopy top (3) or bottom (4), ``[month, type, cell]``.

        Leaf area goes from its winter to its summer value with a season that peaks in July; area indices
        vary by a quarter from place to place.
        """
        stature = np.array(STATURE)
        value = np.tile(stature[:, part], (MONTHS, 1))
        if part == 0:
            month = np.arange(MONTHS)
            season = np.maximum(np.cos((month - 6.5) * (2.0 * math.pi / MONTHS)), 0.0)[:, None]
            value = stature[:, 1] + (stature[:, 0] - stature[:, 1]) * season
        local = 1.0 + 0.25 * self.field("vigour") if part in (0, 2) else self.constant(1.0)
        return np.asarray(value[:, :, None] * local)


def elevation(places: Places, seed: int) -> FloatArray:
    """Elevation of places [m], 30 to 430."""
    return 230.0 + 200.0 * field(f"{seed}:elevation", places)


@dataclass(frozen=True)
class SurfaceVariable:
    """One variable of the surface file and how it is made."""

    name: str
    dtype: str
    dims: tuple[str, ...]
    units: str
    long_name: str
    make: Callable[[SurfaceMaker], NDArray[Any]]

    def schema(self) -> VariableSchema:
        """Its definition on file."""
        return VariableSchema(
            self.name, self.dtype, self.dims, {"long_name": self.long_name, "units": self.units}
        )


CELL: Final = ("gridcell",)
_Make = SurfaceMaker


def _real(name: str, units: str, long_name: str, make: Callable[[_Make], NDArray[Any]]) -> SurfaceVariable:
    return SurfaceVariable(name, "f8", CELL, units, long_name, make)


def _constant(name: str, units: str, long_name: str, value: float) -> SurfaceVariable:
    return _real(name, units, long_name, lambda make: make.constant(value))


def _smooth(name: str, units: str, long_name: str, low: float, high: float) -> SurfaceVariable:
    return _real(name, units, long_name, lambda make: make.between(name, low, high))


def _integer(
    name: str, dims: tuple[str, ...], long_name: str, make: Callable[[_Make], NDArray[Any]]
) -> SurfaceVariable:
    return SurfaceVariable(name, "i4", dims, "unitless", long_name, make)


def _layers(name: str, units: str, long_name: str, make: Callable[[_Make], NDArray[Any]]) -> SurfaceVariable:
    return SurfaceVariable(name, "f8", ("nlevsoi", *CELL), units, long_name, make)


def _monthly(name: str, units: str, long_name: str, part: int) -> SurfaceVariable:
    make = partial(_Make.monthly, part=part)
    return SurfaceVariable(name, "f8", ("time", "lsmpft", *CELL), units, long_name, make)


VARIABLES: Final = (
    _integer("natpft", ("natpft",), "indices of natural plant types", lambda make: np.arange(PLANT_TYPES)),
    _integer("time", ("time",), "calendar months", lambda make: np.arange(1, MONTHS + 1)),
    _integer("mxsoil_color", (), "number of soil colour classes", lambda make: np.array(20)),
    _integer("mxsoil_order", (), "number of soil orders", lambda make: np.array(15)),
    _real("LONGXY", "degrees east", "longitude", lambda make: make.domain.longitude),
    _real("LATIXY", "degrees north", "latitude", lambda make: make.domain.latitude),
    _real("AREA", "km^2", "area", lambda make: make.domain.area_km2),
    _real("TOPO", "m", "mean elevation", _Make.elevation),
    _integer("PFTDATA_MASK", CELL, "land mask of the plant types", lambda make: make.domain.mask),
    _real("LANDFRAC_PFT", "unitless", "land fraction of the plant types", lambda make: make.domain.fraction),
    _constant("PCT_NATVEG", "unitless", "total percent natural vegetation landunit", 100.0),
    _constant("PCT_CROP", "unitless", "total percent crop landunit", 0.0),
    _constant("PCT_WETLAND", "unitless", "percent wetland", 0.0),
    _constant("PCT_LAKE", "unitless", "percent lake", 0.0),
    _constant("PCT_GLACIER", "unitless", "percent glacier", 0.0),
    SurfaceVariable(
        "PCT_URBAN",
        "f8",
        ("numurbl", *CELL),
        "unitless",
        "percent urban for each density type",
        lambda make: make.constant(0.0, 3),
    ),
    _integer("URBAN_REGION_ID", CELL, "urban region, 0: none", lambda make: make.constant(0.0).astype("i4")),
    SurfaceVariable(
        "PCT_NAT_PFT",
        "f8",
        ("natpft", *CELL),
        "unitless",
        "percent plant functional type on the natural vegetation landunit",
        _Make.plant_shares,
    ),
    _layers("PCT_SAND", "unitless", "percent sand", lambda make: make.by_depth("sand", 15.0, 60.0, 8.0)),
    _layers("PCT_CLAY", "unitless", "percent clay", lambda make: make.by_depth("clay", 6.0, 28.0, 3.0)),
    _layers("ORGANIC", "kg/m3", "organic matter density at soil levels", _Make.organic_matter),
    _integer("SOIL_COLOR", CELL, "soil color", lambda make: make.whole("colour", 9, 20)),
    _integer("SOIL_ORDER", CELL, "soil order", lambda make: make.constant(2.0).astype("i4")),
    _smooth("FMAX", "unitless", "maximum fractional saturated area", 0.25, 0.45),
    _smooth("SLOPE", "degrees", "mean topographic slope", 0.4, 9.0),
    _smooth("STD_ELEV", "m", "standard deviation of elevation", 5.0, 70.0),
    _smooth("LAKEDEPTH", "m", "lake depth", 2.0, 12.0),
    _smooth("LABILE_P", "gP/m2", "labile inorganic P", 1.0, 9.0),
    _smooth("SECONDARY_P", "gP/m2", "secondary mineral P", 2.0, 20.0),
    _smooth("OCCLUDED_P", "gP/m2", "occluded P", 20.0, 60.0),
    _smooth("APATITE_P", "gP/m2", "apatite P", 30.0, 120.0),
    _smooth("ZWT0", "m", "decay factor for inundated fraction", 0.02, 0.2),
    _smooth("F0", "unitless", "maximum gridcell fractional inundated area", 0.0, 0.3),
    _smooth("P3", "s/mm", "coefficient of surface runoff for inundated fraction", 0.0, 200.0),
    _constant("gdp", "unitless", "gross domestic product", 0.0),
    _smooth("peatf", "unitless", "peatland fraction", 0.0, 0.4),
    _integer(
        "abm", CELL, "month of agricultural fire, 13: none", lambda make: make.constant(13.0).astype("i4")
    ),
    _monthly("MONTHLY_LAI", "unitless", "monthly leaf area index", 0),
    _monthly("MONTHLY_SAI", "unitless", "monthly stem area index", 2),
    _monthly("MONTHLY_HEIGHT_TOP", "meters", "monthly height top", 3),
    _monthly("MONTHLY_HEIGHT_BOT", "meters", "monthly height bottom", 4),
)
"""The surface file, with what ELM requires of a file without crops and towns."""


def write_surface(path: Path, domain: Domain, *, seed: int) -> None:
    """Write the surface data of a domain, one variable in memory at a time.

    Raises:
        OutputError: the file cannot be written.
    """
    schema = FileSchema(
        dimensions={
            "gridcell": domain.number_of_cells,
            "natpft": PLANT_TYPES,
            "lsmpft": PLANT_TYPES,
            "nlevsoi": SOIL_LEVELS,
            "numurbl": 3,
            "time": MONTHS,
        },
        variables=tuple(variable.schema() for variable in VARIABLES),
        attributes=synthetic_attributes("surface data", f"seed {seed}"),
    )
    maker = SurfaceMaker(domain, Places.of_domain(domain), seed)
    with DatasetWriter(path, schema) as writer:
        for variable in VARIABLES:
            writer.put(variable.name, np.asarray(variable.make(maker), variable.dtype, order="C"))
