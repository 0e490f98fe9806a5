"""A made-up global surface file with all variables of the table, and small domains to map it to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kiloland.craft.surface import Kind, SurfaceVariable, surface_table
from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.grid import Domain, build_domain, build_rectangle, grid_from_text, write_domain

LENGTHS = {
    "natpft": 17, "lsmpft": 17, "cft": 2, "nlevsoi": 10, "numurbl": 3, "numrad": 2, "nlevurb": 5, "time": 12,
    "nglcec": 3, "nglcecp1": 4, "topounit": 2, "ndir": 4, "nlevslp": 11,
}  # fmt: skip
Change = Callable[[str, np.ndarray], np.ndarray | None]


@dataclass(frozen=True)
class Layout:
    """How the source lies on file."""

    rows: int = 36
    columns: int = 72
    southward: bool = False
    west: float = 0.0


def write_source(path: Path, layout: Layout | None = None, change: Change | None = None) -> Path:
    """A global surface file; ``change(name, values)`` may alter a variable ``[..., lat, lon]`` or drop it."""
    layout = layout or Layout()
    latitude = -90.0 + (np.arange(layout.rows) + 0.5) * 180.0 / layout.rows
    longitude = (np.arange(layout.columns) + 0.5) * 360.0 / layout.columns
    arrays = {}
    for variable in surface_table().values():
        values = _values(variable, longitude, latitude)
        values = values if change is None else change(variable.name, values)
        if values is not None:
            arrays[variable.name] = _laid_out(values, layout) if variable.has_cells else values
    turned = np.roll(longitude, -_turn(longitude, layout))
    turned = np.where(turned >= layout.west + 360.0, turned - 360.0, turned)
    arrays["LONGXY"] = np.broadcast_to(turned, (layout.rows, layout.columns)).copy()
    arrays["LATIXY"] = _laid_out(np.repeat(latitude[:, None], layout.columns, 1), layout)
    sizes = {"lsmlat": layout.rows, "lsmlon": layout.columns, **LENGTHS}
    table = surface_table()
    schema = FileSchema(
        sizes,
        None,
        tuple(VariableSchema(name, table[name].dtype, _dims(table[name])) for name in arrays),
        {"title": "Synthetic surface data"},
    )
    write_dataset(path, schema, arrays)
    return path


def _turn(longitude: np.ndarray, layout: Layout) -> int:
    """Columns from Greenwich to the first column on file."""
    return int(np.argmin(np.mod(longitude - layout.west, 360.0)))


def _laid_out(values: np.ndarray, layout: Layout) -> np.ndarray:
    longitude = (np.arange(layout.columns) + 0.5) * 360.0 / layout.columns
    values = np.roll(values, -_turn(longitude, layout), axis=-1)
    return np.ascontiguousarray(values[..., ::-1, :] if layout.southward else values)


def _dims(variable: SurfaceVariable) -> tuple[str, ...]:
    return (*variable.dims[:-1], "lsmlat", "lsmlon") if variable.has_cells else variable.dims


def _wave(name: str, lead: tuple[int, ...], longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Numbers from 0 to 1 that vary with place and layer."""
    phase = sum(map(ord, name)) % 97 + np.arange(int(np.prod(lead, dtype=int))).reshape(*lead, 1, 1)
    east, north = np.deg2rad(longitude), np.deg2rad(latitude)[:, None]
    return 0.5 + 0.5 * np.sin(phase + 2.0 * east) * np.cos(3.0 * north + 0.7 * phase)


def _values(variable: SurfaceVariable, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    if not variable.has_cells:
        counts = {"mxsoil_color": 20, "mxsoil_order": 15}
        lead = tuple(LENGTHS[dim] for dim in variable.dims)
        values = np.arange(1, 1 + int(np.prod(lead, dtype=int))).reshape(lead)
        return np.asarray(counts.get(variable.name, values), variable.dtype)
    lead = tuple(LENGTHS[dim] for dim in variable.dims[:-1])
    wave = _wave(variable.name, lead, longitude, latitude)
    low = 0.0 if variable.low is None else variable.low
    high = low + 10.0 if variable.high is None else variable.high
    values = low + (high - low) * wave
    match variable.kind:
        case Kind.MADE:
            values = np.ones_like(values)
        case Kind.CLASS:
            values = np.rint(values)
        case Kind.SHARE:
            values = np.round(100.0 * (wave + 0.01) / (wave + 0.01).sum(axis=0), 3)
            values[0] += 100.0 - values.sum(axis=0)
        case Kind.LANDUNIT:
            values = _landunit(variable.name, wave)
        case Kind.URBAN:
            values = np.where(_town(longitude, latitude), values, 0.0)
    if variable.name == "SOIL_ORDER":
        values = np.minimum(values, 15.0)
    if variable.name == "URBAN_REGION_ID":
        values = np.where(_town(longitude, latitude), 7, 0)
    return values.astype(variable.dtype)


def _town(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Cells with a town: a coarse pattern."""
    return (longitude.astype(int) // 5 % 3 == 0) & (latitude.astype(int)[:, None] // 5 % 2 == 0)


def _landunit(name: str, wave: np.ndarray) -> np.ndarray:
    """Natural vegetation 60, crop 10, wetland 5, lake 15, glacier 4, towns 6 percent: simple and exact."""
    percent = {"PCT_NATVEG": 60.0, "PCT_CROP": 10.0, "PCT_WETLAND": 5.0, "PCT_LAKE": 15.0, "PCT_GLACIER": 4.0}
    return np.full_like(wave, percent.get(name, 2.0))


def regular_domain(
    path: Path, text: str = "regular:200,206,24,60,66,24", *, rectangle: bool = False
) -> Domain:
    """A domain of all cells of a regular grid, written to ``path``."""
    grid = grid_from_text(text)
    ids = np.arange(grid.number_of_cells)
    domain = build_rectangle(grid, ids) if rectangle else build_domain(grid, ids)
    write_domain(path, domain)
    return domain
