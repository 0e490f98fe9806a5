"""Forcing files found and grouped: by month where their names say one, else each by itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from kiloland.atmosphere.calendar import (
    DAYS_PER_YEAR,
    MONTH_STARTS,
    SECONDS_PER_DAY,
    decode_times,
)
from kiloland.atmosphere.fields import FIELDS
from kiloland.atmosphere.record import TIME_NAMES
from kiloland.craft.check.cells import CellTable, IntArray, first_of, flat, ids_of
from kiloland.craft.check.domain_data import ids_before_duplication
from kiloland.craft.check.findings import Finding, finding
from kiloland.errors import InputError
from kiloland.files import Dataset, Variable, open_dataset

MONTH: Final = re.compile(r"(?<!\d)(\d{4})-(\d{2})(?!\d)")
WEATHER: Final = tuple(name for name in FIELDS if name != "ZBOT")
REQUIRED: Final = ("TBOT", "QBOT", "PSRF", "FLDS", "WIND", "FSDS", "PRECTmms")
"""What the kilometre-scale streams hold; RH or TDEW may stand for QBOT."""
E3SM_CALENDARS: Final = (
    "noleap", "no_leap", "365_day", "365day", "gregorian", "standard", "proleptic_gregorian",
)  # fmt: skip


@dataclass(frozen=True)
class ForcingFile:
    """A file with weather: the variables in it, and the month of its name (year, month from 1) or None."""

    path: Path
    names: tuple[str, ...]
    month: tuple[int, int] | None


@dataclass(frozen=True, eq=False)
class Axis:
    """The time axis of one file: model seconds of the samples kept, their positions, what was dropped."""

    seconds: IntArray
    kept: IntArray
    dropped: int


def forcing_files(source: Path) -> list[ForcingFile]:
    """Files with weather in a folder, or one file, by month and name. InputError where there is none."""
    paths = [source] if source.is_file() else sorted(p for p in source.glob("*") if is_netcdf_name(p))
    if not source.exists():
        raise InputError("no such file or folder", file=source)
    found = []
    for path in paths:
        with open_dataset(path) as dataset:
            names = tuple(name for name in WEATHER if name in dataset and dataset[name].dims != ())
        if names and time_of_file(path) is not None:
            found.append(ForcingFile(path, names, month_of(path)))
    if not found:
        raise InputError(
            "no forcing here", file=source, expected=f"variables {', '.join(REQUIRED)} over time"
        )
    return sorted(found, key=lambda file: (file.month or (0, 0), file.names, file.path.name))


def is_netcdf_name(path: Path) -> bool:
    """Whether a file is read by its name."""
    return path.is_file() and path.name.removesuffix(".gz").endswith((".nc", ".nc4", ".nc3", ".cdf"))


def month_of(path: Path) -> tuple[int, int] | None:
    """Year and month in a file name."""
    found = MONTH.findall(path.name)
    if not found or not 1 <= int(found[-1][1]) <= 12:
        return None
    return int(found[-1][0]), int(found[-1][1])


def time_of_file(path: Path) -> str | None:
    """Name of the time axis."""
    with open_dataset(path) as dataset:
        return next((name for name in TIME_NAMES if name in dataset), None)


def periods(files: list[ForcingFile]) -> Iterator[tuple[str, list[ForcingFile]]]:
    """Files that belong to one time: a month, or each file alone where its name says none."""
    months = sorted({file.month for file in files if file.month is not None})
    for month in months:
        yield f"{month[0]:04d}-{month[1]:02d}", [file for file in files if file.month == month]
    for file in files:
        if file.month is None:
            yield file.path.name, [file]


def missing_variables(source: object, present: Collection[str]) -> Iterator[Finding]:
    """One finding that names all variables that a run needs and the forcing lacks."""
    humid = "RH" in present or "TDEW" in present
    lacking = [name for name in REQUIRED if name not in present and not (name == "QBOT" and humid)]
    if lacking:
        found, expected = ", ".join(sorted(present)), ", ".join(REQUIRED)
        yield finding("forcing-files", source, ", ".join(lacking), "missing variables", found, expected)


def check_files(source: Path, files: list[ForcingFile]) -> Iterator[Finding]:
    """Missing variables, holes between months, years that are not whole, the same month twice."""
    present = {name for file in files for name in file.names}
    yield from missing_variables(source, present)
    months = {name: sorted(f.month for f in files if name in f.names and f.month) for name in present}
    known = sorted({month for have in months.values() for month in have})
    if not known:
        return
    wanted = {(year, month) for year in range(known[0][0], known[-1][0] + 1) for month in range(1, 13)}
    for name, have in months.items():
        missing = sorted(wanted - set(have))
        if missing:
            text = ", ".join(f"{year:04d}-{month:02d}" for year, month in missing[:6])
            more = f" and {len(missing) - 6} more" if len(missing) > 6 else ""
            yield finding(
                "forcing-files",
                source,
                name,
                "missing months",
                text + more,
                f"every month of {known[0][0]} to {known[-1][0]}",
                files=len(missing),
            )
        twice = sorted({month for month in have if have.count(month) > 1})
        if twice:
            text = ", ".join(f"{year:04d}-{month:02d}" for year, month in twice[:6])
            yield finding("forcing-files", source, name, "a month in two files", text, "each month once")


def read_axis(dataset: Dataset) -> tuple[Axis | None, list[Finding]]:
    """The time axis of a file; None where its units or calendar cannot be understood."""
    time = first_of(dataset, TIME_NAMES)
    if time is None:
        raise InputError("the file has no time axis", file=dataset.path, expected=" or ".join(TIME_NAMES))
    file, calendar = dataset.path, time.attributes.get("calendar")
    findings = []
    if calendar is None:
        text = "no calendar is stated: E3SM takes noleap, CF readers take the standard calendar"
        findings.append(finding("forcing-calendar", file, time.name, text, "absent", "noleap"))
    elif str(calendar).strip().lower() not in E3SM_CALENDARS:
        expected = ", ".join(E3SM_CALENDARS)
        findings.append(
            finding(
                "forcing-calendar", file, time.name, "calendar that E3SM refuses", repr(calendar), expected
            )
        )
    try:
        axis = decode_times(
            flat(time), str(time.attributes.get("units", "")), calendar or "noleap", file=str(file)
        )
    except InputError as error:
        if not findings or calendar is None:
            wanted = error.expected or "units since a date, in a known calendar"
            findings.append(
                finding("forcing-calendar", file, time.name, error.problem, error.found or "", wanted)
            )
        return None, findings
    if axis.dropped:
        findings.append(
            finding(
                "forcing-calendar",
                file,
                time.name,
                "samples of 29 February, which years of 365 days have not",
                f"{axis.dropped} samples",
                "none",
                samples=axis.dropped,
            )
        )
    return Axis(axis.seconds, axis.kept, axis.dropped), findings


def month_bounds(month: tuple[int, int]) -> tuple[int, int]:
    """Begin and end of a month in model seconds."""
    start = (month[0] - 1) * DAYS_PER_YEAR
    first, last = (start + int(MONTH_STARTS[month[1] - 1 + part]) for part in (0, 1))
    return first * SECONDS_PER_DAY, last * SECONDS_PER_DAY


def forcing_cells(dataset: Dataset, variable: Variable, domain: CellTable | None) -> CellTable:
    """The cells of a forcing variable ``[time, ...]``; the land is that of a domain of as many cells.

    Without one the cells of a list are all land, and those of a map where its first sample has a number.
    """
    shape = variable.shape[1:]
    shape = (1, *shape) if len(shape) == 1 else shape
    if len(shape) != 2:
        raise InputError(
            "forcing must be [time, nj, ni] or [time, lat, lon]",
            file=dataset.path,
            variable=variable.name,
            found=dict(zip(variable.dims, variable.shape, strict=True)),
        )
    count = shape[0] * shape[1]
    east, north = (
        first_of(dataset, ("LONGXY", "lon", "longitude")),
        first_of(dataset, ("LATIXY", "lat", "latitude")),
    )
    longitude = latitude = None
    if east is not None and north is not None:
        longitude, latitude = flat(east), flat(north)
        if longitude.size == shape[1] and latitude.size == shape[0] and len(east.shape) == 1 and shape[0] > 1:
            longitude, latitude = (part.ravel() for part in np.meshgrid(longitude, latitude))
        if longitude.size != count or latitude.size != count:
            longitude = latitude = None
    ids = ids_of(dataset)
    ids = ids if ids is not None and ids.size == count else None
    if domain is not None and domain.count == count:
        land = domain.land
    elif shape[0] > 1 and variable.shape[0]:
        land = np.isfinite(variable.values(slice(0, 1)).reshape(-1))
    else:
        land = np.ones(count, dtype=bool)
    copies = ids_before_duplication(dataset)
    return CellTable(str(dataset.path), shape, ids, longitude, latitude, land, None, copies)


def opened(files: list[ForcingFile], stack: ExitStack) -> dict[str, tuple[ForcingFile, Dataset]]:
    """Open datasets by variable."""
    found: dict[str, tuple[ForcingFile, Dataset]] = {}
    for file in files:
        dataset = stack.enter_context(open_dataset(file.path))
        found |= dict.fromkeys(file.names, (file, dataset))
    return found
