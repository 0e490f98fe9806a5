"""A record of one place as stream files of E3SM's data atmosphere, at the record's own interval.

One file for each variable and month, ``clmforc.site.<VAR>.<YYYY-MM>.nc`` ``[time, nj = 1, ni = 1]``, over the
one cell of a domain. Stamps follow the rules of the three-hourly files: the beginning of an interval for
coszen, its middle for linear, and 5/12 of it for nearest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland import __version__
from kiloland.atmosphere.calendar import SECONDS_PER_DAY
from kiloland.atmosphere.derive import RelativeHumidity, humidity_to_specific
from kiloland.atmosphere.record import Record
from kiloland.craft.forcing.bins import BIN_SECONDS
from kiloland.craft.forcing.descriptions import write_stream_descriptions
from kiloland.craft.forcing.output import PLACES, VARIABLES, Month, OutputVariable
from kiloland.craft.forcing.places import land_of
from kiloland.craft.forcing.site import SiteRequest, elm_series, sound_years
from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.grid import Domain, read_domain

FloatArray = NDArray[np.float64]

FARTHEST: Final = 0.5
"""Largest distance of the record from the cell [degrees]."""


class SiteMonth(Month):
    """A month of a site."""

    def file(self, folder: Path, name: str) -> Path:
        """The file of a variable."""
        return folder / f"clmforc.site.{name}.{self}.nc"


@dataclass(frozen=True)
class SiteStreams:
    """What was made."""

    folder: Path
    years: tuple[int, int]
    interval: int
    replaced: int
    files: int

    def lines(self) -> list[str]:
        """The summary as text."""
        first, last = self.years
        return [
            f"{self.folder}: {self.files} files, {first} to {last}, every {self.interval} s, "
            f"{self.replaced} samples replaced"
        ]


def craft_site_streams(request: SiteRequest, domain: Path) -> SiteStreams:
    """Write the stream files of whole years into the folder ``request.output``, and their descriptions.

    Raises InputError as :func:`~kiloland.craft.forcing.site.craft_site`, for a domain of other than one cell,
    and for a record far from it; nothing is written then.
    """
    cell = land_of(read_domain(domain), domain)
    if cell.number_of_cells != 1:
        raise InputError("a site is one cell", file=domain, found=f"{cell.number_of_cells} land cells")
    record, years, replaced = sound_years(request)
    _require_near(record, cell, domain)
    series = _stream_series(record)
    months = [SiteMonth(year, month) for year in range(years[0], years[1] + 1) for month in range(1, 13)]
    request.output.mkdir(parents=True, exist_ok=True)
    for month in months:
        begin, end = (day * SECONDS_PER_DAY for day in month.days)
        inside = (record.seconds >= begin) & (record.seconds < end)
        starts = record.seconds[inside] - begin
        for name, variable in VARIABLES.items():
            stamps = (starts + variable.stamp * record.interval // BIN_SECONDS) / SECONDS_PER_DAY
            write_dataset(
                month.file(request.output, name),
                _schema(variable, month, record, starts.size, request.source),
                {
                    "time": stamps,
                    "gridID": cell.gridcell_id[None],
                    "LONGXY": cell.longitude[None],
                    "LATIXY": cell.latitude[None],
                    name: series[name][inside].astype(np.float32)[:, None, None],
                },
            )
    write_stream_descriptions(request.output, domain, list(months))
    return SiteStreams(request.output, years, record.interval, replaced, len(months) * len(VARIABLES))


def _require_near(record: Record, cell: Domain, domain: Path) -> None:
    east = float(np.abs((record.longitude - cell.longitude[0] + 180.0) % 360.0 - 180.0))
    if max(east, abs(record.latitude - float(cell.latitude[0]))) > FARTHEST:
        raise InputError(
            "the record is not of the cell of the domain",
            file=record.file,
            found=f"{record.longitude:.4f}, {record.latitude:.4f}",
            expected=f"{cell.longitude[0]:.4f}, {cell.latitude[0]:.4f} of {domain}",
            hint="--place LON,LAT says where the record is",
        )


def _stream_series(record: Record) -> dict[str, FloatArray]:
    """The seven variables of the streams, specific humidity among them."""
    series = elm_series(record)
    humidity = record.series.get("QBOT")
    if humidity is None:
        moist = RelativeHumidity(series["RH"])
        humidity = humidity_to_specific(moist, series["TBOT"], series["PSRF"])
    return {name: np.asarray(series.get(name, humidity)) for name in VARIABLES}


def _schema(variable: OutputVariable, month: Month, record: Record, samples: int, source: str) -> FileSchema:
    """Dimensions, variables and attributes of one file."""
    cells = ("nj", "ni")
    time = {
        "long_name": "time",
        "standard_name": "time",
        "units": f"days since {month}-01 00:00:00",
        "calendar": "noleap",
        "description": f"UTC, intervals of {record.interval} s",
        "time_interpolation": f"these stamps are right for {variable.interpolation}",
    }
    places = (
        VariableSchema(place, "f8", cells, {"long_name": word, "standard_name": word, "units": unit})
        for place, word, unit in PLACES
    )
    said = {
        "long_name": variable.long_name,
        "units": variable.units,
        "coordinates": "LATIXY LONGXY",
        "time_interpolation": variable.interpolation,
    }
    return FileSchema(
        {"nj": 1, "ni": 1},
        ("time", samples),
        (
            VariableSchema("time", "f8", ("time",), time),
            VariableSchema("gridID", "i8", cells, {"long_name": "gridcell id, as in the domain"}),
            *places,
            VariableSchema(variable.name, "f4", ("time", *cells), said),
        ),
        {
            "title": f"{variable.long_name} of one place",
            "Conventions": "CF-1.11",
            "source": f"kiloland {__version__}",
            "source_file": Path(source).name,
        },
    )
