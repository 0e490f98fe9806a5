"""Small forcing files in the real formats, sound or with one fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np

Fault = Callable[[netCDF4.Dataset], None]
SITE_RANGES = {
    "TBOT": (200.0, 330.0),
    "PSRF": (60000.0, 110000.0),
    "RH": (0.0, 101.0),
    "FSDS": (0.0, 1400.0),
    "PRECTmms": (0.0, 0.06),
    "WIND": (0.0, 40.0),
    "FLDS": (50.0, 600.0),
}
STREAM_UNITS = {
    "TBOT": "K",
    "PSRF": "Pa",
    "QBOT": "kg/kg",
    "FSDS": "W/m2",
    "PRECTmms": "mm/s",
    "WIND": "m/s",
    "FLDS": "W/m2",
}


def living_weather(hours: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Plausible weather at times [h], every sample different from the last."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(7, len(hours)))
    day = np.sin(2 * np.pi * (hours - 9.0) / 24.0)
    return {
        "TBOT": 283.0 + 10.0 * np.sin(2 * np.pi * hours / 8760.0) + 5.0 * day + 0.3 * noise[0],
        "PSRF": 97000.0 + 500.0 * noise[1],
        "RH": np.clip(70.0 - 15.0 * day + 3.0 * noise[2], 5.0, 100.0),
        "QBOT": 0.005 + 0.0005 * np.tanh(noise[2]),
        "FSDS": np.maximum(700.0 * day + 20.0 * noise[3], 0.0) * (day > 0),
        "PRECTmms": np.maximum(noise[4] - 1.5, 0.0) * 1e-4,
        "WIND": 0.2 + np.abs(3.0 + noise[5]),
        "FLDS": 300.0 + 20.0 * noise[6],
    }


def write_site(
    path: Path,
    *,
    years: int = 2,
    start_year: int = 2013,
    samples_per_day: int = 8,
    fault: Fault | None = None,
) -> Path:
    """A packed site file as ELM reads it, hourly to daily; ``fault`` changes the open file at the end."""
    count = years * 365 * samples_per_day
    weather = living_weather(np.arange(count) * 24.0 / samples_per_day)
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_OFFSET") as file:
        file.createDimension("DTIME", count)
        file.createDimension("gridcell", 1)
        file.createDimension("scalar", 1)
        time = file.createVariable("DTIME", "f8", ("DTIME",))
        time.setncatts({"units": f"days since {start_year}-01-01 00:00:00", "calendar": "noleap"})
        time[:] = np.arange(count) / samples_per_day
        for name, value in (("start_year", start_year), ("end_year", start_year + years - 1)):
            file.createVariable(name, "i4", ("scalar",))[:] = value
        for name, value in (("LONGXY", 266.562), ("LATIXY", 47.563)):
            file.createVariable(name, "f8", ("gridcell",))[:] = value
        for name, (low, high) in SITE_RANGES.items():
            scale = (high - low) / (32000.0 if low == 0.0 else 64000.0)
            offset = 0.0 if low == 0.0 else 0.5 * (high + low)
            variable = file.createVariable(name, "i2", ("gridcell", "DTIME"))
            variable.set_auto_maskandscale(False)
            variable[0] = np.clip(np.rint((weather[name] - offset) / scale), -32000, 32000)
            variable.setncatts({"scale_factor": scale, "add_offset": offset})
        if fault is not None:
            fault(file)
    return path


def write_stream_month(
    folder: Path,
    name: str,
    year: int,
    month: int,
    days: int,
    *,
    cells: int = 6,
    values: np.ndarray | None = None,
    fault: Fault | None = None,
    stamp: float = 0.0,
) -> Path:
    """One monthly 1-D stream file with eight samples a day; ids 100, 102, ... and a line of coordinates."""
    path = folder / f"clmforc.Daymet4.1km.1d.{name}.{year:04d}-{month:02d}.nc"
    count = 8 * days
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_DATA") as file:
        for dim, length in (("time", count), ("nj", 1), ("ni", cells)):
            file.createDimension(dim, length)
        time = file.createVariable("time", "f4", ("time",))
        time.setncatts({"units": f"days since {year:04d}-{month:02d}-01 00:00:00", "calendar": "no_leap"})
        time[:] = np.arange(count) / 8.0 + stamp
        ids = 100 + 2 * np.arange(cells)
        file.createVariable("gridID", "i4", ("nj", "ni"))[:] = ids
        file.createVariable("LATIXY", "f8", ("nj", "ni"))[:] = 60.0 + 0.01 * np.arange(cells)
        file.createVariable("LONGXY", "f8", ("nj", "ni"))[:] = 200.0 + 0.02 * np.arange(cells)
        variable = file.createVariable(name, "f4", ("time", "nj", "ni"))
        variable.units = STREAM_UNITS[name]
        if values is None:
            weather = living_weather(3.0 * np.arange(count) + 730.0 * month, seed=1000 * year + month)[name]
            values = weather[:, None] * (1.0 + 1e-4 * np.arange(cells))
        variable[:] = values[:, None, :]
        if fault is not None:
            fault(file)
    return path


DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def write_stream_year(folder: Path, year: int = 2001) -> Path:
    """A year of all stream variables."""
    for name in STREAM_UNITS:
        for month, days in enumerate(DAYS, start=1):
            write_stream_month(folder, name, year, month, days)
    return folder
