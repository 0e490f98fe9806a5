"""Maps in every storage give the same values: classic, netCDF-4 in chunks, packed; any memory, any order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from kiloland.craft.forcing.maps import one_ahead, read_maps
from kiloland.craft.forcing.places import CellPlaces
from kiloland.files import open_dataset

TIMES, ROWS, COLUMNS = 21, 13, 17
STORAGE: dict[str, dict[str, Any]] = {
    "classic": {"format": "NETCDF3_64BIT_DATA"},
    "record": {"format": "NETCDF3_64BIT_DATA", "unlimited": True},
    "netcdf4": {"format": "NETCDF4"},
    "chunks": {"format": "NETCDF4", "chunksizes": (4, 5, 6), "zlib": True},
    "packed": {"format": "NETCDF3_64BIT_OFFSET", "packed": True},
}


def made(path: Path, kind: str) -> np.ndarray:
    """A file of a kind, and its values."""
    options = dict(STORAGE[kind])
    whole = np.random.default_rng(1).integers(-3000, 3000, (TIMES, ROWS, COLUMNS)).astype(np.int16)
    with netCDF4.Dataset(path, "w", format=options.pop("format")) as file:
        file.createDimension("time", None if options.pop("unlimited", False) else TIMES)
        file.createDimension("y", ROWS)
        file.createDimension("x", COLUMNS)
        packed = options.pop("packed", False)
        variable = file.createVariable("T", "i2" if packed else "f4", ("time", "y", "x"), **options)
        if packed:
            variable.scale_factor, variable.add_offset = 0.5, 280.0
        variable.set_auto_maskandscale(False)
        variable[:] = whole if packed else whole * 0.5 + 280.0
    return whole * 0.5 + 280.0


@pytest.mark.parametrize("kind", STORAGE)
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("memory", [1, 2000, 1 << 20])
def test_values_of_cells(tmp_path: Path, kind: str, ordered: bool, memory: int) -> None:
    values = made(tmp_path / "maps.nc", kind)
    draw = np.random.default_rng(2)
    cells = draw.choice(ROWS * COLUMNS, 60, replace=False)
    cells = np.sort(cells) if ordered else cells
    places = CellPlaces(cells // COLUMNS, cells % COLUMNS, (ROWS, COLUMNS))
    # The last times are those of the day before, as on a 31 December that is made.
    samples = np.concatenate((np.arange(2, TIMES), np.arange(TIMES - 8, TIMES)))
    found = np.full((samples.size, cells.size), np.nan)
    with open_dataset(tmp_path / "maps.nc") as dataset:
        for row, cell, part in one_ahead(read_maps(dataset["T"], places, samples, memory)):
            here = found[row : row + len(part), cell : cell + part.shape[1]]
            assert np.isnan(here).all()
            here[:] = part
    np.testing.assert_array_equal(found, values.reshape(TIMES, -1)[samples][:, cells])


def test_an_error_while_reading_ahead_arrives() -> None:
    def pieces() -> Any:
        yield 0, 0, np.zeros((1, 1), np.float32)
        raise ValueError("broken")

    source = one_ahead(pieces())
    next(source)
    with pytest.raises(ValueError, match="broken"):
        next(source)
