"""A made-up surface file on a longitude/latitude grid: every variable but crops, topounits and experiments.

Soils and plants are those of :mod:`kiloland.craft.synthetic_surface`; lakes, wetlands, glaciers and small
towns come besides, and every cell has an urban region, as in the real files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.labels import synthetic_attributes
from kiloland.craft.patterns import Places
from kiloland.craft.surface.table import CELL, SurfaceVariable, surface_table
from kiloland.craft.synthetic_surface import VARIABLES, SurfaceMaker
from kiloland.files import DatasetWriter, FileSchema, VariableSchema
from kiloland.grid import RegularGrid, build_domain
from kiloland.grid.base import FloatArray

LENGTHS: Final = {
    "natpft": 17, "lsmpft": 17, "nlevsoi": 10, "numurbl": 3, "numrad": 2, "nlevurb": 5, "time": 12,
    "nlevslp": 11,
}  # fmt: skip
URBAN_REGION: Final = 3
SHARES: Final = {"PCT_LAKE": (-20.0, 30.0), "PCT_WETLAND": (-10.0, 8.0), "PCT_GLACIER": (-30.0, 6.0)}
"""Land units with the limits of their smooth field [%]; what is below 0 is none."""
TOWN_ABOVE: Final = 0.4
"""Of a smooth field within -1 to 1: where towns are."""
TOWN_SHARES: Final = (0.0, 0.125, 0.5)
"""Tall buildings, high and medium density [%]."""

RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "TOPO2": (30.0, 430.0), "STDEV_ELEV": (5.0, 70.0), "SKY_VIEW": (0.9, 1.0), "TERRAIN_CONFIG": (0.0, 0.1),
    "SINSL_COSAS": (-0.1, 0.1), "SINSL_SINAS": (-0.1, 0.1), "PCT_GRVL": (2.0, 20.0), "aveDTB": (0.5, 10.0),
    "zbedrock": (0.5, 10.0), "Tillage": (0.0, 0.2), "parEro_c1": (0.5, 1.5), "parEro_c2": (0.5, 1.5),
    "parEro_c3": (0.5, 1.5), "SLP_P10": (0.0, 0.3), "GRADZ": (0.1, 0.6), "LAKEFETCH": (100.0, 2000.0),
    "ETALAKE": (0.3, 1.5), "binfl": (0.05, 0.3), "Ws": (0.5, 0.9), "Ds": (0.01, 0.3), "Dsmax": (1.0, 20.0),
    "fdrain": (1.0, 3.0), "fover": (0.3, 0.8), "pc": (0.3, 0.5), "PH": (4.5, 6.5), "EF1_BTR": (500.0, 6000.0),
    "EF1_FET": (500.0, 3000.0), "EF1_FDT": (1.0, 10.0), "EF1_SHR": (500.0, 4000.0), "EF1_GRS": (100.0, 500.0),
    "EF1_CRP": (1.0, 10.0), "CANYON_HWR": (0.5, 1.5), "WTLUNIT_ROOF": (0.3, 0.5), "WTROAD_PERV": (0.2, 0.6),
    "EM_ROOF": (0.85, 0.95), "EM_WALL": (0.85, 0.95), "EM_IMPROAD": (0.85, 0.95), "EM_PERROAD": (0.9, 0.98),
    "HT_ROOF": (5.0, 15.0), "WIND_HGT_CANYON": (2.5, 7.5), "THICK_ROOF": (0.1, 0.3), "THICK_WALL": (0.1, 0.4),
    "T_BUILDING_MAX": (295.0, 300.0), "T_BUILDING_MIN": (285.0, 291.0), "TK_ROOF": (0.2, 1.5),
    "TK_WALL": (0.4, 1.5), "TK_IMPROAD": (0.8, 1.8), "CV_ROOF": (5.0e5, 2.0e6), "CV_WALL": (8.0e5, 2.0e6),
    "CV_IMPROAD": (1.2e6, 2.1e6),
}  # fmt: skip
"""Limits of smooth fields, in the units of the variable."""


def write_surface_source(path: Path, grid: RegularGrid, *, seed: int = 1) -> None:
    """Write made-up surface data ``[..., lsmlat, lsmlon]`` of all cells of a grid; rows as the grid has them.

    Raises OutputError where the file cannot be written.
    """
    domain = build_domain(grid, np.arange(grid.number_of_cells, dtype=np.int64))
    maker = SurfaceMaker(domain, Places.of_domain(domain), seed)
    values = surface_values(maker)
    table, shape = surface_table(), (grid.rows, grid.columns)
    schema = FileSchema(
        {"lsmlat": grid.rows, "lsmlon": grid.columns, **LENGTHS},
        None,
        tuple(_schema(table[name]) for name in values),
        synthetic_attributes("surface data", f"seed {seed}"),
    )
    with DatasetWriter(path, schema) as writer:
        for name, array in values.items():
            cells = array.reshape(*array.shape[:-1], *shape) if table[name].has_cells else array
            writer.put(name, np.asarray(cells, table[name].dtype, order="C"))


def surface_values(maker: SurfaceMaker) -> dict[str, NDArray[Any]]:
    """All variables ``[..., cell]`` by name."""
    table = surface_table()
    values = {one.name: np.asarray(one.make(maker)) for one in VARIABLES if one.name in table}
    values |= {name: eighths(maker.between(name, low, high)) for name, (low, high) in SHARES.items()}
    town = maker.field("town") > TOWN_ABOVE
    values["PCT_URBAN"] = np.where(town, np.array(TOWN_SHARES)[:, None], 0.0)
    taken = sum(values[name] for name in SHARES) + values["PCT_URBAN"].sum(axis=0)
    values["PCT_NATVEG"] = 100.0 - np.asarray(taken)
    values["URBAN_REGION_ID"] = maker.constant(URBAN_REGION)
    values["NLEV_IMPROAD"] = maker.constant(2.0, LENGTHS["numurbl"])
    values["Litho"] = maker.constant(1.0)
    for name, (low, high) in RANGES.items():
        values[name] = layered(maker, table[name], low, high)
    for name in (name for name in table if name.startswith("ALB_")):
        values[name] = layered(maker, table[name], 0.1, 0.35)
    return values


def layered(maker: SurfaceMaker, variable: SurfaceVariable, low: float, high: float) -> FloatArray:
    """A smooth field within two limits, the same in every layer; layers of slopes rise to it from 0."""
    lead = tuple(LENGTHS[dim] for dim in variable.dims if dim != CELL)
    field = maker.between(variable.name, low, high)
    if variable.dims[0] == "nlevslp":
        return np.asarray(np.linspace(0.0, 1.0, lead[0])[:, None] * field)
    return np.broadcast_to(field, (*lead, field.size)).copy()


def eighths(percent: FloatArray) -> FloatArray:
    """Shares (%) cut to multiples of 1/8 and at 0, so that sums of them are exact."""
    return np.asarray(np.floor(8.0 * np.maximum(percent, 0.0)) / 8.0)


def _schema(variable: SurfaceVariable) -> VariableSchema:
    dims = (*variable.dims[:-1], "lsmlat", "lsmlon") if variable.has_cells else variable.dims
    attributes = {"long_name": variable.long_name, "units": variable.units}
    return VariableSchema(variable.name, variable.dtype, dims, attributes)
