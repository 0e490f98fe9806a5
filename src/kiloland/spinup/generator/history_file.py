"""The tapes of a member as ELM's history files: single precision, annual or monthly means.

Fields carry ELM's names and units; sums of the day become per second. Layers below the tenth are zeros, as in
ELM. Patch fields are those of ELM's one-dimensional tape.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.files import DatasetWriter, FileSchema, VariableSchema
from kiloland.land.vertical import ground_grid
from kiloland.spinup.generator.climate import FloatArray
from kiloland.spinup.generator.constants import DAYS, LAYERS, MONTH_LENGTHS, SECONDS, THICKNESS
from kiloland.spinup.generator.layout import Subgrid, file_attributes, index_vectors, variable

LEVELS = 15
Array = NDArray[Any]
Make = Callable[[], Array]
Fields = dict[str, tuple[str, str, Make]]
"""Name to units, long name and how to get the values (``record [layer] cell`` or ``record slot cell``)."""


def write_columns(
    path: Path, fields: Fields, grid: Subgrid, *, first: int, monthly: bool, member: int
) -> None:
    """Write a gridded tape whose first record begins on 1 January of year ``first``.

    Raises OutputError where the file cannot be written.
    """
    records = len(next(iter(fields.values()))[2]())
    times, index = time_axis(records, first, monthly), column_axis(grid)
    shapes = {name: is_layered(name) for name in fields}
    variables = [*times.variables(), *[variable(n, d, dims, u, t) for n, (d, dims, _, u, t) in index.items()]]
    for name, (units, text, _) in fields.items():
        dims = ("time", "levdcmp", "lndgrid") if shapes[name] else ("time", "lndgrid")
        variables.append(with_means(variable(name, "f4", dims, units, text)))
    schema = FileSchema(
        dimensions={
            "lndgrid": grid.cells,
            "levgrnd": LEVELS,
            "levdcmp": LEVELS,
            "hist_interval": 2,
            "gridcell": grid.cells,
            "column": grid.cells,
            "pft": grid.cells * 17,
        },
        unlimited=("time", records),
        variables=tuple(variables),
        attributes=file_attributes("ELM History file information (model world)", member),
    )
    with DatasetWriter(path, schema, verify=False) as writer:
        times.put(writer)
        for name, (_, _, values, _, _) in index.items():
            writer.put(name, values)
        for name, (_, _, make) in fields.items():
            values = np.asarray(make(), np.float32)
            if shapes[name]:
                full = np.zeros((records, LEVELS, grid.cells), np.float32)
                full[:, : values.shape[1]] = values
                values = full
            writer.put(name, values)


def write_patches(path: Path, fields: Fields, grid: Subgrid, *, first: int, member: int) -> None:
    """Write a one-dimensional tape by patch, annual means.

    Raises OutputError where the file cannot be written.
    """
    records = len(next(iter(fields.values()))[2]())
    times, index = time_axis(records, first, monthly=False), index_vectors(grid, history=True)
    variables = [*times.variables(), *[variable(n, d, dims, u, t) for n, (d, dims, _, u, t) in index.items()]]
    variables += [
        with_means(variable(name, "f4", ("time", "pft"), units, text))
        for name, (units, text, _) in fields.items()
    ]
    schema = FileSchema(
        dimensions={
            "gridcell": grid.cells,
            "topounit": grid.cells,
            "landunit": grid.cells,
            "column": grid.cells,
            "pft": grid.cells * 17,
            "hist_interval": 2,
        },
        unlimited=("time", records),
        variables=tuple(variables),
        attributes=file_attributes("ELM History file information (model world)", member),
    )
    with DatasetWriter(path, schema, verify=False) as writer:
        times.put(writer)
        for name, (_, _, values, _, _) in index.items():
            writer.put(name, values)
        for name, (_, _, make) in fields.items():
            writer.put(name, grid.patches(np.asarray(make(), np.float32)))


def is_layered(name: str) -> bool:
    """Whether a field has layers; told by ELM's names."""
    return name.endswith(("_vr", "_TRANS", "_PROF")) or name in LAYERED or name.startswith("K_")


LAYERED = ("T_SCALAR", "W_SCALAR", "O_SCALAR", "TSOI", "H2OSOI", "SOM_DIFFUS_COEF", "SOM_ADV_COEF")


def with_means(schema: VariableSchema) -> VariableSchema:
    """A field that is a mean over time."""
    return VariableSchema(
        schema.name, schema.dtype, schema.dims, {**schema.attributes, "cell_methods": "time: mean"}
    )


class TimeAxis:
    """Time of the records, days since year 1, on a calendar without leap days."""

    def __init__(self, bounds: FloatArray) -> None:
        self.bounds = bounds

    def variables(self) -> list[VariableSchema]:
        """Their schema."""
        attributes = {
            "long_name": "time",
            "units": "days since 0001-01-01 00:00:00",
            "calendar": "noleap",
            "bounds": "time_bounds",
        }
        return [
            VariableSchema("time", "f4", ("time",), attributes),
            VariableSchema("mcdate", "i4", ("time",), {"long_name": "current date (YYYYMMDD)"}),
            VariableSchema(
                "time_bounds",
                "f8",
                ("time", "hist_interval"),
                {"long_name": "history time interval endpoints"},
            ),
        ]

    def put(self, writer: DatasetWriter) -> None:
        """Write them."""
        end = self.bounds[:, 1].astype(int)
        starts = np.concatenate([[0], np.cumsum(MONTH_LENGTHS)])
        month = np.searchsorted(starts, end % DAYS, side="right")
        date = (end // DAYS + 1) * 10000 + month * 100 + (end % DAYS - starts[month - 1]) + 1
        writer.put("time", self.bounds[:, 1].astype(np.float32))
        writer.put("mcdate", date.astype(np.int32))
        writer.put("time_bounds", self.bounds)


def time_axis(records: int, first: int, monthly: bool) -> TimeAxis:
    """The axis of so many records from 1 January of year ``first``."""
    lengths = np.tile(MONTH_LENGTHS, records // 12) if monthly else np.full(records, DAYS)
    edges = (first - 1) * DAYS + np.concatenate([[0], np.cumsum(lengths)]).astype(np.float64)
    return TimeAxis(np.stack([edges[:-1], edges[1:]], axis=1))


def column_axis(grid: Subgrid) -> dict[str, Any]:
    """Coordinates of a gridded tape: name to type, dims, values, units and long name."""
    levels = np.asarray(ground_grid().node)
    ones = np.ones(grid.cells)
    return {
        "levgrnd": ("f4", ("levgrnd",), levels, "m", "coordinate soil levels"),
        "levdcmp": ("f4", ("levdcmp",), levels, "m", "coordinate soil levels"),
        "lon": ("f8", ("lndgrid",), grid.longitude, "degrees_east", "coordinate longitude"),
        "lat": ("f8", ("lndgrid",), grid.climate.latitude, "degrees_north", "coordinate latitude"),
        "area": ("f8", ("lndgrid",), grid.climate.area, "km^2", "grid cell areas"),
        "landfrac": ("f8", ("lndgrid",), ones, "", "land fraction"),
        "landmask": ("i4", ("lndgrid",), ones.astype(int), "", "land/ocean mask (0.=ocean and 1.=land)"),
    }


def depth_sum(values: Array) -> Array:
    """``record layer cell`` to ``record cell``, per m2."""
    dz = THICKNESS[:LAYERS].astype(values.dtype)
    return np.asarray(sum(values[:, layer] * dz[layer] for layer in range(LAYERS)))


def per_second(values: Array) -> Array:
    """Per day to per second."""
    return np.asarray(values / np.float32(SECONDS))
