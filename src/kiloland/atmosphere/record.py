"""A weather record of one place, measured or prepared, as a source of forcing.

Reads netCDF (the measured SPRUCE forcing, or any file with the names of
:data:`~kiloland.atmosphere.fields.FIELDS` on a time axis) and CSV with a header line. Leap years are
converted to years of 365 days.
"""

from __future__ import annotations

import csv
import gzip
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import (
    DAYS_PER_YEAR,
    SECONDS_PER_DAY,
    SECONDS_PER_YEAR,
    ModelTimes,
    decode_times,
    describe_seconds,
)
from kiloland.atmosphere.derive import forcing_from_weather, require_fields, weather_from_fields
from kiloland.atmosphere.fields import FIELDS, check_units, check_values
from kiloland.atmosphere.findings import Finding, Severity, raise_first_error
from kiloland.atmosphere.forcing import Forcing, Places
from kiloland.atmosphere.interpolate import (
    ConservingCosineZenith,
    Interpolation,
    Linear,
    Lower,
    Sun,
    TimeCycle,
    bracket_times,
    check_time_limit,
    unwrapped_axis,
)
from kiloland.atmosphere.orbit import Orbit
from kiloland.atmosphere.stamps import check_stamps, sample_interval, shift_to_begin, stamp_position
from kiloland.atmosphere.stuck import stuck_samples
from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset

logger = logging.getLogger(__name__)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

TIME_NAMES: Final = ("DTIME", "time", "TIME")
RECORD_METHODS: Final[Mapping[str, Interpolation]] = {
    "FSDS": ConservingCosineZenith(),
    "PRECTmms": Lower(),
}
"""How record variables are interpolated; what is not named here linearly."""


@dataclass(frozen=True)
class Record:
    """Weather of one place: ``seconds`` in model time ``[time]`` and series in the units of FIELDS
    ``[time]``.

    ``rounding``: half a packing step of each series; ``longitude``, ``latitude`` in degrees, NaN where
    unknown.
    """

    file: str
    seconds: IntArray
    series: Mapping[str, FloatArray]
    rounding: Mapping[str, float]
    longitude: float
    latitude: float

    @property
    def interval(self) -> int:
        """Distance of samples [s]."""
        return sample_interval(self.seconds)

    def describe(self, first: int, last: int, cell: int | None = None) -> str:
        """Samples in words, with their dates."""
        a, b = (describe_seconds(int(self.seconds[position])) for position in (first, last))
        return f"samples {first} to {last} ({a} to {b})"


def read_record(path: str | Path) -> Record:
    """Read a record; InputError for unknown formats, missing variables and wrong units."""
    record, findings = load_record(path)
    raise_first_error(findings)
    require_fields(record.series.keys(), record.file)
    return record


def load_record(path: str | Path) -> tuple[Record, list[Finding]]:
    """A record and what is wrong with its units, for checks that want to see everything."""
    file = Path(path)
    if not file.is_file():
        raise InputError("no such file", file=file)
    name = file.name.removesuffix(".gz")
    return _load_csv(file) if name.endswith((".csv", ".txt")) else _load_netcdf(file)


def _load_netcdf(file: Path) -> tuple[Record, list[Finding]]:
    """A record from a netCDF file of one place."""
    with open_dataset(file) as dataset:
        time = next((dataset[name] for name in TIME_NAMES if name in dataset), None)
        if time is None:
            raise InputError("the file has no time axis", file=file, expected=" or ".join(TIME_NAMES))
        axis = decode_times(
            time.values(),
            str(time.attributes.get("units", "")),
            time.attributes.get("calendar"),
            file=str(file),
            variable=time.name,
        )
        series: dict[str, FloatArray] = {}
        rounding: dict[str, float] = {}
        findings: list[Finding] = []
        for name in FIELDS:
            if name not in dataset:
                continue
            variable = dataset[name]
            if variable.dims == () or time.dims[0] not in variable.dims:
                continue
            if int(np.prod(variable.shape)) != time.shape[0]:
                raise InputError(
                    "the file holds several places", file=file, variable=name, found=dict(dataset.dimensions)
                )
            findings += check_units(FIELDS[name], variable.attributes.get("units"), str(file))
            series[name] = variable.values().astype(np.float64).reshape(-1)[axis.kept]
            packed = variable.dtype.kind == "i"
            rounding[name] = 0.5 * abs(float(variable.attributes.get("scale_factor", 0.0))) if packed else 0.0
        longitude, latitude = (_scalar(dataset, name) for name in ("LONGXY", "LATIXY"))
    return Record(str(file), axis.seconds, series, rounding, longitude % 360.0, latitude), findings


def _scalar(dataset: Dataset, name: str) -> float:
    """The first value of a variable, NaN where it is absent."""
    return float(dataset[name].values().reshape(-1)[0]) if name in dataset else float("nan")


def _load_csv(file: Path) -> tuple[Record, list[Finding]]:
    """A record from CSV: ``time`` (ISO 8601, UTC) and variables by name, optionally ``NAME [unit]`` in
    the header."""
    content = file.read_bytes()
    text = (gzip.decompress(content) if file.name.endswith(".gz") else content).decode("utf-8-sig")
    rows = [row for row in csv.reader(text.splitlines()) if row and not row[0].startswith("#")]
    header = [column.strip() for column in rows[0]] if rows else []
    if not header or header[0].lower() != "time":
        raise InputError(
            "the first column of a record must be 'time'", file=file, found=header[:1] or "nothing"
        )
    seconds = np.array([_parse_moment(row[0], file, number) for number, row in enumerate(rows[1:], start=2)])
    kept = np.flatnonzero(seconds >= 0)
    series: dict[str, FloatArray] = {}
    findings: list[Finding] = []
    for column, title in enumerate(header[1:], start=1):
        name, _, unit = title.partition("[")
        field = FIELDS.get(name.strip())
        if field is None:
            continue
        findings += check_units(field, unit.strip(" ]") or None, str(file))
        texts = [row[column] if column < len(row) else "" for row in rows[1:]]
        series[field.name] = np.array([_parse_number(text, file, field.name) for text in texts])[kept]
    record = Record(str(file), seconds[kept].astype(np.int64), series, {}, float("nan"), float("nan"))
    return record, findings


def _parse_moment(text: str, file: Path, line: int) -> int:
    """Model time of an ISO date and time [s]; -1 on 29 February."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InputError(
            "not a time", file=file, where=f"line {line}", found=text, expected="yyyy-mm-ddThh:mm"
        ) from error
    if (moment.month, moment.day) == (2, 29):
        return -1
    day = moment.timetuple().tm_yday - (_leap(moment.year) if moment.month > 2 else 0)
    clock = moment.hour * 3600 + moment.minute * 60 + moment.second
    return ((moment.year - 1) * DAYS_PER_YEAR + day - 1) * SECONDS_PER_DAY + clock


def _leap(year: int) -> int:
    """1 in Gregorian leap years, else 0."""
    return int(year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))


def _parse_number(text: str, file: Path, variable: str) -> float:
    """A number; empty text is missing."""
    try:
        return float(text) if text.strip() else float("nan")
    except ValueError as error:
        raise InputError("not a number", file=file, variable=variable, found=text) from error


def check_record(record: Record) -> list[Finding]:
    """Everything wrong with a record: time stamps, limits and units by value, stuck and copied samples."""
    findings = check_stamps(record.seconds, record.file)
    for name, values in record.series.items():
        findings += check_values(
            FIELDS[name], values, record.file, record.describe, rounding=record.rounding.get(name, 0.0)
        )
    return findings + stuck_samples(record.series, record.interval, record.file, record.describe)


def fill_bad_samples(record: Record, findings: Iterable[Finding]) -> Record:
    """Replace samples that a check called wrong by those of the same hours of the next good day, or the last
    one.

    Every replacement is logged. Findings that concern the whole file cannot be filled and raise.
    """
    bad: dict[str, NDArray[np.bool_]] = {
        name: np.zeros(len(record.seconds), dtype=bool) for name in record.series
    }
    for finding in findings:
        if finding.severity is not Severity.ERROR:
            continue
        if finding.first is None or finding.last is None:
            raise finding.as_error()
        for name in finding.variable.split(", "):
            bad[name][finding.first : finding.last + 1] = True
    per_day = SECONDS_PER_DAY // record.interval
    filled: dict[str, FloatArray] = {}
    for name, values in record.series.items():
        new = values.copy()
        for position in np.flatnonzero(bad[name]).tolist():
            ahead = range(position + per_day, len(values), per_day)
            back = range(position - per_day, -1, -per_day)
            donor = next((place for place in (*ahead, *back) if not bad[name][place]), None)
            if donor is None:
                raise InputError("no good sample to fill with", file=record.file, variable=name)
            new[position] = values[donor]
        if bad[name].any():
            logger.warning(
                "%s: %s: %d bad samples filled from other days", record.file, name, int(bad[name].sum())
            )
        filled[name] = new
    return replace(record, series=filled)


@dataclass(frozen=True)
class RecordSource:
    """A record as forcing of a set of places, which all get the same weather under their own sun."""

    record: Record
    places: Places
    cycle: TimeCycle
    orbit: Orbit
    methods: Mapping[str, Interpolation]

    @classmethod
    def open(
        cls,
        path: str | Path,
        places: Places,
        orbit: Orbit,
        *,
        cycle: TimeCycle | None = None,
        methods: Mapping[str, Interpolation] | None = None,
        fill: bool = False,
        maximum_distance: float | None = 0.5,
    ) -> RecordSource:
        """Read and check a record; ``cycle`` defaults to all whole years of the file, the first one in model
        year 1.

        Raises InputError for the first fault inside the cycle unless ``fill`` asks for replacement, for a
        cycle that the record does not cover, and for a place farther than ``maximum_distance`` degrees.
        """
        record = read_record(path)
        cycle = cycle or whole_years(record)
        inside = (record.seconds >= cycle.start) & (record.seconds < cycle.start + cycle.length)
        part = replace(
            record,
            seconds=record.seconds[inside],
            series={name: values[inside] for name, values in record.series.items()},
        )
        if not inside.any():
            raise InputError("the record holds nothing of these years", file=record.file, expected=cycle)
        findings = check_record(part)
        for finding in findings:
            if finding.severity is Severity.WARNING:
                logger.warning("%s", finding)
        if fill:
            part = fill_bad_samples(part, findings)
        else:
            raise_first_error(findings)
        check_time_limit(unwrapped_axis(part.seconds, cycle), 1.5, record.file)
        if maximum_distance is not None and np.isfinite(record.longitude):
            check_distance(places, record.longitude, record.latitude, maximum_distance, record.file)
        return cls(part, places, cycle, orbit, {**RECORD_METHODS, **(methods or {})})

    def load(self, times: ModelTimes, cells: IntArray) -> Forcing:
        """Forcing ``[time, cell]``; steps longer than the samples get the mean of the samples they cover."""
        places = self.places.take(cells)
        interval = self.record.interval
        share = times.dtime // interval if times.dtime > interval else 1
        if share > 1 and times.dtime % interval:
            raise InputError(
                "the step is not a multiple of the forcing interval",
                file=self.record.file,
                found=f"step {times.dtime} s, samples every {interval} s",
            )
        fine = ModelTimes(times.first_step, times.dtime // share, times.count * share)
        fields = self._fields(fine, Sun(self.orbit, places.longitude, places.latitude))
        shape = (times.count, share, places.count)
        means = {name: values.reshape(shape).mean(axis=1) for name, values in fields.items()}
        return forcing_from_weather(weather_from_fields(means, self.record.file))

    def _fields(self, times: ModelTimes, sun: Sun) -> dict[str, FloatArray]:
        """All series at the steps ``[time, cell]``."""
        shifts = np.array([self.cycle.shift(int(start)) for start in times.starts], dtype=np.int64)
        wanted = times.starts + shifts
        fields: dict[str, FloatArray] = {}
        for name, values in self.record.series.items():
            method = self.methods.get(name, Linear())
            stamps = self.record.seconds
            position = stamp_position(stamps)
            if method.needs_interval_starts and position is not None:
                stamps = stamps + shift_to_begin(position, self.record.interval)
            bracket = bracket_times(unwrapped_axis(stamps, self.cycle), wanted, self.record.file)
            samples = np.concatenate((values[-1:], values, values[:2]))[:, None]
            weights = method.weights(bracket, sun, times.dtime)
            value = weights.apply(np.broadcast_to(samples, (len(samples), len(sun.longitude))))
            fields[name] = value
        return fields


def whole_years(record: Record) -> TimeCycle:
    """The years that a record covers from their first to their last sample."""
    if not len(record.seconds):
        raise InputError("the record is empty", file=record.file)
    per_year = SECONDS_PER_YEAR // record.interval
    years, counts = np.unique(record.seconds // SECONDS_PER_YEAR + 1, return_counts=True)
    whole = years[counts >= per_year]
    if not whole.size:
        raise InputError(
            "the record holds no whole year", file=record.file, found=f"{len(record.seconds)} samples"
        )
    return TimeCycle(int(whole[0]), int(whole[-1]), 1)


def check_distance(places: Places, longitude: float, latitude: float, limit: float, file: str) -> None:
    """InputError where a place lies more than ``limit`` degrees from the place of the forcing."""
    east = np.abs((places.longitude - longitude + 180.0) % 360.0 - 180.0)
    far = np.maximum(east, np.abs(places.latitude - latitude))
    if far.size and far.max() > limit:
        worst = int(np.argmax(far))
        wanted = f"{places.longitude[worst] % 360.0:g}, {places.latitude[worst]:g}"
        raise InputError(
            "the forcing is of another place than the domain",
            file=file,
            variable="LONGXY, LATIXY",
            where=f"cell {worst}",
            found=f"{longitude:g}, {latitude:g}",
            expected=f"{wanted} within {limit:g} degrees",
        )
