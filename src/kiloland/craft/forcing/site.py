"""Weather of one place as the file that ELM reads itself in site mode (``cpl_bypass``): ``all_hourly.nc``.

Whole years of 365 days, packed to 16 bits with the steps of :data:`PACKING`, relative humidity instead of
specific humidity. A sample in which a check finds a fault is replaced as a whole, by that of the same time of
the next good day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import SECONDS_PER_DAY, SECONDS_PER_YEAR, describe_seconds
from kiloland.atmosphere.derive import relative_humidity
from kiloland.atmosphere.fields import FIELDS
from kiloland.atmosphere.findings import Severity
from kiloland.atmosphere.record import Record, check_record, fill_bad_samples, read_record, whole_years
from kiloland.atmosphere.site import FILE_NAME, VARIABLES
from kiloland.craft.forcing.encoding import Packing
from kiloland.craft.forcing.site_cell import record_of_cell
from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, write_dataset, write_text

FloatArray = NDArray[np.float64]
ShortArray = NDArray[np.int16]

MAPPINGS: Final = "zone_mappings.txt"


PACKING: Final[Mapping[str, Packing]] = {
    "TBOT": Packing(200.0, 330.0),
    "PSRF": Packing(60_000.0, 110_000.0),
    "RH": Packing(0.0, 101.0),
    "FSDS": Packing(0.0, 1400.0, from_zero=True),
    "PRECTmms": Packing(0.0, 0.06, from_zero=True),
    "WIND": Packing(-1.0, 40.0),
    "FLDS": Packing(50.0, 600.0),
}


@dataclass(frozen=True)
class SiteRequest:
    """A site file to be made.

    ``source``: a record (netCDF or CSV), or DIR:ID of a cell of a forcing folder; ``years``: first and last,
    None for all whole ones; ``longitude``, ``latitude`` [degrees] where the source does not say them.
    """

    source: str
    output: Path
    years: tuple[int, int] | None = None
    longitude: float | None = None
    latitude: float | None = None


@dataclass(frozen=True)
class SiteSummary:
    """What was made; ``errors``: the largest rounding of each variable, in its units."""

    path: Path
    years: tuple[int, int]
    interval: int
    replaced: int
    errors: Mapping[str, float]

    def lines(self) -> list[str]:
        """The summary as text."""
        first, last = self.years
        errors = ", ".join(
            f"{name} {error:.2g} {FIELDS[name].units[0]}" for name, error in self.errors.items()
        )
        return [
            f"{self.path}: {first} to {last}, every {self.interval} s, {self.replaced} samples replaced",
            f"largest rounding: {errors}",
        ]


def craft_site(request: SiteRequest) -> SiteSummary:
    """Write the site file and ``zone_mappings.txt`` beside it.

    Raises InputError for records with other faults than bad samples, years that are not whole, places that
    are not known, and values that do not fit into the packing; nothing is written then.
    """
    sound, years, replaced = sound_years(request)
    series = elm_series(sound)
    packed, errors = {}, {}
    for name in VARIABLES:
        packed[name] = pack(series[name], name, sound)
        errors[name] = float(np.abs(PACKING[name].values(packed[name]) - series[name]).max())
    schema = site_schema(len(sound.seconds), years, errors, request.source)
    output = request.output / FILE_NAME if request.output.is_dir() else request.output
    origin = (years[0] - 1) * SECONDS_PER_YEAR
    write_dataset(
        output,
        schema,
        {
            "DTIME": (sound.seconds - origin) / SECONDS_PER_DAY,
            "start_year": np.array([years[0]], np.int32),
            "end_year": np.array([years[1]], np.int32),
            "LONGXY": np.array([sound.longitude]),
            "LATIXY": np.array([sound.latitude]),
            **{name: values[None] for name, values in packed.items()},
        },
    )
    write_text(output.with_name(MAPPINGS), f"{sound.longitude:.6f} {sound.latitude:.6f} 01 1\n")
    return SiteSummary(output, years, sound.interval, replaced, errors)


def sound_years(request: SiteRequest) -> tuple[Record, tuple[int, int], int]:
    """Whole years of the record with faulty samples replaced, the years, and the number of such samples."""
    record = _placed(_record(request), request)
    every = _all_years(record)
    years = request.years or every
    # What is a fault is seen best in the whole record: how long values stand still by nature.
    whole = _years_of(record, (min(every[0], years[0]), max(every[1], years[1])))
    sound, replaced = without_faults(whole, years)
    return sound, years, replaced


def _record(request: SiteRequest) -> Record:
    """The record of a file, or of a cell of a folder."""
    folder, mark, cell = request.source.rpartition(":")
    if mark and cell.isdigit() and Path(folder).is_dir():
        return record_of_cell(Path(folder), int(cell), request.years)
    return read_record(request.source)


def _placed(record: Record, request: SiteRequest) -> Record:
    longitude = record.longitude if request.longitude is None else request.longitude
    latitude = record.latitude if request.latitude is None else request.latitude
    if not (np.isfinite(longitude) and -90.0 <= latitude <= 90.0):
        raise InputError("the record does not say where it is", file=record.file, hint="Give --place LON,LAT")
    return replace(record, longitude=longitude % 360.0, latitude=latitude)


def _all_years(record: Record) -> tuple[int, int]:
    cycle = whole_years(record)
    return cycle.year_first, cycle.year_last


def _years_of(record: Record, years: tuple[int, int]) -> Record:
    """Whole years of a record; InputError where samples are missing."""
    start, end = (years[0] - 1) * SECONDS_PER_YEAR, years[1] * SECONDS_PER_YEAR
    inside = (record.seconds >= start) & (record.seconds < end)
    wanted = (end - start) // record.interval
    if int(inside.sum()) != wanted:
        raise InputError(
            "the record does not hold all samples of the years",
            file=record.file,
            found=f"{int(inside.sum())} from {describe_seconds(int(record.seconds[0]))} "
            f"to {describe_seconds(int(record.seconds[-1]))}",
            expected=f"{wanted} of {years[0]} to {years[1]}",
        )
    return replace(
        record,
        seconds=record.seconds[inside],
        series={name: values[inside] for name, values in record.series.items()},
    )


def without_faults(record: Record, years: tuple[int, int]) -> tuple[Record, int]:
    """Some years of a record with faulty samples replaced in all variables, and their number."""
    every = ", ".join(record.series)
    faults = [
        replace(finding, variable=every) if finding.first is not None else finding
        for finding in check_record(record)
        if finding.severity is Severity.ERROR
    ]
    bad = np.zeros(len(record.seconds), dtype=bool)
    for fault in faults:
        if fault.first is not None and fault.last is not None:
            bad[fault.first : fault.last + 1] = True
    stamps = record.seconds[bad]
    inside = (stamps >= (years[0] - 1) * SECONDS_PER_YEAR) & (stamps < years[1] * SECONDS_PER_YEAR)
    return _years_of(fill_bad_samples(record, faults), years), int(inside.sum())


def elm_series(record: Record) -> dict[str, FloatArray]:
    """The series that site mode reads; relative humidity [%] at most 100, clear-sky longwave if missing."""
    series = dict(record.series)
    missing = [name for name in ("TBOT", "PSRF", "FSDS", "PRECTmms", "WIND", "FLDS") if name not in series]
    if missing or not {"QBOT", "RH"} & series.keys():
        raise InputError(
            "the record lacks a variable", file=record.file, variable=", ".join(missing) or "QBOT or RH"
        )
    if "RH" not in series:
        series["RH"] = relative_humidity(series["QBOT"], series["TBOT"], series["PSRF"])
    series["RH"] = np.minimum(series["RH"], 100.0)
    for name in ("FSDS", "PRECTmms"):
        # A packed record has zeros that are a fraction of its step below zero.
        series[name] = np.maximum(series[name], 0.0)
    return {name: series[name] for name in VARIABLES}


def pack(values: FloatArray, name: str, record: Record) -> ShortArray:
    """Numbers of 16 bits, rounded to the nearest; InputError for a value that does not fit: none wraps."""
    packing = PACKING[name]
    stored = packing.stored(values)
    bad = np.flatnonzero(~(np.abs(stored) <= np.iinfo(np.int16).max))
    if bad.size:
        raise InputError(
            "does not fit into 16 bits",
            file=record.file,
            variable=name,
            where=describe_seconds(int(record.seconds[bad[0]])),
            found=f"{values[bad[0]]:g}, {bad.size} samples in all",
            expected=f"{packing.low:g} to {packing.high:g}",
        )
    return stored.astype(np.int16)


def site_schema(samples: int, years: tuple[int, int], errors: Mapping[str, float], source: str) -> FileSchema:
    """Dimensions, variables and attributes of a site file."""
    time = {"units": f"days since {years[0]:04d}-01-01 00:00:00", "calendar": "noleap"}
    packed = (
        VariableSchema(
            name,
            "i2",
            ("gridcell", "DTIME"),
            {
                "long_name": FIELDS[name].meaning,
                "units": FIELDS[name].units[0],
                "scale_factor": np.float64(PACKING[name].scale),
                "add_offset": np.float64(PACKING[name].offset),
                "largest_rounding": np.float64(errors[name]),
            },
        )
        for name in VARIABLES
    )
    return FileSchema(
        {"DTIME": samples, "gridcell": 1, "scalar": 1},
        None,
        (
            VariableSchema("DTIME", "f8", ("DTIME",), time),
            VariableSchema("start_year", "i4", ("scalar",)),
            VariableSchema("end_year", "i4", ("scalar",)),
            VariableSchema("LONGXY", "f8", ("gridcell",), {"units": "degrees_east"}),
            VariableSchema("LATIXY", "f8", ("gridcell",), {"units": "degrees_north"}),
            *packed,
        ),
        {"title": "site forcing for ELM", "source_file": Path(source).name},
    )
