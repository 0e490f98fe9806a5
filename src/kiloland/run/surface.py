"""The surface file for a rank's cells: vegetation, soil, terrain, monthly leaf area."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.files.dataset import Dataset

PLANT_TYPES = 17
SOIL_LEVELS = 10
COORDINATE_TOLERANCE = 0.001
"""Degrees by which the coordinates of surface and domain file may differ, as ELM allows."""
LEAST_SLOPE = 0.2
"""Degrees; ELM takes no cell as flatter."""
RUNOFF_DECAY = 0.5
DRAINAGE_DECAY = 2.5
_LANDUNITS = ("PCT_NATVEG", "PCT_CROP", "PCT_LAKE", "PCT_WETLAND", "PCT_GLACIER", "PCT_URBAN")


@dataclass(frozen=True)
class Surface:
    """Surface data of a rank's cells; the last axis is the cell.

    ``vegetated``: share of the cell that is natural vegetation or bare soil; ``plant_share``: share of
    each plant type in it; ``sand``, ``clay`` in percent, ``organic`` in kg m-3, ten soil layers;
    ``colour``: soil colour class, 1-based; ``leaf_area`` and the like by month and plant type, or None.
    """

    path: Path
    vegetated: np.ndarray
    lake: np.ndarray
    wetland: np.ndarray
    glacier: np.ndarray
    urban: np.ndarray
    """``[density, cell]``; like the three before it a share of the cell."""
    plant_share: np.ndarray
    sand: np.ndarray
    clay: np.ndarray
    organic: np.ndarray
    colour: np.ndarray
    leaf_area: np.ndarray | None
    stem_area: np.ndarray | None
    canopy_top: np.ndarray | None
    canopy_bottom: np.ndarray | None
    saturated_fraction: np.ndarray
    """Largest share of the cell that can be saturated (``FMAX``)."""
    slope: np.ndarray
    """Degrees, at least 0.2 (``SLOPE``)."""
    elevation_deviation: np.ndarray
    """Standard deviation of the surface height in the cell, m (``STD_ELEV``)."""
    runoff_decay: np.ndarray
    """Decay of the saturated share with depth, m-1 (``fover``, 0.5 where the file has none)."""
    drainage_decay: np.ndarray
    """Decay of base drainage with depth, m-1 (``fdrain``, 2.5 where the file has none)."""


def read_surface(
    path: str | Path,
    positions: np.ndarray,
    longitude: np.ndarray,
    latitude: np.ndarray,
    domain_cells: int | None = None,
) -> Surface:
    """Read and check the surface data of some cells.

    Args:
        path: ELM surface file in one dimension (gridcell) or two (lsmlat, lsmlon; row-major cells).
        positions: of the wanted cells in the file, 0-based.
        longitude, latitude: of these cells in the domain, degrees; they must agree within 0.001 degrees.
        domain_cells: number of cells in the domain file, if the surface file must have as many.

    Raises:
        InputError: missing variable, other cells than the domain, sums or ranges that ELM would refuse.
    """
    with open_dataset(path) as dataset:
        reader = CellReader(dataset, positions)
        if domain_cells is not None and reader.total != domain_cells:
            raise InputError(
                "surface and domain differ in the number of cells",
                file=dataset.path,
                found=reader.total,
                expected=domain_cells,
            )
        _check_coordinates(reader, longitude, latitude)
        _check_landunits(reader)
        surface = Surface(
            path=dataset.path,
            vegetated=reader.read("PCT_NATVEG") / 100.0,
            lake=reader.read("PCT_LAKE") / 100.0,
            wetland=reader.read("PCT_WETLAND") / 100.0,
            glacier=reader.read("PCT_GLACIER") / 100.0,
            urban=reader.read("PCT_URBAN").reshape(-1, len(positions)) / 100.0,
            plant_share=reader.read("PCT_NAT_PFT") / 100.0,
            sand=reader.bounded("PCT_SAND", 0.0, 100.0),
            clay=reader.bounded("PCT_CLAY", 0.0, 100.0),
            organic=reader.bounded("ORGANIC", 0.0, 1000.0),
            colour=reader.bounded("SOIL_COLOR", 1, 20).astype(np.int32),
            leaf_area=reader.optional("MONTHLY_LAI"),
            stem_area=reader.optional("MONTHLY_SAI"),
            canopy_top=reader.optional("MONTHLY_HEIGHT_TOP"),
            canopy_bottom=reader.optional("MONTHLY_HEIGHT_BOT"),
            saturated_fraction=reader.bounded("FMAX", 0.0, 1.0),
            slope=np.maximum(reader.bounded("SLOPE", 0.0, 90.0), LEAST_SLOPE),
            elevation_deviation=reader.bounded("STD_ELEV", 0.0, 1.0e4),
            runoff_decay=reader.otherwise("fover", RUNOFF_DECAY),
            drainage_decay=reader.otherwise("fdrain", DRAINAGE_DECAY),
        )
        total = surface.plant_share.sum(axis=0)
        reader.refuse(
            np.abs(total - 1.0) > 1e-12, "PCT_NAT_PFT", "does not sum to 100 percent", total * 100.0, "100"
        )
        return surface


class CellReader:
    """Reads variables for some cells, whatever the number of cell dimensions in the file."""

    def __init__(self, dataset: Dataset, positions: np.ndarray) -> None:
        self.dataset = dataset
        self.positions = positions
        self.cell_dims = ("gridcell",) if "gridcell" in dataset.dimensions else ("lsmlat", "lsmlon")
        for dim in self.cell_dims:
            if dim not in dataset.dimensions:
                raise InputError(
                    "no cell dimension",
                    file=dataset.path,
                    found=list(dataset.dimensions),
                    expected="gridcell or lsmlat, lsmlon",
                )
        self.total = int(np.prod([dataset.dimensions[dim] for dim in self.cell_dims]))
        if len(positions) and positions.max() >= self.total:
            raise InputError(
                "fewer cells than the domain",
                file=dataset.path,
                found=self.total,
                expected=f"at least {int(positions.max()) + 1}",
            )

    def read(self, name: str) -> np.ndarray:
        """Values ``[..., cell]`` of the wanted cells; NaN is refused."""
        variable = self.dataset[name]
        cell_axes = len(self.cell_dims)
        if variable.dims[-cell_axes:] != self.cell_dims:
            raise InputError(
                "cells are not the last dimensions",
                file=self.dataset.path,
                variable=name,
                found=variable.dims,
                expected=self.cell_dims,
            )
        lead = variable.shape[:-cell_axes]
        raw = variable.raw()
        whole = variable.read() if raw is None else raw
        # A memory map is indexed before it is read, so that a rank reads its own cells only.
        values = np.asarray(whole.reshape(*lead, self.total)[..., self.positions], dtype=np.float64)
        for key in ("_FillValue", "missing_value"):
            if key in variable.attributes:
                values = np.where(values == np.float64(variable.attributes[key]), np.nan, values)
        bad = ~np.isfinite(values)
        if bad.any():
            self.refuse(
                np.asarray(bad.reshape(-1, values.shape[-1]).any(axis=0)),
                name,
                "is missing or not a number",
                None,
                "a number",
            )
        return np.asarray(values)

    def optional(self, name: str) -> np.ndarray | None:
        """As :meth:`read`, None where the file has no such variable."""
        return self.read(name) if name in self.dataset else None

    def otherwise(self, name: str, value: float) -> np.ndarray:
        """As :meth:`read`, one value for all cells where the file has no such variable."""
        found = self.optional(name)
        return np.full(len(self.positions), value) if found is None else found

    def bounded(self, name: str, low: float, high: float) -> np.ndarray:
        """As :meth:`read`, refusing values outside a range."""
        values = self.read(name)
        flat = values.reshape(-1, values.shape[-1])
        outside = (flat < low) | (flat > high)
        if outside.any():
            layer, cell = np.argwhere(outside)[0]
            raise InputError(
                "out of range",
                file=self.dataset.path,
                variable=name,
                where=f"cell {int(self.positions[cell])}, layer {int(layer)}",
                found=float(flat[layer, cell]),
                expected=f"{low} to {high}",
            )
        return values

    def refuse(
        self, bad: np.ndarray, name: str, problem: str, found: np.ndarray | None, expected: str
    ) -> None:
        """Raise for the first bad cell, if there is one."""
        cells = np.flatnonzero(bad)
        if len(cells):
            raise InputError(
                f"{problem} in {len(cells)} cells",
                file=self.dataset.path,
                variable=name,
                where=f"cell {int(self.positions[cells[0]])}",
                found=None if found is None else repr(float(found[cells[0]])),
                expected=expected,
            )


def _check_coordinates(reader: CellReader, longitude: np.ndarray, latitude: np.ndarray) -> None:
    east = (reader.read("LONGXY") - longitude + 180.0) % 360.0 - 180.0
    north = reader.read("LATIXY") - latitude
    for name, off, expected in (("LONGXY", east, longitude), ("LATIXY", north, latitude)):
        bad = np.abs(off) > COORDINATE_TOLERANCE
        if bad.any():
            cell = int(np.flatnonzero(bad)[0])
            reader.refuse(
                bad,
                name,
                "differs from the domain",
                off + expected,
                f"{expected[cell]:.6f} within 0.001 degrees",
            )


def _check_landunits(reader: CellReader) -> None:
    total = np.zeros(len(reader.positions))
    for name in _LANDUNITS:
        values = reader.optional(name) if name == "PCT_CROP" else reader.read(name)
        if values is not None:
            total += values.reshape(-1, values.shape[-1]).sum(axis=0)
    bad = np.abs(total - 100.0) > 1e-4
    reader.refuse(bad, "+".join(_LANDUNITS), "do not sum to 100 percent", total, "100 within 1e-4")


def surface_positions(path: str | Path, column_index: np.ndarray, row_index: np.ndarray) -> np.ndarray:
    """Positions in the surface file of cells given by ELM's 1-based two-dimensional indices."""
    with open_dataset(path) as dataset:
        width = dataset.dimensions.get("lsmlon", dataset.dimensions.get("gridcell", 0))
    return np.asarray((row_index.astype(np.int64) - 1) * width + column_index.astype(np.int64) - 1)
