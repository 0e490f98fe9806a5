"""The monthly stream files: what they hold, their stamps, and the descriptions that E3SM reads.

``clmforc.Daymet4.1km.1d.<VAR>.<YYYY-MM>.nc``, CDF-5, ``[time, nj = 1, ni]`` over a domain's land cells.
A stamp is right for one way to interpolate only, and each file says for which:

* FSDS (coszen) at the beginning of the interval;
* states (linear) at its middle;
* PRECTmms (nearest) 75 minutes after its beginning: with steps from 15 minutes to 1.5 hours, which take the
  nearest sample and the earlier of two equally near ones, every step of the interval gets its value. A
  stamp in the middle gives the first step of each interval the value of the one before.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland import __version__
from kiloland.atmosphere.calendar import SECONDS_PER_DAY
from kiloland.craft.forcing.bins import BIN_SECONDS, BINS_PER_DAY, month_days
from kiloland.craft.forcing.encoding import Encoding
from kiloland.craft.forcing.land import LandCells
from kiloland.errors import InputError
from kiloland.files import Dataset, FileSchema, VariableSchema, open_dataset

logger = logging.getLogger(__name__)

IntArray = NDArray[np.int64]

PLACES = (("LONGXY", "longitude", "degrees_east"), ("LATIXY", "latitude", "degrees_north"))
"""Coordinates of the cells: name, meaning and units."""

PREFIX: Final = "clmforc.Daymet4.1km.1d"
SETTINGS: Final = "kiloland_forcing"
"""Attribute that says how a file was made; a file made otherwise is not reused."""


@dataclass(frozen=True)
class OutputVariable:
    """A variable of the stream files: E3SM's alias and interpolation, and the stamp [s] after the interval's
    beginning."""

    name: str
    units: str
    long_name: str
    alias: str
    interpolation: str
    stamp: int
    meaning: str


_BEGIN, _MIDDLE, _NEAREST = 0, BIN_SECONDS // 2, 4500
VARIABLES: Final = {
    variable.name: variable
    for variable in (
        OutputVariable("TBOT", "K", "air temperature", "tbot", "linear", _MIDDLE, "middle"),
        OutputVariable("QBOT", "kg/kg", "specific humidity", "shum", "linear", _MIDDLE, "middle"),
        OutputVariable("PSRF", "Pa", "surface pressure", "pbot", "linear", _MIDDLE, "middle"),
        OutputVariable("FLDS", "W/m2", "downward longwave", "lwdn", "linear", _MIDDLE, "middle"),
        OutputVariable("WIND", "m/s", "wind speed", "wind", "linear", _MIDDLE, "middle"),
        OutputVariable("FSDS", "W/m2", "downward shortwave", "swdn", "coszen", _BEGIN, "beginning"),
        OutputVariable(
            "PRECTmms",
            "mm/s",
            "precipitation",
            "precn",
            "nearest",
            _NEAREST,
            "75 minutes after the beginning",
        ),
    )
}


@dataclass(frozen=True)
class Month:
    """A month of the output, ``month`` from 1, or its days ``first_day`` to ``last_day``, both included."""

    year: int
    month: int
    first_day: int = 1
    last_day: int | None = None

    @property
    def whole(self) -> Month:
        """All days of the month."""
        return Month(self.year, self.month)

    @property
    def days(self) -> tuple[int, int]:
        """First day and the day after the last one."""
        first, end = month_days(self.year, self.month)
        return first + self.first_day - 1, end if self.last_day is None else first + self.last_day

    @property
    def skipped(self) -> int:
        """Intervals of the month before the first one."""
        return (self.first_day - 1) * BINS_PER_DAY

    @property
    def samples(self) -> int:
        """Number of intervals."""
        first, end = self.days
        return (end - first) * BINS_PER_DAY

    def file(self, folder: Path, name: str) -> Path:
        """The file of a variable."""
        return folder / f"{PREFIX}.{name}.{self}.nc"

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


def month_schema(
    name: str,
    month: Month,
    count: int,
    largest_id: int,
    settings: str,
    attributes: dict[str, str],
    encoding: Encoding,
) -> FileSchema:
    """Dimensions, variables and attributes of one file over ``count`` cells with ids up to ``largest_id``;
    ``settings`` say how all of it was made."""
    variable, cells = VARIABLES[name], ("nj", "ni")
    time = {
        "long_name": "time",
        "standard_name": "time",
        "units": f"days since {month}-01 00:00:00",
        "calendar": "noleap",
        "description": f"UTC, {variable.meaning} of each interval of 3 hours",
        "time_interpolation": f"these stamps are right for {variable.interpolation}",
    }
    return FileSchema(
        dimensions={"nj": 1, "ni": count},
        unlimited=("time", month.samples),
        variables=(
            VariableSchema("time", "f8", ("time",), time),
            VariableSchema(
                "gridID",
                "i4" if largest_id <= np.iinfo(np.int32).max else "i8",
                cells,
                {"long_name": "gridcell id, as in the domain"},
            ),
            *(
                VariableSchema(place, "f8", cells, {"long_name": word, "standard_name": word, "units": unit})
                for place, word, unit in PLACES
            ),
            VariableSchema(
                name,
                encoding.dtype,
                ("time", *cells),
                {
                    "long_name": variable.long_name,
                    "units": variable.units,
                    "coordinates": "LATIXY LONGXY",
                    "cell_methods": "time: mean (3 hours)" if variable.interpolation != "linear" else "",
                    "time_interpolation": variable.interpolation,
                    **encoding.attributes(name),
                },
            ),
        ),
        attributes={
            "title": f"three-hourly {variable.long_name} over the land cells of a domain",
            "Conventions": "CF-1.11",
            "source": f"kiloland {__version__}",
            SETTINGS: settings,
            **attributes,
        },
    )


def stamps(name: str, month: Month) -> NDArray[np.float64]:
    """Days since the beginning of the month."""
    starts = BIN_SECONDS * (month.skipped + np.arange(month.samples, dtype=np.int64))
    return np.asarray((starts + VARIABLES[name].stamp) / SECONDS_PER_DAY)


def is_complete(path: Path, name: str, month: Month, land: LandCells, settings: str) -> bool:
    """Whether a file is there and whole: checksums, cells and stamps.

    A damaged file is reported and made again. InputError where a whole file is of other cells or was made
    in another way: it is never overwritten.
    """
    if not path.is_file():
        return False
    try:
        with open_dataset(path) as dataset:
            sound = dataset.verify() > 0
            same = _same_cells(dataset, land)
            time = dataset["time"].read()
            made = str(dataset.attributes.get(SETTINGS, "nothing said"))
    except InputError as error:
        logger.warning("made again, for it is damaged: %s", error)
        return False
    for what, here, wanted in (
        ("cells", same, "those of the domain"),
        ("time stamps", np.array_equal(time, stamps(name, month)), f"those of {month}"),
        ("settings", made == settings, settings),
    ):
        if not here:
            raise InputError(
                f"an earlier file of this name has other {what}",
                file=path,
                variable=name,
                found=made if what == "settings" else None,
                expected=wanted,
                hint="Move it away, or write to another folder",
            )
    return sound


def _same_cells(dataset: Dataset, land: LandCells) -> bool:
    """Whether a file holds the land cells in their order."""
    ids = dataset["gridID"]
    return ids.shape == (1, land.number_of_cells) and all(
        np.array_equal(ids.read((0, part)), land.cells(part).gridcell_id) for part in land.pieces()
    )
