"""Domains on file, in ELM's domain format: CDF-5 when written; any netCDF when read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland import __version__
from kiloland.errors import InputError
from kiloland.files import Dataset, DatasetWriter, FileSchema, Variable, VariableSchema, open_dataset
from kiloland.grid.base import Grid, IntArray, east_longitude, nearest_turn
from kiloland.grid.domain import Domain, check_domain
from kiloland.grid.specification import grid_from_text

RADIAN2 = ("radian2", "radians2", "radian^2", "radians^2", "rad2", "rad^2", "steradian", "sr")
CELLS = ("nj", "ni")
MASK_MEANING = {"flag_values": np.array([0, 1], dtype=np.int32), "flag_meanings": "outside land"}
COLUMNS: dict[str, tuple[str, Callable[[Domain], NDArray[Any]], dict[str, Any]]] = {
    # name: (type, values, attributes)
    "xc": (
        "f8",
        lambda domain: domain.longitude,
        {"long_name": "longitude of the cell centre", "standard_name": "longitude", "units": "degrees_east"},
    ),
    "yc": (
        "f8",
        lambda domain: domain.latitude,
        {"long_name": "latitude of the cell centre", "standard_name": "latitude", "units": "degrees_north"},
    ),
    "area": (
        "f8",
        lambda domain: domain.area,
        {"long_name": "cell area: km2 / 6371.22^2", "units": "radian2"},
    ),
    "mask": ("i4", lambda domain: domain.mask, {"long_name": "land mask", "units": "1", **MASK_MEANING}),
    "frac": (
        "f8",
        lambda domain: domain.fraction,
        {
            "long_name": "fraction of the cell that is land",
            "standard_name": "land_area_fraction",
            "units": "1",
        },
    ),
    "gridID": (
        "id",
        lambda domain: domain.gridcell_id,
        {"long_name": "gridcell id: row * columns + column of the whole grid, from zero", "units": "1"},
    ),
    "gridXID": (
        "i4",
        lambda domain: domain.column,
        {"long_name": "column of the cell, from zero", "units": "1"},
    ),
    "gridYID": ("i4", lambda domain: domain.row, {"long_name": "row of the cell, from zero", "units": "1"}),
}
CORNERS: dict[str, tuple[Callable[[Domain], NDArray[Any]], dict[str, Any]]] = {
    "xv": (
        lambda domain: domain.vertex_longitude.T,
        {"long_name": "longitude of the corners, counter-clockwise", "units": "degrees_east"},
    ),
    "yv": (
        lambda domain: domain.vertex_latitude.T,
        {"long_name": "latitude of the corners, counter-clockwise", "units": "degrees_north"},
    ),
}
PROJECTED: dict[str, tuple[Callable[[Domain], NDArray[Any]], dict[str, Any]]] = {
    "xc_LCC": (
        lambda domain: domain.x,
        {"long_name": "x of the cell centre", "standard_name": "projection_x_coordinate", "units": "m"},
    ),
    "yc_LCC": (
        lambda domain: domain.y,
        {"long_name": "y of the cell centre", "standard_name": "projection_y_coordinate", "units": "m"},
    ),
}
UNNAMED = "unnamed"
"""Name of the grid of a file that does not say."""
LOCATED = ("area", "mask", "frac", "gridID", "gridXID", "gridYID")
"""Variables over the map: they name their coordinates and grid mapping."""


@dataclass(frozen=True)
class DomainHeader:
    """What a domain file says besides its cells."""

    grid_name: str
    shape: tuple[int, int]
    largest_id: int
    mapping: tuple[str, dict[str, Any]] | None
    projected: bool
    corners: bool = True

    @classmethod
    def of_grid(cls, grid: Grid, shape: tuple[int, int]) -> DomainHeader:
        """The header of cells of a grid."""
        return cls(grid.name, shape, grid.number_of_cells - 1, grid.mapping(), grid.has_projection)

    @classmethod
    def of_domain(cls, domain: Domain) -> DomainHeader:
        """The header of a domain; without a grid mapping where its grid has no known name."""
        corners = bool(np.isfinite(domain.vertex_longitude).all())
        if domain.grid_name != UNNAMED:
            return replace(cls.of_grid(grid_from_text(domain.grid_name), domain.shape), corners=corners)
        projected = bool(np.isfinite(domain.x).all())
        return cls(UNNAMED, domain.shape, int(domain.gridcell_id.max()), None, projected, corners)


def domain_schema(header: DomainHeader, attributes: Mapping[str, Any] | None = None) -> FileSchema:
    """Dimensions, variables and attributes of a domain file; see docs/grid.md."""
    identifier = "i4" if header.largest_id <= np.iinfo(np.int32).max else "i8"
    placed = {"coordinates": "yc xc"} | ({"grid_mapping": header.mapping[0]} if header.mapping else {})
    variables = []
    for name, (kind, _, own) in COLUMNS.items():
        bounds = {"bounds": name[0] + "v"} if name in ("xc", "yc") and header.corners else {}
        extra = placed if name in LOCATED else bounds
        variables.append(VariableSchema(name, identifier if kind == "id" else kind, CELLS, own | extra))
    if header.corners:
        variables += [VariableSchema(name, "f8", (*CELLS, "nv"), own) for name, (_, own) in CORNERS.items()]
    if header.projected:
        variables += [VariableSchema(name, "f8", CELLS, own | placed) for name, (_, own) in PROJECTED.items()]
    if header.mapping:
        variables.append(VariableSchema(header.mapping[0], "i4", (), header.mapping[1]))
    return FileSchema(
        dimensions={"nj": header.shape[0], "ni": header.shape[1], "nv": 4},
        unlimited=None,
        variables=tuple(variables),
        attributes={
            "title": "land domain",
            "Conventions": "CF-1.11",
            "source": f"kiloland {__version__}",
            "grid": header.grid_name,
            **(attributes or {}),
        },
    )


def write_domain_blocks(
    path: Path, header: DomainHeader, blocks: Iterable[Domain], attributes: Mapping[str, Any] | None = None
) -> None:
    """Write the consecutive blocks of a domain as one file, one block in memory at a time.

    The blocks are those of :func:`~kiloland.grid.domain.domain_blocks` or ``rectangle_blocks``. Each block
    is checked before it is written, and the file appears only when all are written.
    """
    schema = domain_schema(header, attributes)
    columns = header.shape[1]
    with DatasetWriter(path, schema) as writer:
        if header.mapping:
            writer.put(header.mapping[0], np.array(0, dtype=np.int32))
        done = 0
        for block in blocks:
            check_domain(block)
            _put(writer, schema, block, divmod(done, columns))
            done += block.number_of_cells
        if done != header.shape[0] * columns:
            raise ValueError(f"the blocks hold {done} cells, the file has {header.shape}")


def _put(writer: DatasetWriter, schema: FileSchema, block: Domain, start: tuple[int, int]) -> None:
    types = {variable.name: variable.dtype for variable in schema.variables}
    for name, (_, values, _) in COLUMNS.items():
        writer.put(name, values(block).astype(types[name], copy=False).reshape(block.shape), start=start)
    for name, (values, _) in CORNERS.items():
        if name in types:
            slab = np.ascontiguousarray(values(block)).reshape(*block.shape, 4)
            writer.put(name, slab, start=(*start, 0))
    for name, (values, _) in PROJECTED.items():
        if name in types:
            writer.put(name, values(block).reshape(block.shape), start=start)


def write_domain(path: Path, domain: Domain, attributes: Mapping[str, Any] | None = None) -> None:
    """Write a domain in ELM's format, one- or two-dimensional as it is; it can be read back unchanged.

    Raises InputError where the domain fails :func:`~kiloland.grid.domain.check_domain`, OutputError where
    the file cannot be written.
    """
    check_domain(domain)
    write_domain_blocks(path, DomainHeader.of_domain(domain), [domain], attributes)


def read_domain(path: Path, cells: IntArray | slice | None = None) -> Domain:
    """The domain in ELM's domain file, or only some of its ``cells`` (indices from zero in file order).

    Longitudes come out as 0 to 360. LANDMASK and LANDFRAC stand before mask and frac, as for ELM. Files
    without gridID number their cells by place. Only what holds the cells is read. Raises InputError where a
    variable is missing, the units of area are no radian², or the domain fails its checks.
    """
    path = Path(path)
    with open_dataset(path) as dataset:
        shape = shape_of_cells(dataset["xc"])
        reader = _CellReader(shape, _indices(slice(None) if cells is None else cells, shape, path))
        domain = _read(dataset, reader, whole=cells is None)
    check_domain(domain, path)
    return domain


def shape_of_cells(coordinate: Variable) -> tuple[int, int]:
    """Rows and columns of the cells that a coordinate is over; InputError for anything but one or two
    dimensions, and where there is no cell."""
    if len(coordinate.shape) not in (1, 2):
        raise InputError(
            "a coordinate of cells needs one or two dimensions",
            file=coordinate.file,
            variable=coordinate.name,
            found=coordinate.dims,
        )
    if 0 in coordinate.shape:
        raise InputError(
            "the file has no cells", file=coordinate.file, variable=coordinate.name, found=coordinate.shape
        )
    return (1, *coordinate.shape)[-2], coordinate.shape[-1]


def _indices(cells: IntArray | slice, shape: tuple[int, int], path: Path) -> IntArray:
    count = shape[0] * shape[1]
    if isinstance(cells, slice):
        return np.arange(*cells.indices(count), dtype=np.int64)
    indices = np.asarray(cells, dtype=np.int64)
    if indices.size and not 0 <= indices.min() <= indices.max() < count:
        raise InputError(
            "cell out of range",
            file=path,
            found=f"{indices.min()} to {indices.max()}",
            expected=f"0 to {count - 1}",
        )
    return indices


class _CellReader:
    """Reads variables over (nj, ni) at flat cell indices, and only what holds these cells."""

    def __init__(self, shape: tuple[int, int], cells: IntArray) -> None:
        self.shape, self.cells = shape, cells
        rows = cells // shape[1]
        self.rows = slice(int(rows.min()), int(rows.max()) + 1) if cells.size else slice(0, 0)
        # One run of cells is read as a slice, which is faster than a list of places.
        run = cells.size > 0 and bool((np.diff(cells) == 1).all())
        self.places: IntArray | slice = slice(int(cells[0]), int(cells[-1]) + 1) if run else cells

    def over_cells(self, variable: Variable) -> NDArray[Any]:
        """Values (cells, ...) of a variable over (nj, ni, ...), or over (cells, ...) where nj is 1."""
        shape = variable.shape
        if shape[:2] == self.shape:
            if self.shape[0] == 1:
                return variable.read((0, self.places))
            rows = variable.read(self.rows).reshape(-1, *shape[2:])
            return np.asarray(rows[self.cells - self.rows.start * self.shape[1]])
        if self.shape[0] == 1 and shape[:1] == self.shape[1:]:
            return variable.read(self.places)
        raise InputError(
            "lies on other cells than xc",
            file=variable.file,
            variable=variable.name,
            found=shape,
            expected=self.shape,
        )

    def over_corners(self, variable: Variable) -> NDArray[np.float64]:
        """Values (corners, cells) of a variable over (nj, ni, nv), or over (nv, nj, ni)."""
        shape = variable.shape
        if shape[1:] == self.shape and shape[:-1] != self.shape:
            return variable.read().reshape(shape[0], -1)[:, self.cells].astype(np.float64)
        return np.ascontiguousarray(self.over_cells(variable).T, dtype=np.float64)


def _read(dataset: Dataset, reader: _CellReader, whole: bool) -> Domain:
    def column(*names: str) -> NDArray[Any]:
        return reader.over_cells(dataset[next((name for name in names if name in dataset), names[-1])])

    cells = reader.cells
    row, place = np.divmod(cells, reader.shape[1])
    ids = column("gridID") if "gridID" in dataset else cells
    longitude = east_longitude(column("xc").astype(np.float64))
    nothing = np.full(cells.size, np.nan)
    corners = "xv" in dataset and "yv" in dataset
    vertex_longitude = reader.over_corners(dataset["xv"]) if corners else np.full((4, cells.size), np.nan)
    _check_area_units(dataset["area"])
    return Domain(
        gridcell_id=ids.astype(np.int64),
        row=(column("gridYID") if "gridYID" in dataset else row).astype(np.int64),
        column=(column("gridXID") if "gridXID" in dataset else place).astype(np.int64),
        longitude=longitude,
        latitude=column("yc").astype(np.float64),
        x=column("xc_LCC").astype(np.float64) if "xc_LCC" in dataset else nothing,
        y=column("yc_LCC").astype(np.float64) if "yc_LCC" in dataset else nothing.copy(),
        vertex_longitude=nearest_turn(vertex_longitude, longitude),
        vertex_latitude=reader.over_corners(dataset["yv"]) if corners else np.full((4, cells.size), np.nan),
        area=column("area").astype(np.float64),
        mask=column("LANDMASK", "mask").astype(np.int32),
        fraction=column("LANDFRAC", "frac").astype(np.float64),
        grid_name=str(dataset.attributes.get("grid", UNNAMED)),
        shape=reader.shape if whole else (1, cells.size),
    )


def _check_area_units(area: Variable) -> None:
    """Areas are radian²; a file without the attribute is believed and checked against its corners."""
    units = str(area.attributes.get("units", "radian2")).strip()
    if units not in RADIAN2:
        raise InputError(
            "area in other units",
            file=area.file,
            variable=area.name,
            found=units,
            expected="radian2",
            hint="ELM takes area as radian²: divide km² by 6371.22²",
        )
