"""History files in ELM's format: one whole file at a time, written by all ranks together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kiloland.files import DatasetWriter, FileSchema, VariableSchema
from kiloland.grid import Domain
from kiloland.grid.base import KM2_PER_RADIAN2
from kiloland.land.vertical import GROUND_LAYERS, SOIL_LAYERS, ground_grid
from kiloland.run.case import Precision
from kiloland.run.clock import DAY, date_label, date_of_seconds
from kiloland.run.distribute import Members, MemberWriter
from kiloland.run.layout import Layout
from kiloland.run.restart import Restart
from kiloland.run.tape import Record, Tape
from kiloland.variables import FILL_VALUE, INTEGER_FILL_VALUE, HistoryVariable

_LEVELS = {
    "levgrnd": GROUND_LAYERS,
    "levsoi": SOIL_LAYERS,
    "levdcmp": GROUND_LAYERS,
    "levlak": 10,
    "levsno": 5,
    "numrad": 2,
    "hist_interval": 2,
    "string_date_len": 8,
}
_SUBGRID = ("gridcell", "topounit", "landunit", "column", "pft")
_FLOAT_FILL = {"_FillValue": FILL_VALUE, "missing_value": FILL_VALUE}
_INTEGER_FILL = {"_FillValue": INTEGER_FILL_VALUE, "missing_value": INTEGER_FILL_VALUE}

# index vectors of subgrid tapes: (name on the tape, name on the restart)
_COMMON_VECTORS = {
    "lon": "lon",
    "lat": "lat",
    "ixy": "ixy",
    "jxy": "jxy",
    "wtgcell": "wtxy",
    "wtlunit": "wtlnd",
}
_COMMON_VECTORS |= {"itype_lunit": "ityplun", "active": "active"}
_VECTORS = {"column": _COMMON_VECTORS, "pft": _COMMON_VECTORS | {"wtcol": "wtcol", "itype_veg": "itypveg"}}
_PREFIX = {"column": "cols1d", "pft": "pfts1d"}


@dataclass(frozen=True)
class HistoryContext:
    """What every history file of a run shares."""

    case_name: str
    origin: int
    """Start of the run in seconds: time counts from here."""
    timestep: int
    domain: Domain
    restart: Restart
    layout: Layout
    members: Members
    attributes: dict[str, Any]


def history_path(folder: Path, case_name: str, tape: Tape) -> Path:
    """Name of the file that the waiting records of a tape belong to."""
    begin = tape.pending[0].begin
    if tape.table.every == "1 month" and tape.table.records_per_file == 1:
        return folder / f"{case_name}.elm.{tape.stream}.{date_label(begin)[:-9]}.nc"
    return folder / f"{case_name}.elm.{tape.stream}.{date_label(begin)}.nc"


def write_history(folder: Path, tape: Tape, context: HistoryContext) -> Path:
    """Write the waiting records of a tape as one file.

    Returns:
        The path of the file.

    Raises:
        OutputError: the file cannot be written; an earlier one of that name is untouched.
    """
    path = history_path(folder, context.case_name, tape)
    schema = _schema(tape, context)
    communicator = context.members.ranks.communicator
    with (
        DatasetWriter(path, schema, communicator) as writer,
        MemberWriter(writer, context.members) as members,
    ):
        _write_coordinates(members, tape, context)
        for number, record in enumerate(tape.pending):
            _write_time(members, number, record, context)
            _write_fields(members, number, record, tape, context)
    return path


def _is_vector(tape: Tape, variable: HistoryVariable) -> bool:
    return tape.table.subgrid and variable.level in ("column", "pft")


def _schema(tape: Tape, context: HistoryContext) -> FileSchema:
    dtype = np.dtype(np.float32 if tape.table.precision is Precision.SINGLE else np.float64)
    fill = {key: dtype.type(value) for key, value in _FLOAT_FILL.items()}
    variables = [*_coordinate_schema(tape)]
    for variable in tape.variables:
        last = variable.level if _is_vector(tape, variable) else "lndgrid"
        variables.append(
            VariableSchema(
                variable.name, dtype, ("time", *variable.dims, last), {**variable.attributes(), **fill}
            )
        )
    totals = context.members.totals
    dimensions = {"lndgrid": totals["gridcell"]} | {level: totals[level] for level in _SUBGRID} | _LEVELS
    attributes = {
        "title": "ELM History file information",
        "Conventions": "CF-1.11",
        **context.attributes,
        "case": context.case_name,
    }
    return FileSchema(dimensions, ("time", len(tape.pending)), tuple(variables), attributes)


def _coordinate_schema(tape: Tape) -> list[VariableSchema]:
    real, whole = np.dtype(np.float64), np.dtype(np.int32)
    depth = {"units": "m", "positive": "down"}
    variables = [
        VariableSchema("levgrnd", real, ("levgrnd",), {"long_name": "coordinate soil levels", **depth}),
        VariableSchema(
            "levsoi",
            real,
            ("levsoi",),
            {"long_name": "coordinate soil levels (equivalent to top nlevsoi levels of levgrnd)", **depth},
        ),
        VariableSchema(
            "time",
            real,
            ("time",),
            {
                "long_name": "time",
                "standard_name": "time",
                "units": "days since 0001-01-01 00:00:00",
                "calendar": "noleap",
                "bounds": "time_bounds",
            },
        ),
        VariableSchema("mcdate", whole, ("time",), {"long_name": "current date (YYYYMMDD)"}),
        VariableSchema(
            "mcsec", whole, ("time",), {"long_name": "current seconds of current date", "units": "s"}
        ),
        VariableSchema("mdcur", whole, ("time",), {"long_name": "current day (from base day)"}),
        VariableSchema("mscur", whole, ("time",), {"long_name": "current seconds of current day"}),
        VariableSchema("nstep", whole, ("time",), {"long_name": "time step"}),
        VariableSchema(
            "time_bounds", real, ("time", "hist_interval"), {"long_name": "history time interval endpoints"}
        ),
        VariableSchema("date_written", np.dtype("S1"), ("time", "string_date_len")),
        VariableSchema("time_written", np.dtype("S1"), ("time", "string_date_len")),
        _grid("lon", real, "coordinate longitude", "degrees_east"),
        _grid("lat", real, "coordinate latitude", "degrees_north"),
        _grid("area", real, "grid cell areas", "km^2"),
        _grid("landfrac", real, "land fraction", "1"),
        _grid("landmask", whole, "land/ocean mask (0.=ocean and 1.=land)", "1"),
        _grid("gridID", np.dtype(np.int64), "gridcell id of the grid of the domain", "1"),
    ]
    if tape.table.subgrid:
        for level, vectors in _VECTORS.items():
            for name, source in vectors.items():
                dtype = real if source in ("lon", "lat") or source.startswith("wt") else whole
                fill = _FLOAT_FILL if dtype == real else _INTEGER_FILL
                variables.append(VariableSchema(f"{_PREFIX[level]}_{name}", dtype, (level,), dict(fill)))
    return variables


def _grid(name: str, dtype: np.dtype[Any], long_name: str, units: str) -> VariableSchema:
    fill = _FLOAT_FILL if dtype.kind == "f" else _INTEGER_FILL
    standard = {"lon": "longitude", "lat": "latitude", "landfrac": "land_area_fraction"}.get(name)
    words = {"long_name": long_name, "units": units} | ({"standard_name": standard} if standard else {})
    return VariableSchema(name, dtype, ("lndgrid",), words | fill)


def _write_coordinates(members: MemberWriter, tape: Tape, context: HistoryContext) -> None:
    node, domain = ground_grid().node, context.domain
    members.put_whole("levgrnd", node)
    members.put_whole("levsoi", node[:SOIL_LAYERS])
    for name, values in (
        ("lon", domain.longitude),
        ("lat", domain.latitude),
        ("area", domain.area * KM2_PER_RADIAN2),
        ("landfrac", domain.fraction),
        ("landmask", domain.mask.astype(np.int32)),
        ("gridID", domain.gridcell_id),
    ):
        members.put_leading(name, "gridcell", np.asarray(values))
    if tape.table.subgrid:
        for level, vectors in _VECTORS.items():
            for name, source in vectors.items():
                values = context.restart.values[f"{_PREFIX[level]}_{source}"]
                members.put_leading(f"{_PREFIX[level]}_{name}", level, values)


def _write_time(members: MemberWriter, number: int, record: Record, context: HistoryContext) -> None:
    ymd, second = date_of_seconds(record.end)
    days, rest = divmod(record.end, DAY)
    label = f"{ymd // 100 % 100:02d}/{ymd % 100:02d}/{ymd // 10_000 % 100:02d}"
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    lead = (number,)
    members.put_whole("time", record.end / DAY, lead)
    members.put_whole("mcdate", np.int32(ymd), lead)
    members.put_whole("mcsec", np.int32(second), lead)
    members.put_whole("mdcur", np.int32(days), lead)
    members.put_whole("mscur", np.int32(rest), lead)
    members.put_whole("nstep", np.int32((record.end - context.origin) // context.timestep), lead)
    members.put_whole("time_bounds", np.array([record.begin / DAY, record.end / DAY]), lead)
    members.put_whole("date_written", np.frombuffer(label.encode(), "S1"), lead)
    members.put_whole("time_written", np.frombuffer(clock.encode(), "S1"), lead)


def _write_fields(
    members: MemberWriter, number: int, record: Record, tape: Tape, context: HistoryContext
) -> None:
    dtype = np.dtype(np.float32 if tape.table.precision is Precision.SINGLE else np.float64)
    for variable, values in zip(tape.variables, record.values, strict=True):
        level = variable.level if _is_vector(tape, variable) else "gridcell"
        whole = values if level == "gridcell" else expand_members(values, level, context)
        filled = np.where(np.isfinite(whole), whole, FILL_VALUE).astype(dtype)
        members.put_trailing(variable.name, level, filled, (number,))


def expand_members(values: np.ndarray, level: str, context: HistoryContext) -> np.ndarray:
    """Lay values of all columns or patches of a layout into the rank's full vector; NaN elsewhere."""
    full = np.full((*values.shape[:-1], len(context.members.rows[level])), np.nan)
    full[..., context.layout.rows(level)] = values
    return full
