"""Lists of cells as maps: a netCDF file over rows and columns that CF-aware tools place by themselves.

Cells of the Daymet grid go to ``(y, x)`` with projection coordinates, two-dimensional longitude and latitude
and the grid mapping; cells of a regular grid to ``(lat, lon)``. Values are those of the file, bit for bit;
where there is no cell they are missing. Conventions: CF-1.11.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland import __version__
from kiloland.errors import InputError
from kiloland.files import Dataset, DatasetWriter, FileSchema, VariableSchema, open_dataset
from kiloland.grid import DaymetGrid
from kiloland.report.dates import bounds, time_name
from kiloland.report.export.geotiff import Exported, rows_at_once, summary
from kiloland.report.export.placement import Placement
from kiloland.report.export.rows import rows_of, stored
from kiloland.report.export.source import Band, Source, variables_over_cells
from kiloland.report.export.vtk import one_placement
from kiloland.report.fields import Choice
from kiloland.report.layers import MONTHS

LARGE = 1.0e36
"""ELM's mark of missing numbers."""
KEPT = (
    "long_name",
    "units",
    "standard_name",
    "cell_methods",
    "comment",
    "flag_values",
    "flag_meanings",
    "mapping",
)
"""Attributes of variables that hold for the map as well."""
PLAIN_UNITS = {
    **dict.fromkeys(("", "-", "none", "unitless", "proportion", "fraction", "unset"), "1"),
    "proportion/sec": "s-1",
    "umol/m2s": "umol/m2/s",
    "degrees east": "degrees_east",
    "degrees north": "degrees_north",
}
"""Units in use in ELM's files that are no units of UDUNITS."""
CALENDARS = {"no_leap": "noleap"}


@dataclass(frozen=True, eq=False)
class Layout:
    """Names of the dimensions of the map, and where its variables find their coordinates."""

    dims: tuple[str, str]
    located: dict[str, str]

    @classmethod
    def of(cls, placement: Placement) -> Layout:
        """Rows and columns of a projection, or latitude and longitude."""
        mapping = placement.grid.mapping()[0]
        if isinstance(placement.grid, DaymetGrid):
            return cls(("y", "x"), {"grid_mapping": mapping, "coordinates": "lat lon"})
        return cls(("lat", "lon"), {"grid_mapping": mapping})


def export_netcdf(
    path: Path,
    variables: Sequence[str],
    output: Path,
    choice: Choice | None = None,
    *,
    domain: Path | None = None,
    mean: bool = False,
    whole_grid: bool = False,
) -> Exported:
    """Write variables of a file as maps; all of them that lie on cells where none is named.

    Parameters as for ``export_geotiff``. A layer that is chosen is no dimension of the output. One
    block of rows is in memory at a time. Raises ``InputError`` and ``OutputError``.
    """
    with open_dataset(path) as dataset:
        names = variables or variables_over_cells(dataset)
        sources = [Source.of(dataset, name, choice or Choice(), mean) for name in names]
        placement = one_placement(dataset, sources, domain)
        placement = placement.on_whole_grid() if whole_grid else placement
        layout = Layout.of(placement)
        schema, copied = schema_of(dataset, sources, placement, layout, path)
        with DatasetWriter(output, schema) as writer:
            for name, values in copied.items():
                writer.put(name, values)
            for source in sources:
                put_variable(writer, source, placement)
            put_places(writer, placement)
    layers = sum(sum(1 for _ in source.bands()) for source in sources)
    return summary(output, placement, layers)


def schema_of(
    dataset: Dataset, sources: Sequence[Source], placement: Placement, layout: Layout, path: Path
) -> tuple[FileSchema, dict[str, NDArray[Any]]]:
    """The output as a schema, and the arrays that are known before the maps: axes of time and layers."""
    dimensions: dict[str, int] = dict(zip(layout.dims, (placement.rows, placement.columns), strict=True))
    records: tuple[str, int] | None = None
    copied: list[tuple[VariableSchema, NDArray[Any]]] = []
    maps = []
    for source in sources:
        outer, lengths = outer_dimensions(source)
        for dim, length in zip(outer, lengths, strict=True):
            if dim == source.axes.time:
                records = (dim, length)
            elif dimensions.setdefault(dim, length) != length:
                raise InputError("layers of two lengths", file=dataset.path, variable=source.variable.name)
        attributes = map_attributes(source, layout)
        maps.append(VariableSchema(source.variable.name, source.dtype, (*outer, *layout.dims), attributes))
    if records is not None:
        copied += time_axis(dataset, next(s for s in sources if s.axes.time is not None and not s.mean))
    layered = {dim for source in sources for dim in source.axes.levels if dim in dataset}
    copied += [layer_axis(dataset, dim) for dim in sorted(layered) if name_of(dataset, dim) in dimensions]
    mapping, of_mapping = placement.grid.mapping()
    fixed = [*axis_schemas(placement, layout), VariableSchema(mapping, "i4", (), of_mapping)]
    shown = ", ".join(source.variable.name for source in sources[:5])
    attributes = {
        "title": f"maps of {shown}{' and others' if len(sources) > 5 else ''}",
        "Conventions": "CF-1.11",
        "source": str(dataset.attributes.get("source", f"kiloland {__version__}")),
        "history": f"expanded to rows and columns by kiloland {__version__} from {path.name}",
        "grid": placement.grid.name,
    }
    if copied and any(schema.dims[1:] == ("hist_interval",) for schema, _ in copied):
        dimensions["hist_interval"] = 2
    schemas = (*(schema for schema, _ in copied), *fixed, *maps)
    schema = FileSchema(dimensions, records, schemas, attributes)
    return schema, {one.name: values for one, values in copied}


def outer_dimensions(source: Source) -> tuple[list[str], list[int]]:
    """Dimensions of a variable before rows and columns: time, and layers unless one of them is chosen."""
    names, lengths = [], []
    if source.axes.time is not None and not source.mean:
        names.append(source.axes.time)
        lengths.append(len(source.records))
    for dim, layers in zip(source.axes.levels, source.layers, strict=True):
        if len(layers) == source.dataset.dimensions[dim]:
            names.append(name_of(source.dataset, dim))
            lengths.append(len(layers))
    return names, lengths


def name_of(dataset: Dataset, dim: str) -> str:
    """Name of a dimension of layers; a ``time`` without dates would be read as one with dates."""
    if dim != "time":
        return dim
    return "month" if dataset.dimensions[dim] == MONTHS else "step"


def mark(dtype: np.dtype[Any]) -> Any:
    """The number that stands for a missing value, in the type of the variable."""
    return dtype.type(LARGE) if dtype.kind == "f" else dtype.type(np.iinfo(dtype).min)


def map_attributes(source: Source, layout: Layout) -> dict[str, Any]:
    """Attributes of a variable on the map."""
    given = source.variable.attributes
    dtype = source.dtype
    kept = {key: given[key] for key in KEPT if key in given}
    if "flag_values" in kept:
        kept["flag_values"] = np.asarray(kept["flag_values"]).astype(dtype)
    methods = [str(kept["cell_methods"])] if "cell_methods" in kept else []
    if source.average is not None:
        methods.append("area: mean")
    if source.mean:
        methods.append("time: mean")
    if methods:
        kept["cell_methods"] = " ".join(methods)
    if source.mean or source.average is not None:
        kept.pop("flag_values", None)
        kept.pop("flag_meanings", None)
    return {**in_cf_units(kept), "_FillValue": mark(dtype), **layout.located}


def in_cf_units(attributes: dict[str, Any]) -> dict[str, Any]:
    """Units as UDUNITS knows them; those of the file, where they differ, as ``units_in_source``.

    CF has no unit for carbon or nitrogen: what is weighed stands in the long name.
    """
    given = str(attributes.get("units", "")).strip()
    units = PLAIN_UNITS.get(given, re.sub(r"\b(k?g)[CNP]\b", r"\1", given))
    if "units" not in attributes or units == attributes["units"]:
        return attributes
    return {**attributes, "units": units, "units_in_source": given}


def time_axis(dataset: Dataset, source: Source) -> list[tuple[VariableSchema, NDArray[Any]]]:
    """Time and its intervals at the records that are written."""
    name = time_name(dataset)
    if name is None:
        return []
    variable = dataset[name]
    chosen = list(source.records)
    given = variable.attributes
    calendar = str(given.get("calendar", "noleap"))
    attributes = {"units": str(given.get("units", "")), "calendar": CALENDARS.get(calendar, calendar)}
    attributes |= {"standard_name": "time", "long_name": "time", "axis": "T"}
    other = str(given.get("bounds", "time_bounds"))
    if bounds(dataset, name) is None:
        return [(VariableSchema(name, variable.dtype, (name,), attributes), variable.read()[chosen])]
    intervals = VariableSchema(other, dataset[other].dtype, (name, "hist_interval"))
    attributes["bounds"] = other
    return [
        (VariableSchema(name, variable.dtype, (name,), attributes), variable.read()[chosen]),
        (intervals, dataset[other].read()[chosen]),
    ]


def layer_axis(dataset: Dataset, dim: str) -> tuple[VariableSchema, NDArray[Any]]:
    """The coordinate of a dimension of layers."""
    variable = dataset[dim]
    attributes = {key: value for key, value in variable.attributes.items() if key in (*KEPT, "positive")}
    if str(attributes.get("positive", "")) in ("up", "down"):
        attributes["axis"] = "Z"
    name = name_of(dataset, dim)
    return VariableSchema(name, variable.dtype, (name,), in_cf_units(attributes)), variable.read()


def axis_schemas(placement: Placement, layout: Layout) -> list[VariableSchema]:
    """Coordinates of the map and the gridcell ids."""
    degrees = {
        "lon": {"long_name": "longitude", "standard_name": "longitude", "units": "degrees_east"},
        "lat": {"long_name": "latitude", "standard_name": "latitude", "units": "degrees_north"},
    }
    ids = {"long_name": "gridcell id: row * columns + column of the whole grid, from zero", "units": "1"}
    identifier = "i4" if placement.grid.number_of_cells < 2**31 else "i8"
    last = VariableSchema("gridID", identifier, layout.dims, {**ids, **layout.located})
    if layout.dims == ("lat", "lon"):
        lon = VariableSchema("lon", "f8", ("lon",), {**degrees["lon"], "axis": "X"})
        return [VariableSchema("lat", "f8", ("lat",), {**degrees["lat"], "axis": "Y"}), lon, last]
    metres = {
        axis: {
            "long_name": f"{axis} of the cell centre",
            "standard_name": f"projection_{axis}_coordinate",
            "units": "m",
            "axis": axis.upper(),
        }
        for axis in ("y", "x")
    }
    return [
        *(VariableSchema(axis, "f8", (axis,), metres[axis]) for axis in ("y", "x")),
        *(
            VariableSchema(
                name, "f8", layout.dims, {**degrees[name], "grid_mapping": layout.located["grid_mapping"]}
            )
            for name in ("lat", "lon")
        ),
        last,
    ]


def put_places(writer: DatasetWriter, placement: Placement) -> None:
    """Write the coordinates, ids and the grid mapping, a block of rows at a time."""
    writer.put(placement.grid.mapping()[0], np.int32(0))
    grid = placement.raster_grid
    projected = isinstance(placement.grid, DaymetGrid)
    for name, values in zip(("y", "x") if projected else ("lat", "lon"), (grid.y, grid.x), strict=True):
        writer.put(name, values)
    identifier = np.int32 if placement.grid.number_of_cells < 2**31 else np.int64
    for start, stop in placement.row_blocks(rows_at_once(placement)):
        ids = placement.ids(start, stop)
        writer.put("gridID", ids.astype(identifier), start=(start, 0))
        if projected:
            longitude, latitude = placement.grid.centres(ids)
            writer.put("lon", np.where(longitude > 180.0, longitude - 360.0, longitude), start=(start, 0))
            writer.put("lat", latitude, start=(start, 0))


def put_variable(writer: DatasetWriter, source: Source, placement: Placement) -> None:
    """Write one variable, band by band."""
    dtype = source.dtype
    places = product(*(range(length) for length in outer_dimensions(source)[1]))
    for place, band in zip(places, source.bands(), strict=True):
        put_band(writer, source, placement, band, place, dtype)


def put_band(
    writer: DatasetWriter,
    source: Source,
    placement: Placement,
    band: Band,
    place: tuple[int, ...],
    dtype: np.dtype[Any],
) -> None:
    """Write one time and layer of a variable."""
    for row, values in rows_of(source, placement, band, rows_at_once(placement)):
        slab = stored(values, dtype, mark(dtype))
        writer.put(source.variable.name, slab.reshape((1,) * len(place) + slab.shape), start=(*place, row, 0))
