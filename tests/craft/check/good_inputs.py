"""A small sound set of inputs for the tests of the checks, and its files with one fault planted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kiloland.atmosphere.calendar import MONTH_STARTS, SECONDS_PER_DAY
from kiloland.atmosphere.derive import saturation_specific_humidity
from kiloland.atmosphere.orbit import orbital_parameters
from kiloland.craft.check.weather import standard_pressure, sun_above
from kiloland.craft.patterns import Places
from kiloland.craft.synthetic_surface import elevation, write_surface
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.grid import DaymetGrid, Domain, build_domain, write_domain

GRID = DaymetGrid()
IDS = (np.arange(1301, 1303)[:, None] * 7814 + np.arange(1701, 1704)).ravel()
YEAR, INTERVAL = 2001, 10800
UNITS = {
    "TBOT": "K", "QBOT": "kg/kg", "PSRF": "Pa", "FLDS": "W/m2", "WIND": "m/s", "FSDS": "W/m2",
    "PRECTmms": "mm/s",
}  # fmt: skip
STAMPS = dict.fromkeys(UNITS, INTERVAL // 2) | {"FSDS": 0, "PRECTmms": 4500}


def make_inputs(folder: Path) -> Path:
    """``domain.nc``, ``surface.nc`` and a year of ``forcing/`` for six Daymet cells."""
    domain = build_domain(GRID, IDS)
    write_domain(folder / "domain.nc", domain)
    write_surface(folder / "surface.nc", domain, seed=1)
    (folder / "forcing").mkdir()
    for month in range(1, 13):
        for name in UNITS:
            write_month(folder / "forcing", domain, name, month)
    return folder


def weather(name: str, domain: Domain, starts: np.ndarray) -> np.ndarray:
    """Made-up weather ``[time, cell]`` of intervals that begin at ``starts`` [s]."""
    heights = elevation(Places.of_domain(domain), 1)
    hour, cell = starts[:, None] / 3600.0, np.arange(domain.number_of_cells)[None]
    wave = np.sin(0.013 * hour + 0.1 * cell) + 0.2 * np.sin(1.7 * hour + cell)
    temperature = 270.0 + 8.0 * wave
    pressure = standard_pressure(heights)[None] + 500.0 * np.cos(0.02 * hour + cell)
    sun = sun_above(starts, INTERVAL, domain.longitude, domain.latitude, orbital_parameters(1990))
    values = {
        "TBOT": temperature,
        "QBOT": 0.7 * saturation_specific_humidity(temperature, pressure),
        "PSRF": pressure,
        "FLDS": 220.0 + 30.0 * wave,
        "WIND": 3.0 + wave,
        "FSDS": 0.5 * sun,
        "PRECTmms": np.maximum(wave, 0.0) * 1e-4,
    }
    return values[name]


def write_month(folder: Path, domain: Domain, name: str, month: int) -> None:
    """One stream file."""
    days = int(MONTH_STARTS[month] - MONTH_STARTS[month - 1])
    first = ((YEAR - 1) * 365 + int(MONTH_STARTS[month - 1])) * SECONDS_PER_DAY
    offsets = INTERVAL * np.arange(days * 8, dtype=np.int64)
    values = weather(name, domain, first + offsets)
    arrays = {
        "time": (offsets + STAMPS[name]) / SECONDS_PER_DAY,
        "gridID": domain.gridcell_id.astype(np.int32)[None],
        "LONGXY": domain.longitude[None],
        "LATIXY": domain.latitude[None],
        name: values.astype(np.float32)[:, None],
    }
    cells = ("nj", "ni")
    time = {"units": f"days since {YEAR:04d}-{month:02d}-01 00:00:00", "calendar": "noleap"}
    schema = FileSchema(
        {"nj": 1, "ni": domain.number_of_cells},
        ("time", offsets.size),
        (
            VariableSchema("time", "f8", ("time",), time),
            VariableSchema("gridID", "i4", cells),
            VariableSchema("LONGXY", "f8", cells, {"units": "degrees_east"}),
            VariableSchema("LATIXY", "f8", cells, {"units": "degrees_north"}),
            VariableSchema(name, "f4", ("time", *cells), {"units": UNITS[name]}),
        ),
    )
    write_dataset(folder / f"clmforc.Daymet4.1km.1d.{name}.{YEAR:04d}-{month:02d}.nc", schema, arrays)


def stream_file(folder: Path, name: str, month: int) -> Path:
    """The stream file of a month."""
    return folder / "forcing" / f"clmforc.Daymet4.1km.1d.{name}.{YEAR:04d}-{month:02d}.nc"


def planted(
    path: Path,
    *,
    values: dict[str, Callable[[np.ndarray], np.ndarray]] | None = None,
    attributes: dict[tuple[str, str], Any] | None = None,
    drop: tuple[str, ...] = (),
    rename: dict[str, str] | None = None,
    order: dict[str, tuple[str, ...]] | None = None,
) -> Path:
    """Write a file again with changes: new values (and types), attributes (None removes), variables left
    out, dimensions renamed, dimensions of a variable in another order."""
    values, attributes, rename, order = values or {}, attributes or {}, rename or {}, order or {}
    with open_dataset(path) as dataset:
        arrays, schemas = {}, []
        for name in dataset:
            if name in drop:
                continue
            variable = dataset[name]
            array, dims = variable.read(), variable.dims
            if name in order:
                array = np.ascontiguousarray(array.transpose([dims.index(dim) for dim in order[name]]))
                dims = order[name]
            array = np.asarray(values[name](array)) if name in values else array
            own = {key: value for key, value in variable.attributes.items() if "checksum" not in key}
            own |= {key: value for (of, key), value in attributes.items() if of == name and value is not None}
            for (of, key), value in attributes.items():
                if of == name and value is None:
                    own.pop(key, None)
            dims = tuple(rename.get(dim, dim) for dim in dims)
            schemas.append(VariableSchema(name, array.dtype, dims, own))
            arrays[name] = array.copy(order="C")
        sizes = {}
        for schema in schemas:
            sizes |= dict(zip(schema.dims, arrays[schema.name].shape, strict=True))
        kept = {key: value for key, value in dataset.attributes.items() if "checksum" not in key}
    write_dataset(path, FileSchema(sizes, None, tuple(schemas), kept), arrays)
    return path
