"""Say in words where an element lies: ``column 3, levtot 7 (gridcell 2; 266.582E 47.563N)``.

Positions count from zero, as numpy does; indices that the file itself stores are quoted as they stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kiloland.verify.elements import Index

if TYPE_CHECKING:
    from kiloland.files import Dataset

COORDINATES: dict[str, tuple[tuple[str, str], ...]] = {
    "gridcell": (("grid1d_lon", "grid1d_lat"), ("lon", "lat"), ("LONGXY", "LATIXY"), ("xc", "yc")),
    "lndgrid": (("lon", "lat"),),
    "topounit": (("topo1d_lon", "topo1d_lat"),),
    "landunit": (("land1d_lon", "land1d_lat"),),
    "column": (("cols1d_lon", "cols1d_lat"),),
    "pft": (("pfts1d_lon", "pfts1d_lat"),),
    "ni": (("xc", "yc"), ("LONGXY", "LATIXY")),
}
"""Names of longitude and latitude along each dimension of cells, in order of preference."""

FACTS: dict[str, tuple[tuple[str, str], ...]] = {
    "gridcell": (("gridID", "gridID"),),
    "lndgrid": (("gridID", "gridID"),),
    "ni": (("gridID", "gridID"),),
    "landunit": (("land1d_gridcell_index", "gridcell"), ("land1d_ityplun", "landunit type")),
    "column": (("cols1d_gridcell_index", "gridcell"), ("cols1d_ityplun", "landunit type")),
    "pft": (
        ("pfts1d_gridcell_index", "gridcell"),
        ("pfts1d_column_index", "column"),
        ("pfts1d_itypveg", "vegetation type"),
        ("pfts1d_itype_veg", "vegetation type"),
    ),
    "time": (("mcdate", "date"), ("mcsec", "second")),
}
"""Variables along each dimension that identify a member, with the word used for them."""


def describe(dataset: Dataset, dims: tuple[str, ...], index: Index) -> str:
    """The place of one element in words; "the only value" for a scalar."""
    if not dims:
        return "the only value"
    position = dict(zip(dims, index, strict=True))
    words = ", ".join(f"{dim} {at}" for dim, at in position.items())
    details = [
        detail
        for dim in dims
        for detail in (*facts(dataset, dim, position), *coordinates(dataset, dim, position))
    ]
    return words + (f" ({'; '.join(details)})" if details else "")


def number(dataset: Dataset, name: str, position: dict[str, int]) -> float | int | None:
    """One number of a variable whose dimensions are all positioned; None where there is no such variable."""
    if name not in dataset:
        return None
    variable = dataset[name]
    if variable.dtype.kind not in "iuf" or not set(variable.dims) <= {*position, "nj"}:
        return None
    value = variable.read(tuple(position.get(dim, 0) for dim in variable.dims))
    single: float | int = np.asarray(value).item()
    return single


def facts(dataset: Dataset, dim: str, position: dict[str, int]) -> list[str]:
    found = ((word, number(dataset, name, position)) for name, word in FACTS.get(dim, ()))
    return [f"{word} {value}" for word, value in found if value is not None]


def coordinates(dataset: Dataset, dim: str, position: dict[str, int]) -> list[str]:
    for longitude, latitude in COORDINATES.get(dim, ()):
        east, north = number(dataset, longitude, position), number(dataset, latitude, position)
        if east is not None and north is not None:
            return [f"{east:.6g}E {abs(north):.6g}{'N' if north >= 0 else 'S'}"]
    return []
