"""Small files in the forms that runs and tools write, made by the netCDF library."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np

from kiloland.grid import DaymetGrid

FILL = 1.0e36
GRID = DaymetGrid()
FIRST_ROW, FIRST_COLUMN = 1400, 1700
DEPTHS = 0.025 * (np.exp(0.5 * (np.arange(1, 16) - 0.5)) - 1.0)


def cell_ids(rows: int = 12, columns: int = 20) -> np.ndarray:
    """Ids of a rectangle of Daymet cells on the Seward Peninsula with a hole."""
    row, column = np.divmod(np.arange(rows * columns), columns)
    keep = ~((row == 3) & (column == 4))
    return GRID.identifier(FIRST_ROW + row[keep], FIRST_COLUMN + column[keep])


def temperatures(cells: int, records: int) -> np.ndarray:
    """[time, layer, cell]; the first cell never has a value."""
    wave = np.sin(np.arange(records))[:, None, None] * np.exp(-DEPTHS)[None, :, None]
    values = 275.0 + 5.0 * wave + np.linspace(-2.0, 2.0, cells)[None, None, :]
    values[:, :, 0] = FILL
    return values


def history(path: Path, records: int = 6, ids: np.ndarray | None = None, coordinates: bool = True) -> Path:
    """A history file: TSOI over time, layer and cell; FLUX over time and cell, around zero."""
    ids = cell_ids() if ids is None else ids
    longitude, latitude = GRID.centres(ids)
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_DATA") as file:
        file.createDimension("lndgrid", ids.size)
        file.createDimension("levgrnd", 15)
        file.createDimension("hist_interval", 2)
        file.createDimension("time", None)
        if coordinates:
            for name, values in (("lon", longitude), ("lat", latitude)):
                file.createVariable(name, "f4", ("lndgrid",))[:] = values
            area = file.createVariable("area", "f4", ("lndgrid",))
            area.units = "km^2"
            area[:] = np.linspace(0.9, 1.1, ids.size)
        file.createVariable("levgrnd", "f4", ("levgrnd",))[:] = DEPTHS
        time = file.createVariable("time", "f8", ("time",))
        time.units, time.calendar, time.bounds = "days since 0016-07-01 00:00:00", "noleap", "time_bounds"
        time[:] = np.arange(1, records + 1)
        file.createVariable("time_bounds", "f8", ("time", "hist_interval"))[:] = np.stack(
            [np.arange(records), np.arange(1, records + 1)], axis=1
        )
        soil = file.createVariable("TSOI", "f8", ("time", "levgrnd", "lndgrid"), fill_value=FILL)
        soil.long_name, soil.units, soil.cell_methods = "soil temperature", "K", "time: mean"
        soil[:] = temperatures(ids.size, records)
        flux = file.createVariable("FLUX", "f8", ("time", "lndgrid"), fill_value=FILL)
        flux.long_name, flux.units = "heat flux into the ground", "W/m^2"
        flux[:] = np.linspace(-40.0, 60.0, ids.size) * np.ones((records, 1))
        mask = file.createVariable("landmask", "i4", ("lndgrid",))
        mask.long_name = "land mask"
        mask[:] = np.arange(ids.size) % 2
    return path


def restart(path: Path) -> Path:
    """A restart of three cells: the second has a lake column, patches of types 0, 2 and 11."""
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_DATA") as file:
        for dim, length in (("gridcell", 3), ("column", 4), ("pft", 6), ("levtot", 20)):
            file.createDimension(dim, length)
        tables = {
            "grid1d_lon": ("gridcell", [200.0, 200.1, 200.2]),
            "grid1d_lat": ("gridcell", [65.0, 65.0, 65.0]),
            "cols1d_gridcell_index": ("column", [1, 2, 2, 3]),
            "cols1d_wtxy": ("column", [1.0, 0.75, 0.25, 1.0]),
            "pfts1d_gridcell_index": ("pft", [1, 1, 2, 2, 2, 3]),
            "pfts1d_itypveg": ("pft", [0, 2, 0, 11, 0, 0]),
            "pfts1d_wtxy": ("pft", [0.5, 0.5, 0.25, 0.5, 0.25, 1.0]),
            "T_VEG": ("pft", [270.0, 280.0, 271.0, 281.0, FILL, 272.0]),
        }
        for name, (dim, numbers) in tables.items():
            values = np.array(numbers)
            fill = FILL if name == "T_VEG" else None
            file.createVariable(name, values.dtype, (dim,), fill_value=fill)[:] = values
        layers = file.createVariable("T_SOISNO", "f8", ("column", "levtot"), fill_value=FILL)
        layers.units = "K"
        layers[:] = 260.0 + np.arange(4)[:, None] * 4.0 + np.arange(20)[None, :] * 0.5
    return path
