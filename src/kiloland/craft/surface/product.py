"""Finer products that stand over the source: what kind of file each is, and how it meets the domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kiloland.craft.surface.cell_list import SPACINGS, CellList, MatchedMapper, ScatteredMapper, spacing_km
from kiloland.craft.surface.checks import check_units
from kiloland.craft.surface.elevation import Heights
from kiloland.craft.surface.mapper import AnyMapper, Mapper, limit_for_cells
from kiloland.craft.surface.source import Source, read_source
from kiloland.craft.surface.supply import Supply
from kiloland.craft.surface.table import Kind, surface_table
from kiloland.craft.surface.values import LATITUDES, LONGITUDES, Values, coordinate_name
from kiloland.craft.surface.weights import Index
from kiloland.errors import InputError
from kiloland.files import Dataset, Variable
from kiloland.grid import grid_from_text
from kiloland.grid.base import BoolArray, FloatArray, IntArray
from kiloland.grid.domain import Domain
from kiloland.grid.domain_file import UNNAMED

IDS = ("gridID", "gridcell_id")
PLANE = (("x", "y"), ("x_lcc", "y_lcc"), ("ni", "nj"))
TERRAIN = (
    "SLOPE",
    "STD_ELEV",
    "STDEV_ELEV",
    "SINSL_COSAS",
    "SINSL_SINAS",
    "SLOPE_DEG",
    "ASPECT_DEG",
    "SKY_VIEW",
    "TERRAIN_CONFIG",
)
"""What a file of elevations gives besides them where it has it."""
NEAR = 0.01
"""Degrees by which the place of a cell may differ from that of the domain's cell with its id."""


@dataclass(frozen=True)
class Product:
    """A file and the variables it stands for: ``names`` from the table to the file; empty: all it has."""

    path: Path
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Product:
        """From ``FILE`` or ``FILE:VAR=NAME,VAR,...``."""
        path, colon, listed = text.rpartition(":")
        if not colon or "/" in listed or listed.endswith(".nc"):
            return cls(Path(text))
        names = {}
        for pair in listed.split(","):
            name, equals, own = pair.partition("=")
            names[name.strip()] = (own if equals else name).strip()
        unknown = [name for name in names if name not in surface_table()]
        if not path or unknown or not all(names.values()):
            raise InputError(
                "no variable of a surface file" if unknown else "a product is FILE or FILE:VAR=NAME,...",
                file=path or None,
                variable=unknown[0] if unknown else None,
                found=text,
            )
        return cls(Path(path), names)

    @classmethod
    def parse_elevation(cls, text: str) -> Product:
        """From ``FILE:NAME``, NAME being the elevation (m); without it the name is TOPO."""
        path, colon, name = text.rpartition(":")
        return (
            cls(Path(path), {"TOPO": name})
            if colon and "/" not in name
            else cls(Path(text), {"TOPO": "TOPO"})
        )


@dataclass(frozen=True)
class Target:
    """The cells of this rank, and what is the same on all ranks."""

    domain: Domain
    south: float
    north: float
    largest_km2: float
    limit_km: float | None


def open_product(dataset: Dataset, product: Product, target: Target, heights: FloatArray | None) -> Supply:
    """The supply of a product.

    Kinds: cells with ids of the domain's grid (gridID); rows and columns of the domain's projection (x, y);
    a regular longitude/latitude grid; places with longitude and latitude. Raises InputError for a file that
    is none of these, that lacks a variable, or that states other units.
    """
    for name, own in product.names.items():
        if own not in dataset:
            raise InputError("is not in the product", file=dataset.path, variable=own, expected=f"for {name}")
    found = next((name for name in IDS if name in dataset), None)
    if found is not None:
        return _by_id(dataset, product, target, _ids(dataset[found]), dataset[found].dims)
    plane = _plane(dataset, target.domain)
    if plane is not None:
        return _by_id(dataset, product, target, *plane)
    if _is_grid(dataset):
        return _gridded(dataset, product, target, heights)
    return _scattered(dataset, product, target)


def real_land(values: Values) -> BoolArray | None:
    """Cells with data of real land: PFTDATA_MASK, else LANDFRAC_PFT above 0; None where neither is given."""
    for name in ("PFTDATA_MASK", "LANDFRAC_PFT"):
        dataset = values.dataset
        if name in dataset and dataset[name].dims == values.cell_dims:
            return np.asarray(np.nan_to_num(values.layer(dataset[name], ())) > 0.0)
    return None


def heights_of(values: Values, target: FloatArray | None) -> Heights | None:
    """The elevations for a correction, None where the file has no TOPO or the cells have none."""
    if target is None or not values.has("TOPO"):
        return None
    return Heights(values.layer(values.stored("TOPO"), ()), target)


def _names(dataset: Dataset, product: Product, cell_dims: tuple[str, ...]) -> dict[str, str]:
    """Variables of the table that the product stands for; those without a list: all that lie on its cells."""
    if product.names:
        return dict(product.names)
    number = len(cell_dims)
    found = {
        name: name
        for name, variable in surface_table().items()
        if variable.has_cells and variable.kind is not Kind.MADE and name in dataset
        if dataset[name].dims[-number:] == cell_dims
    }
    if not found:
        raise InputError("holds no variable of a surface file", file=dataset.path, hint="FILE:VAR=NAME")
    return found


def _supply(values: Values, mapper: AnyMapper, filling: AnyMapper) -> Supply:
    for name in values.names:
        variable = surface_table()[name]
        if variable.kind in (Kind.MADE, Kind.COPIED):
            raise InputError("is not mapped, no product stands for it", file=values.path, variable=name)
        check_units(values, variable)
    land = real_land(values)
    land = np.ones(values.cells, dtype=bool) if land is None else land
    return Supply(values, mapper, filling, land, product=True)


def _gridded(dataset: Dataset, product: Product, target: Target, heights: FloatArray | None) -> Supply:
    values, limit = source_rows(dataset, target, product.names or None)
    if not product.names:
        values = Source(
            dataset,
            values.cell_dims,
            _names(dataset, product, values.cell_dims),
            values.grid,
            values.southward,
            values.rows,
            values.turn,
        )
    own = heights_of(values, heights)
    grid, domain = values.grid, target.domain
    mapper = Mapper(grid, domain, limit, values.path, gaps=True, heights=own)
    return _supply(values, mapper, Mapper(grid, domain, limit, values.path, heights=own))


def source_rows(
    dataset: Dataset, target: Target, names: Mapping[str, str] | None = None, more_rows: int = 0
) -> tuple[Source, float]:
    """A regular grid with the rows that can matter to the domain and more, and its distance limit (km)."""
    grid = read_source(dataset, names=names).grid
    limit = limit_for_cells(grid, target.largest_km2) if target.limit_km is None else target.limit_km
    margin = max(limit / 111.0, more_rows * grid.latitude_step)
    return read_source(dataset, target.south - margin, target.north + margin, names), limit


def _by_id(
    dataset: Dataset, product: Product, target: Target, ids: IntArray, cell_dims: tuple[str, ...]
) -> Supply:
    """Cells matched by id; only the part of the file that holds cells of this rank is read."""
    order = np.argsort(ids, kind="stable")
    wanted = target.domain.gridcell_id
    at = order[np.minimum(np.searchsorted(ids[order], wanted), ids.size - 1)]
    match = np.where(ids[at] == wanted, at, -1)
    if (np.diff(ids[order]) == 0).any():
        raise InputError("the same gridcell id twice", file=dataset.path, variable="gridID")
    shape = tuple(dataset.dimensions[dim] for dim in cell_dims)
    row = 1 if len(shape) == 1 or shape[0] == 1 else shape[1]
    here = match[match >= 0]
    first, last = (int(here.min()) // row, int(here.max()) // row + 1) if here.size else (0, 1)
    window = (slice(0, 1),) * (len(shape) > 1 and shape[0] == 1) + (slice(first, last),)
    match = np.where(match >= 0, match - first * row, -1).astype(np.int32)
    longitude, latitude = _places(dataset, cell_dims, window, (last - first) * row)
    names = _names(dataset, product, cell_dims)
    values = CellList(dataset, cell_dims, names, longitude, latitude, ids[first * row : last * row], window)
    _same_places(values, target.domain, match)
    mapper = MatchedMapper(target.domain, match, values.cells)
    return _supply(values, mapper, mapper)


def _same_places(values: CellList, domain: Domain, match: Index) -> None:
    """Raise InputError where a cell lies elsewhere than the domain's cell with its id."""
    at = np.flatnonzero(match >= 0)
    east = np.mod(values.longitude[match[at]] - domain.longitude[at] + 180.0, 360.0) - 180.0
    off = np.maximum(np.abs(east), np.abs(values.latitude[match[at]] - domain.latitude[at]))
    wrong = off > NEAR
    if wrong.any():
        cell = int(at[np.argmax(wrong)])
        raise InputError(
            "its gridcell ids are those of other places: the product lies on another grid",
            file=values.path,
            where=f"gridcell id {int(domain.gridcell_id[cell])}",
            found=f"{values.longitude[match[cell]]:.4f} E, {values.latitude[match[cell]]:.4f} N",
            expected=f"{domain.longitude[cell]:.4f} E, {domain.latitude[cell]:.4f} N",
        )


def _ids(variable: Variable) -> IntArray:
    ids = np.asarray(variable.read(), np.float64).reshape(-1)
    if ids.size == 0 or not (np.isfinite(ids) & (ids == np.rint(ids))).all():
        raise InputError("gridcell ids are no whole numbers", file=variable.file, variable=variable.name)
    return ids.astype(np.int64)


def _places(
    dataset: Dataset, cell_dims: tuple[str, ...], window: tuple[slice, ...], number: int
) -> tuple[FloatArray, FloatArray]:
    """Longitude and latitude of listed cells; NaN where the file does not give them."""
    found = []
    for names in (LONGITUDES, LATITUDES):
        name = next((name for name in names if name in dataset and dataset[name].dims == cell_dims), None)
        nothing = np.full(number, np.nan)
        found.append(nothing if name is None else np.asarray(dataset[name].values(window), float).reshape(-1))
    return found[0], found[1]


def _plane(dataset: Dataset, domain: Domain) -> tuple[IntArray, tuple[str, str]] | None:
    """Gridcell ids and dimensions of a file on the rows and columns of the domain's projection, else None.

    Raises InputError for other rows and columns in a file without longitudes, by which it could be placed.
    """
    pair = next((p for p in PLANE if all(n in dataset and dataset[n].dims == (n,) for n in p)), None)
    if pair is None or domain.grid_name == UNNAMED:
        return None
    grid = grid_from_text(domain.grid_name)
    if not grid.has_projection:
        return None
    x0, y0 = grid.centres_xy(np.array([0, grid.columns + 1]))
    numbers = []
    for name, start in zip(pair, (x0, y0), strict=True):
        place = (dataset[name].values().astype(np.float64) - start[0]) / (start[1] - start[0])
        if np.abs(place - np.rint(place)).max(initial=0.0) > 0.01:
            if any(axis in dataset for axis in LONGITUDES):
                return None
            raise InputError(
                "is not on the cells of the domain's grid",
                file=dataset.path,
                variable=name,
                expected=f"centres of the cells of {domain.grid_name}, in metres",
            )
        numbers.append(np.rint(place).astype(np.int64))
    column, row = numbers
    ids = np.where(
        (row[:, None] >= 0) & (row[:, None] < grid.rows) & (column >= 0) & (column < grid.columns),
        row[:, None] * grid.columns + column,
        # Beyond the grid: ids of no cell, each different.
        -1 - np.arange(row.size * column.size).reshape(row.size, -1),
    )
    return ids.reshape(-1), (pair[1], pair[0])


def _is_grid(dataset: Dataset) -> bool:
    """True where longitude and latitude are axes of a grid, and no list of places."""
    longitude = dataset[coordinate_name(dataset, LONGITUDES)]
    latitude = dataset[coordinate_name(dataset, LATITUDES)]
    if len(longitude.dims) == 1:
        return longitude.dims != latitude.dims
    east, north = longitude.values(), latitude.values()
    return bool((np.abs(east - east[:1]) <= 1e-5).all() and (np.abs(north - north[:, :1]) <= 1e-5).all())


def _scattered(dataset: Dataset, product: Product, target: Target) -> Supply:
    name = coordinate_name(dataset, LONGITUDES)
    cell_dims = dataset[name].dims
    window = tuple(slice(0, dataset.dimensions[dim]) for dim in cell_dims)
    longitude, latitude = _places(dataset, cell_dims, window, dataset[name].values().size)
    if not (np.isfinite(longitude).all() and (np.abs(latitude) <= 90.0).all()):
        raise InputError("places are missing or out of range", file=dataset.path, variable=name)
    names = _names(dataset, product, cell_dims)
    values = CellList(dataset, cell_dims, names, longitude, latitude, None, window)
    half_cell = float(np.sqrt(0.5 * target.largest_km2))
    reach = SPACINGS * spacing_km(longitude, latitude) if target.limit_km is None else target.limit_km
    mapper = ScatteredMapper(target.domain, values, max(reach, half_cell))
    return _supply(values, mapper, mapper)
