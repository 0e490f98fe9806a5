"""Keys of columns and patches with plants, on every file that ELM reads or writes.

A column is known by (gridcell, landunit, type of column), a patch by its column and its plant type. Where it
stands in a file's vectors is found from these keys, never assumed: two files, or two orders of one file,
meet by keys alone.

* restart: gridcell from ``*_gridcell_index`` (1-based), landunit from ``cols1d_ityplun``, plant type from
  ``pfts1d_itypveg``, weights ``cols1d_wtxy`` and ``pfts1d_wtcol``;
* one-dimensional history: gridcell from the place of (ixy, jxy) in ``grid1d_ixy/jxy``, landunit from
  ``*_itype_lunit``, plant type from ``pfts1d_itype_veg``, weights ``cols1d_wtgcell`` and ``pfts1d_wtcol``;
* surface: its cells are found by longitude and latitude, see :func:`surface_cells`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from kiloland.errors import InputError
from kiloland.files import Dataset
from kiloland.grid.nearest import cartesian

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

SOIL_COLUMN = 1
"""Type of the column of natural vegetation; crop columns have 200 + plant type."""

EVERYTHING = slice(None)
SAME_PLACE_KM = 0.5
"""Two files mean the same cell when their centres are nearer than this."""


class Landunit(IntEnum):
    """Landunits whose columns hold plants and soil organic matter."""

    SOIL = 1
    CROP = 2


@dataclass(frozen=True)
class SubgridKeys:
    """What identifies columns and their patches; each key occurs once, see ``check_keys``.

    ``column_gridcell``: 1-based index of the cell; ``column_landunit``: 1 soil, 2 crop; ``column_type``: 1,
    or 200 + plant type on the crop landunit; ``pft_column``: index into the columns here, 0-based;
    ``pft_itypveg``: plant type, 0 is bare ground.
    """

    column_gridcell: IntArray
    column_landunit: IntArray
    column_type: IntArray
    column_longitude: FloatArray
    column_latitude: FloatArray
    pft_column: IntArray
    pft_itypveg: IntArray

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.column_gridcell)

    @property
    def patches(self) -> int:
        """Number of patches."""
        return len(self.pft_column)

    def column_codes(self) -> IntArray:
        """One number per column: (gridcell, landunit, type)."""
        return (self.column_gridcell * 16 + self.column_landunit) * 1024 + self.column_type

    def patch_codes(self) -> IntArray:
        """One number per patch: its column's and its plant type."""
        return self.column_codes()[self.pft_column] * 1024 + self.pft_itypveg


@dataclass(frozen=True)
class Subgrid:
    """Columns and patches with plants of one file.

    ``column_row``, ``pft_row``: place in the file's vectors; ``column_weight``: of the column on its cell;
    ``pft_weight``: of the patch on its column. All patches of these columns are here, those of weight 0 too.
    ``cells``: number of gridcells of the file.
    """

    keys: SubgridKeys
    column_row: IntArray
    column_weight: FloatArray
    pft_row: IntArray
    pft_weight: FloatArray
    cells: int


def check_keys(keys: SubgridKeys, file: object) -> None:
    """Raise InputError where a key occurs twice or a patch has no column."""
    where = str(file)
    outside = (keys.pft_column < 0) | (keys.pft_column >= max(keys.columns, 1))
    if outside.any():
        patch = int(np.flatnonzero(outside)[0])
        raise InputError(
            "a patch without a column",
            file=where,
            variable="pft_column",
            where=f"patch {patch + 1}",
            found=int(keys.pft_column[patch]),
            expected=f"0 to {keys.columns - 1}",
        )
    for codes, what in ((keys.column_codes(), "columns"), (keys.patch_codes(), "patches")):
        order = np.argsort(codes, kind="stable")
        again = np.flatnonzero(np.diff(codes[order]) == 0)
        if again.size:
            place = int(order[again[0] + 1])
            column = place if what == "columns" else int(keys.pft_column[place])
            plant = "" if what == "columns" else f", plant type {int(keys.pft_itypveg[place])}"
            raise InputError(
                f"two {what} of the same key",
                file=where,
                where=f"gridcell {int(keys.column_gridcell[column])}, landunit "
                f"{int(keys.column_landunit[column])}{plant}",
                expected="one soil column a gridcell, and each plant type once in it",
                hint="Cells with more than one topographic unit are not supported",
            )


def positions(codes: IntArray, wanted: IntArray) -> IntArray:
    """Place in ``codes`` of each of ``wanted``; -1 where it is not there. Codes occur once."""
    if codes.size == 0:
        return np.full(wanted.shape, -1, np.int64)
    order = np.argsort(codes, kind="stable")
    place = np.minimum(np.searchsorted(codes, wanted, sorter=order), codes.size - 1)
    found = order[place]
    return np.where(codes[found] == wanted, found, -1)


def restart_subgrid(dataset: Dataset, columns: slice = EVERYTHING, patches: slice = EVERYTHING) -> Subgrid:
    """Columns and patches with plants of a restart file, or of one part of it.

    ``columns`` and ``patches``: parts of the file's vectors that belong together; rows then count from
    their starts. Raises InputError where the index vectors are missing, keys occur twice, or (for a whole
    file) no column holds soil.
    """
    landunit = whole(dataset, "cols1d_ityplun", columns)
    column_row = np.flatnonzero(np.isin(landunit, list(Landunit)))
    if column_row.size == 0 and columns == EVERYTHING:
        raise no_soil(dataset, "cols1d_ityplun", landunit)
    place = np.full(landunit.size, -1, np.int64)
    place[column_row] = np.arange(column_row.size)
    owner = place[whole(dataset, "pfts1d_column_index", patches) - 1 - (columns.start or 0)]
    pft_row = np.flatnonzero(owner >= 0)
    keys = SubgridKeys(
        column_gridcell=whole(dataset, "cols1d_gridcell_index", columns)[column_row],
        column_landunit=landunit[column_row],
        column_type=whole(dataset, "cols1d_ityp", columns)[column_row],
        column_longitude=dataset["cols1d_lon"].values(columns)[column_row],
        column_latitude=dataset["cols1d_lat"].values(columns)[column_row],
        pft_column=owner[pft_row],
        pft_itypveg=whole(dataset, "pfts1d_itypveg", patches)[pft_row],
    )
    check_keys(keys, dataset.path)
    return Subgrid(
        keys,
        column_row,
        dataset["cols1d_wtxy"].values(columns)[column_row],
        pft_row,
        dataset["pfts1d_wtcol"].values(patches)[pft_row],
        dataset.dimensions["gridcell"],
    )


def history_subgrid(dataset: Dataset) -> Subgrid:
    """Columns and patches with plants of a one-dimensional history file (``hist_dov2xy = .false.``).

    Raises InputError as :func:`restart_subgrid`.
    """
    landunit = whole(dataset, "cols1d_itype_lunit")
    column_row = np.flatnonzero(np.isin(landunit, list(Landunit)))
    if column_row.size == 0:
        raise no_soil(dataset, "cols1d_itype_lunit", landunit)
    pft_landunit = whole(dataset, "pfts1d_itype_lunit")
    pft_row = np.flatnonzero(np.isin(pft_landunit, list(Landunit)))
    plant = whole(dataset, "pfts1d_itype_veg")[pft_row]
    column_cell = history_cells(dataset, "cols1d")[column_row]
    pft_cell = history_cells(dataset, "pfts1d")[pft_row]
    column_type = history_column_types(
        dataset, column_cell, landunit[column_row], pft_cell, pft_landunit[pft_row], plant
    )
    pft_type = np.where(pft_landunit[pft_row] == Landunit.CROP, 200 + plant, SOIL_COLUMN)
    lone = np.zeros(0, np.int64)
    columns = SubgridKeys(
        column_cell,
        landunit[column_row],
        column_type,
        dataset["cols1d_lon"].values()[column_row],
        dataset["cols1d_lat"].values()[column_row],
        lone,
        lone,
    )
    codes = (pft_cell * 16 + pft_landunit[pft_row]) * 1024 + pft_type
    keys = SubgridKeys(
        columns.column_gridcell,
        columns.column_landunit,
        columns.column_type,
        columns.column_longitude,
        columns.column_latitude,
        positions(columns.column_codes(), codes),
        plant,
    )
    check_keys(keys, dataset.path)
    return Subgrid(
        keys,
        column_row,
        dataset["cols1d_wtgcell"].values()[column_row],
        pft_row,
        dataset["pfts1d_wtcol"].values()[pft_row],
        dataset.dimensions["gridcell"],
    )


def history_cells(dataset: Dataset, prefix: str) -> IntArray:
    """1-based index of the gridcell of every column or patch, from its place on the grid."""
    width = 1 + int(max(whole(dataset, f"{name}_ixy").max(initial=0) for name in (prefix, "grid1d")))
    codes = whole(dataset, "grid1d_jxy") * width + whole(dataset, "grid1d_ixy")
    found = positions(codes, whole(dataset, f"{prefix}_jxy") * width + whole(dataset, f"{prefix}_ixy"))
    if (found < 0).any():
        raise InputError(
            "a place that no gridcell has",
            file=dataset.path,
            variable=f"{prefix}_ixy",
            where=f"entry {int(np.flatnonzero(found < 0)[0]) + 1}",
        )
    return found + 1


def history_column_types(
    dataset: Dataset,
    column_cell: IntArray,
    column_landunit: IntArray,
    pft_cell: IntArray,
    pft_landunit: IntArray,
    plant: IntArray,
) -> IntArray:
    """Type of every column: a crop column is told by its only patch, in the order of the cell.

    Raises InputError where a crop landunit does not have one patch a column.
    """
    kind = np.full(column_cell.size, SOIL_COLUMN, np.int64)
    crop = np.flatnonzero(column_landunit == Landunit.CROP)
    patch = np.flatnonzero(pft_landunit == Landunit.CROP)
    crop = crop[np.argsort(column_cell[crop], kind="stable")]
    patch = patch[np.argsort(pft_cell[patch], kind="stable")]
    if not np.array_equal(column_cell[crop], pft_cell[patch]):
        raise InputError(
            "crop columns and crop patches do not pair", file=dataset.path, variable="pfts1d_itype_lunit"
        )
    kind[crop] = 200 + plant[patch]
    return kind


def surface_cells(surface: Dataset, longitude: FloatArray, latitude: FloatArray) -> IntArray:
    """Cell of a surface file (0-based, in the order of the file) at each place (degrees).

    The nearest centre counts, and must lie within ``SAME_PLACE_KM``. Raises InputError where none does.
    """
    places = np.stack(
        [np.asarray(surface[name].values(), np.float64).reshape(-1) for name in ("LONGXY", "LATIXY")]
    )
    tree = cKDTree(cartesian(places[0], places[1]))
    distance, cell = tree.query(cartesian(longitude, latitude))
    far = np.flatnonzero(~(distance <= 1000.0 * SAME_PLACE_KM))
    if far.size:
        worst = int(far[0])
        raise InputError(
            "the surface file has no cell at a place of the restart",
            file=surface.path,
            variable="LONGXY, LATIXY",
            where=f"longitude {longitude[worst]:.4f}, latitude {latitude[worst]:.4f}",
            found=f"the nearest centre {distance[worst] / 1000.0:.1f} km away",
            expected=f"within {SAME_PLACE_KM} km",
        )
    return np.asarray(cell, np.int64)


def whole(dataset: Dataset, name: str, part: slice = EVERYTHING) -> IntArray:
    """An index vector, or a part of it, as 64-bit integers."""
    return np.asarray(dataset[name].read(part), np.int64)


def no_soil(dataset: Dataset, variable: str, landunit: IntArray) -> InputError:
    """The error for a file without columns that hold plants."""
    kinds = ", ".join(str(kind) for kind in np.unique(landunit)) or "none"
    return InputError(
        "no column with natural vegetation or crops",
        file=dataset.path,
        variable=variable,
        found=f"landunits {kinds}",
        expected="landunit 1 (soil) or 2 (crop)",
    )
