"""Land masks: which cells of a grid are land, from Daymet's text mask or from netCDF."""

from __future__ import annotations

import gzip
import hashlib
import logging
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, Variable, open_dataset
from kiloland.grid.base import BoolArray, FloatArray, Grid, IntArray

logger = logging.getLogger(__name__)

Scalar = TypeVar("Scalar", np.bool_, np.float64)
MASK_NAMES = ("LANDMASK", "landmask", "mask", "PFTDATA_MASK", "land_mask", "lsm")
FRACTION_NAMES = ("LANDFRAC", "landfrac", "frac")


@dataclass(frozen=True, eq=False)
class LandMask:
    """Land (True) for every cell of a grid in the order of ids, with land fractions where a file has them."""

    land: BoolArray
    fraction: FloatArray | None = None
    source: str = "all cells"
    checksum: str = ""

    @property
    def ids(self) -> IntArray:
        """Ids of all land cells, ascending."""
        return np.flatnonzero(self.land)

    def fraction_of(self, ids: IntArray) -> FloatArray:
        """Land fraction of cells: 1 on land where the mask says no more than land or not."""
        if self.fraction is None:
            return np.asarray(self.land[ids], dtype=np.float64)
        return np.where(self.land[ids], self.fraction[ids], 0.0)


def all_land(grid: Grid) -> LandMask:
    """The mask of a grid whose cells all count as land."""
    return LandMask(np.ones(grid.number_of_cells, dtype=bool))


def read_land_mask(path: Path, grid: Grid, variable: str | None = None) -> LandMask:
    """The land mask of ``grid`` from a text file of 0 and 1 (may be gzipped) or from netCDF.

    Text: comma separated (blanks and line ends are ignored), row by row in the order of ids.
    NetCDF: a variable of 0 and 1 over the whole grid, or over a list of cells with ``gridID``. A named
    ``variable`` of data instead of 0 and 1 marks as land every cell with a value in its first record.

    Raises InputError for another number of cells, values other than 0 and 1, and unreadable files.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("there is no such file", file=path)
    if path.name.removesuffix(".gz").endswith((".csv", ".txt", ".dat")):
        land, fraction = _from_text(path, grid), None
    else:
        with open_dataset(path) as dataset:
            land, fraction = _from_dataset(dataset, grid, variable)
    logger.info("land mask %s: %d land cells of %d", path.name, np.count_nonzero(land), land.size)
    return LandMask(land, fraction, path.name, hashlib.sha256(path.read_bytes()).hexdigest())


def _from_text(path: Path, grid: Grid) -> BoolArray:
    text = _read_bytes(path)
    expected = f"{grid.number_of_cells} ({grid.rows} rows of {grid.columns})"
    digits = text[0::2]
    if (
        text.size != 2 * grid.number_of_cells - 1
        or not (text[1::2] == ord(",")).all()
        or not ((digits == ord("0")) | (digits == ord("1"))).all()
    ):
        # The quick layout "0,1,...,0" does not fit; allow blanks and line ends before giving up.
        packed = text[~np.isin(text, np.frombuffer(b" \t\r\n,", dtype=np.uint8))]
        wrong = packed[(packed != ord("0")) & (packed != ord("1"))]
        if wrong.size:
            raise InputError(
                "the land mask holds something other than 0 and 1",
                file=path,
                found=repr(chr(wrong[0])),
                expected="0 or 1",
            )
        separators = text.size - packed.size
        if packed.size != grid.number_of_cells or separators < packed.size - 1:
            raise InputError(
                "the land mask has another number of cells", file=path, found=packed.size, expected=expected
            )
        digits = packed
    return np.asarray(digits == ord("1"))


def _read_bytes(path: Path) -> NDArray[np.uint8]:
    try:
        raw = path.read_bytes()
        content = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read: {error}", file=path) from error
    return np.frombuffer(content.rstrip(b"\r\n ,"), dtype=np.uint8)


def _from_dataset(dataset: Dataset, grid: Grid, name: str | None) -> tuple[BoolArray, FloatArray | None]:
    chosen = dataset[name] if name else _first(dataset, MASK_NAMES)
    if chosen is None:
        raise InputError(
            "no land mask in the file",
            file=dataset.path,
            expected=f"one of {', '.join(MASK_NAMES)}",
            hint="Name the variable as FILE:VARIABLE",
        )
    ids = _cell_ids(dataset, grid)
    values, missing = _first_record(dataset, chosen, grid, ids)
    is_flag = bool(np.isin(values[~missing], (0, 1)).all())
    if name is not None and missing.any():
        is_flag = False  # a variable with gaps is data, even where all its values are 0
    if is_flag and missing.any():
        raise InputError(
            "missing values in a land mask",
            file=dataset.path,
            variable=chosen.name,
            found=f"{int(missing.sum())} missing",
            expected="0 or 1",
        )
    if not is_flag and name is None:
        raise InputError(
            "the land mask holds something other than 0 and 1",
            file=dataset.path,
            variable=chosen.name,
            expected="0 or 1",
            hint="To take every cell with a value as land, name the variable as FILE:VARIABLE",
        )
    land = _spread(values == 1 if is_flag else ~missing, ids, grid)
    share = _first(dataset, FRACTION_NAMES) if is_flag else None
    if share is None:
        return land, None
    fraction, missing = _first_record(dataset, share, grid, ids)
    return land, _spread(np.where(missing, np.nan, fraction), ids, grid)


def read_cells(dataset: Dataset, variable: Variable, grid: Grid) -> FloatArray:
    """Values of the first record of a variable at every cell of the grid; NaN where it has none.

    Over the whole grid, or over a list of cells with ``gridID``. Raises InputError for any other shape.
    """
    ids = _cell_ids(dataset, grid)
    values, missing = _first_record(dataset, variable, grid, ids)
    scale, offset = (variable.attributes.get(key) for key in ("scale_factor", "add_offset"))
    values = values * float(1.0 if scale is None else scale) + float(offset or 0.0)
    values = np.where(missing, np.nan, values)
    if ids is None:
        return values
    whole = np.full(grid.number_of_cells, np.nan)
    whole[ids] = values
    return whole


def _first(dataset: Dataset, names: tuple[str, ...]) -> Variable | None:
    return next((dataset[name] for name in names if name in dataset), None)


def _cell_ids(dataset: Dataset, grid: Grid) -> IntArray | None:
    """The ids of a file that lists only some cells; None where it covers the grid."""
    if "gridID" not in dataset or np.prod(dataset["gridID"].shape) == grid.number_of_cells:
        return None
    ids: IntArray = dataset["gridID"].read().ravel().astype(np.int64)
    if not grid.contains_id(ids).all():
        raise InputError(
            "gridcell ids of another grid",
            file=dataset.path,
            variable="gridID",
            found=f"{ids.min()} to {ids.max()}",
            expected=f"0 to {grid.number_of_cells - 1}",
        )
    return ids


def _first_record(
    dataset: Dataset, variable: Variable, grid: Grid, ids: IntArray | None
) -> tuple[FloatArray, BoolArray]:
    """Values of the first record over cells, and where they are missing."""
    cells = grid.number_of_cells if ids is None else ids.size
    layouts = [(cells,), (1, cells)] + ([(grid.rows, grid.columns)] if ids is None else [])
    leading = next((n for n in range(len(variable.shape)) if variable.shape[n:] in layouts), None)
    if leading is None:
        raise InputError(
            "the variable does not lie on the grid",
            file=dataset.path,
            variable=variable.name,
            found=f"shape {variable.shape}",
            expected=" or ".join(str(layout) for layout in layouts),
        )
    stored = variable.read((0,) * leading if leading else ...).ravel()
    missing = variable.missing(stored)
    if stored.dtype.kind == "f":
        missing |= ~np.isfinite(stored)
    return stored.astype(np.float64), missing


def _spread(values: NDArray[Scalar], ids: IntArray | None, grid: Grid) -> NDArray[Scalar]:
    if ids is None:
        return values
    whole = np.zeros(grid.number_of_cells, dtype=values.dtype)
    whole[ids] = values
    return whole
