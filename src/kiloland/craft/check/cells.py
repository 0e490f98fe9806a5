"""The cells of a file as it says them, whatever is wrong with them, and findings over cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.findings import Severity
from kiloland.craft.check.findings import Finding, Place, finding
from kiloland.files import Dataset, Variable

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

COORDINATE_TOLERANCE = 0.001
"""Degrees by which ELM lets coordinates of two files differ."""
LONGITUDES = ("xc", "LONGXY", "lon", "longitude", "xCell")
LATITUDES = ("yc", "LATIXY", "lat", "latitude", "yCell")


@dataclass(frozen=True, eq=False)
class CellTable:
    """Cells of one file in its order, flat; None where the file does not say."""

    file: str
    shape: tuple[int, int]
    ids: IntArray | None
    longitude: FloatArray | None
    latitude: FloatArray | None
    land: BoolArray
    area: FloatArray | None = None
    """As in the file."""
    copies_of: IntArray | None = None
    """Ids before the cells were duplicated."""

    @property
    def count(self) -> int:
        """Number of cells."""
        return self.shape[0] * self.shape[1]

    @cached_property
    def grid_ids(self) -> IntArray | None:
        """Ids as numbers of cells of a grid: those before duplication."""
        return self.ids if self.copies_of is None else self.copies_of

    def take(self, cells: IntArray) -> CellTable:
        """Some of the cells as a list."""
        parts = {
            name: None if (values := getattr(self, name)) is None else values[cells]
            for name in ("ids", "longitude", "latitude", "area", "copies_of")
        }
        return CellTable(self.file, (1, cells.size), land=self.land[cells], **parts)

    def place(self, cell: int, time: str | None = None) -> Place:
        """The place of one cell."""
        return Place(
            cell,
            None if self.ids is None else int(self.ids[cell]),
            None if self.longitude is None else float(self.longitude[cell]),
            None if self.latitude is None else float(self.latitude[cell]),
            time,
        )


def over_cells(
    check: str,
    cells: CellTable,
    variable: str,
    problem: str,
    bad: BoolArray,
    values: NDArray[np.generic],
    expected: object,
    *,
    file: str | None = None,
    worst: int | None = None,
    severity: Severity | None = None,
) -> Iterator[Finding]:
    """One finding for the ``bad`` cells, at the ``worst`` or the first of them; none where all are good."""
    if not bad.any():
        return
    cell = int(np.argmax(bad)) if worst is None else worst
    value = values[cell]
    text = f"{value:.7g}" if isinstance(value, np.floating) else str(value)
    yield finding(
        check,
        file or cells.file,
        variable,
        problem,
        text,
        expected,
        place=cells.place(cell),
        cells=int(np.count_nonzero(bad)),
        severity=severity,
    )


def flat(variable: Variable) -> FloatArray:
    """All values, flat, in double precision, missing ones as NaN."""
    if variable.dtype.kind != "f" and "scale_factor" not in variable.attributes:
        stored = variable.read().reshape(-1)
        return np.where(variable.missing(stored), np.nan, stored.astype(np.float64))
    return np.asarray(variable.values(), dtype=np.float64).reshape(-1)


def first_of(dataset: Dataset, names: tuple[str, ...]) -> Variable | None:
    """The first of these variables that the file has."""
    return next((dataset[name] for name in names if name in dataset), None)


def ids_of(dataset: Dataset) -> IntArray | None:
    """Gridcell ids, flat."""
    for name in ("gridID", "gridcell_id"):
        if name in dataset and dataset[name].dtype.kind in "iuf":
            return np.rint(np.nan_to_num(flat(dataset[name]), nan=-1.0)).astype(np.int64)
    return None


def turned(difference: FloatArray) -> FloatArray:
    """Difference of longitudes without whole turns, -180 to 180."""
    return np.asarray((difference + 180.0) % 360.0 - 180.0)


def coordinate_distance(a: CellTable, b: CellTable) -> FloatArray | None:
    """Larger difference of longitude (modulo 360) and latitude [degrees]; None without coordinates."""
    if a.longitude is None or a.latitude is None or b.longitude is None or b.latitude is None:
        return None
    return np.asarray(np.maximum(np.abs(turned(a.longitude - b.longitude)), np.abs(a.latitude - b.latitude)))


def compare_cells(check: str, cells: CellTable, other: CellTable) -> Iterator[Finding]:
    """Number, ids, their order and coordinates of ``cells`` against those of another file."""
    if cells.count != other.count:
        yield finding(
            check,
            cells.file,
            "gridID",
            "another number of cells",
            cells.count,
            f"{other.count} as {other.file}",
        )
        return
    if cells.ids is not None and other.ids is not None:
        bad = cells.ids != other.ids
        scrambled = bool(bad.any()) and bool(np.array_equal(np.sort(cells.ids), np.sort(other.ids)))
        problem = "the same cells in another order" if scrambled else "other cells"
        wanted = f"{int(other.ids[np.argmax(bad)])} as {other.file}"
        yield from over_cells(check, cells, "gridID", problem, bad, cells.ids, wanted)
        if bad.any():
            return
    apart = coordinate_distance(cells, other)
    if apart is None:
        return
    bad = ~(apart <= COORDINATE_TOLERANCE)
    if bad.any():
        worst = int(np.argmax(np.where(np.isfinite(apart), apart, np.inf)))
        assert other.longitude is not None
        assert other.latitude is not None
        yield finding(
            check,
            cells.file,
            "longitude, latitude",
            "coordinates differ from those of the other file",
            f"{apart[worst]:.6g} degrees apart",
            f"{other.longitude[worst]:.5f}, {other.latitude[worst]:.5f} "
            f"within {COORDINATE_TOLERANCE} degrees, as {other.file}",
            place=cells.place(worst),
            cells=int(bad.sum()),
        )


def check_ids(check: str, cells: CellTable) -> Iterator[Finding]:
    """Ids that repeat, or do not ascend."""
    ids = cells.ids
    if ids is None or ids.size < 2:
        return
    order = np.argsort(ids, kind="stable")
    repeated = np.zeros(ids.size, dtype=bool)
    repeated[order[1:]] = ids[order[1:]] == ids[order[:-1]]
    yield from over_cells(
        check, cells, "gridID", "the same gridcell id twice", repeated, ids, "different ids"
    )
    back = np.concatenate(([False], np.diff(ids) < 0))
    yield from over_cells(
        check, cells, "gridID", "ids do not ascend", back, ids, "ascending ids", severity=Severity.WARNING
    )
