"""One cell of a folder of stream files as a weather record."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.record import Record
from kiloland.craft.forcing.bins import BIN_SECONDS, BINS_PER_DAY
from kiloland.craft.forcing.convert import samples_of_month, three_hourly_files
from kiloland.craft.forcing.output import VARIABLES, Month
from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset

FloatArray = NDArray[np.float64]


def record_of_cell(folder: Path, gridcell: int, years: tuple[int, int] | None) -> Record:
    """The cell's series, stamped at the beginning of their intervals; all years of the folder without
    ``years``. InputError where a month or the cell is missing."""
    files = three_hourly_files(folder, lists=True)
    if not files:
        raise InputError("no stream files in the folder", file=folder, expected="clmforc.Daymet4.1km.1d.*.nc")
    known = sorted({year for _, year, _ in files})
    first, last = years or (known[0], known[-1])
    months = [Month(year, month) for year in range(first, last + 1) for month in range(1, 13)]
    series: dict[str, list[FloatArray]] = {name: [] for name in VARIABLES}
    longitude = latitude = float("nan")
    for month in months:
        for name in VARIABLES:
            path = files.get((name, month.year, month.month))
            if path is None:
                raise InputError("a month is missing", file=folder, variable=name, where=str(month))
            with open_dataset(path) as dataset:
                place = _place(dataset, gridcell)
                rows = samples_of_month(dataset, month, name)
                values = dataset[name].values((slice(None), *place))
                series[name].append(np.asarray(values, dtype=np.float64).reshape(-1)[rows])
                longitude, latitude = (float(dataset[part].values(place)) for part in ("LONGXY", "LATIXY"))
    bins = np.arange(months[0].days[0] * BINS_PER_DAY, months[-1].days[1] * BINS_PER_DAY, dtype=np.int64)
    joined = {name: np.concatenate(parts) for name, parts in series.items()}
    return Record(f"{folder}:{gridcell}", bins * BIN_SECONDS, joined, {}, longitude % 360.0, latitude)


def _place(dataset: Dataset, gridcell: int) -> tuple[int, int]:
    """Row and column of a cell in a file."""
    found = np.argwhere(dataset["gridID"].read() == gridcell)
    if len(found) != 1:
        raise InputError(
            "the cell is not in the file" if not len(found) else "the cell is twice in the file",
            file=dataset.path,
            variable="gridID",
            expected=gridcell,
        )
    return int(found[0][0]), int(found[0][1])
