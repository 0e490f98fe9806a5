"""Stream files of the data atmosphere: one file a month, one variable or a group of them, all cells of a
domain.

The files of the kilometre-scale data sets (``clmforc.Daymet4.1km.1d.<VAR>.<YYYY-MM>.nc``) hold ``[time,
nj=1, ni]`` in the order of the domain, with ``gridID``, ``LATIXY`` and ``LONGXY``. Files on a
longitude/latitude grid (``[time, lat, lon]``, the header of the Daymet forcing) are read at the cells' own
grid points. A rank reads its own cells, in blocks of time of bounded size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import (
    MONTH_STARTS,
    SECONDS_PER_DAY,
    SECONDS_PER_YEAR,
    ModelTimes,
    decode_times,
    describe_seconds,
)
from kiloland.atmosphere.derive import forcing_from_weather, require_fields, weather_from_fields
from kiloland.atmosphere.fields import FIELDS, check_units, check_values
from kiloland.atmosphere.findings import raise_first_error
from kiloland.atmosphere.forcing import Forcing, Places, join_times
from kiloland.atmosphere.interpolate import (
    CosineZenith,
    Interpolation,
    Linear,
    Nearest,
    Sun,
    TimeCycle,
    bracket_times,
    check_time_limit,
)
from kiloland.atmosphere.locate import CellIndex, locate_cells
from kiloland.atmosphere.orbit import Orbit
from kiloland.atmosphere.stamps import sample_interval, shift_to_begin, stamp_position
from kiloland.errors import InputError
from kiloland.files import open_dataset

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MONTHS_PER_YEAR: Final = 12
DATM_METHODS: Final[Mapping[str, Interpolation]] = {
    "TBOT": Linear(),
    "QBOT": Linear(),
    "PSRF": Linear(),
    "FLDS": Linear(),
    "WIND": Linear(),
    "FSDS": CosineZenith(),
    "PRECTmms": Nearest(),
}
"""Interpolation of the kilometre-scale data sets in E3SM's data atmosphere."""
BLOCK_BYTES: Final = 256 * 2**20
"""Memory for the samples of one variable while a block of time is read."""


@dataclass(frozen=True)
class Stream:
    """A set of monthly files with the same variables.

    ``folder`` and ``pattern``: file names, with ``{year}`` and ``{month}`` as format fields, for example
    ``clmforc.Daymet4.1km.1d.TBOT.{year:04d}-{month:02d}.nc`` (also found with ``.gz``);
    ``variables``: names in the files (keys of FIELDS); ``method``: interpolation in time; ``cycle``: years;
    ``offset``: seconds added to the stamps; ``time_limit``: largest over smallest step of the time axis.
    """

    folder: Path
    pattern: str
    variables: tuple[str, ...]
    method: Interpolation
    cycle: TimeCycle
    offset: int = 0
    time_limit: float = 1.5

    def file(self, month: int) -> Path:
        """File of a month counted from January of the cycle's first year, any number: the cycle repeats."""
        year, of_year = divmod(month % (self.cycle.years * MONTHS_PER_YEAR), MONTHS_PER_YEAR)
        path = Path(self.folder) / self.pattern.format(year=self.cycle.year_first + year, month=of_year + 1)
        return path if path.is_file() else path.with_name(path.name + ".gz")

    def month_start(self, month: int) -> int:
        """Beginning of such a month in data time that does not jump back [s]."""
        year, of_year = divmod(month, MONTHS_PER_YEAR)
        return self.cycle.start + year * SECONDS_PER_YEAR + int(MONTH_STARTS[of_year]) * SECONDS_PER_DAY

    def month_of(self, data_seconds: int) -> int:
        """Number of the month that holds a data time."""
        year, second = divmod(data_seconds - self.cycle.start, SECONDS_PER_YEAR)
        of_year = int(np.searchsorted(MONTH_STARTS, second // SECONDS_PER_DAY, side="right")) - 1
        return year * MONTHS_PER_YEAR + of_year


@dataclass(frozen=True)
class MonthAxis:
    """Time axis of one file: ``seconds`` from the beginning of the month, ``kept`` positions in the file."""

    seconds: IntArray
    kept: IntArray


@dataclass(frozen=True)
class StreamSource:
    """DATM-style streams as a source of forcing for the places it was opened with."""

    streams: tuple[Stream, ...]
    places: Places
    orbit: Orbit
    index: tuple[CellIndex, ...]
    """Where the places lie in the files of each stream."""
    block_bytes: int = BLOCK_BYTES
    _axes: dict[Path, MonthAxis] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def open(
        cls, streams: Sequence[Stream], places: Places, orbit: Orbit, *, block_bytes: int = BLOCK_BYTES
    ) -> StreamSource:
        """Check that the files of every month exist and belong to the places.

        The first file of each stream is compared with the places by gridcell id and coordinates. InputError
        names the first missing file or variable, wrong unit, wrong calendar, or cell that differs.
        """
        names = [name for stream in streams for name in stream.variables]
        folder = str(streams[0].folder) if streams else "no stream"
        require_fields(names, folder)
        for name in names:
            if name not in FIELDS:
                raise InputError(
                    "unknown forcing variable", file=folder, variable=name, expected=", ".join(FIELDS)
                )
        index = []
        for stream in streams:
            for month in range(stream.cycle.years * MONTHS_PER_YEAR):
                if not stream.file(month).is_file():
                    raise InputError("no such file", file=stream.file(month).with_suffix(""))
            with open_dataset(stream.file(0)) as dataset:
                index.append(locate_cells(dataset, dataset[stream.variables[0]], places))
        return cls(tuple(streams), places, orbit, tuple(index), block_bytes)

    def load(self, times: ModelTimes, cells: IntArray) -> Forcing:
        """Forcing ``[time, cell]`` by DATM's rules; the value of a step is that at its start.

        InputError for a gap in time, for missing, negative or impossible values (file, variable, cell,
        time), and for a month whose file does not belong to the places.
        """
        blocks = list(_year_blocks(times))
        return join_times([self._load_block(block, cells) for block in blocks])

    def _load_block(self, times: ModelTimes, cells: IntArray) -> Forcing:
        """Forcing of steps within one model year."""
        places = self.places.take(cells)
        sun = Sun(self.orbit, places.longitude, places.latitude)
        fields: dict[str, FloatArray] = {}
        for stream, index in zip(self.streams, self.index, strict=True):
            wanted = times.starts + stream.cycle.shift(times.first_step)
            axis, months = self._axis(stream, int(wanted[0]), int(wanted[-1]))
            bracket = bracket_times(axis, wanted, str(stream.file(int(months[0]))))
            weights = stream.method.weights(bracket, sun, times.dtime)
            low, high = int(bracket.lower.min()), int(bracket.upper.max())
            part = index.take(cells)
            for name in stream.variables:
                # Only the samples in reach are read; the others never get a weight.
                samples = np.zeros((len(axis), len(cells)))
                samples[low : high + 1] = self._samples(stream, name, months, low, high, part, places)
                fields[name] = weights.apply(samples)
        return forcing_from_weather(weather_from_fields(fields, str(self.streams[0].folder)))

    def _axis(self, stream: Stream, first: int, last: int) -> tuple[IntArray, IntArray]:
        """Stamps [s] around two data times, tested for gaps, and the month each belongs to."""
        begin, end = stream.month_of(first) - 1, stream.month_of(last) + 1
        stamps, months = [], []
        for month in range(begin, end + 1):
            local = self._month_axis(stream, stream.file(month), month)
            stamps.append(local.seconds + stream.month_start(month) + stream.offset)
            months.append(np.full(len(local.seconds), month, dtype=np.int64))
        axis, month_of = np.concatenate(stamps), np.concatenate(months)
        check_time_limit(axis, stream.time_limit, str(stream.file(stream.month_of(first))))
        return axis, month_of

    def _month_axis(self, stream: Stream, path: Path, month: int) -> MonthAxis:
        """Time axis and units of one file, read once; the stamps must lie in the file's month."""
        if path in self._axes:
            return self._axes[path]
        with open_dataset(path) as dataset:
            time = dataset["time"]
            decoded = decode_times(
                time.read(),
                str(time.attributes.get("units", "")),
                time.attributes.get("calendar"),
                file=str(path),
            )
            for name in stream.variables:
                raise_first_error(check_units(FIELDS[name], dataset[name].attributes.get("units"), str(path)))
        origin = stream.month_start(month % (stream.cycle.years * MONTHS_PER_YEAR))
        of_year = month % MONTHS_PER_YEAR
        length = int(MONTH_STARTS[of_year + 1] - MONTH_STARTS[of_year]) * SECONDS_PER_DAY
        seconds = decoded.seconds - origin
        if not seconds.size or seconds.min() < 0 or seconds.max() > length:
            worst = int(decoded.seconds[np.argmax(np.abs(seconds - length // 2))]) if seconds.size else 0
            raise InputError(
                "the file holds times outside its month",
                file=path,
                variable="time",
                found=describe_seconds(max(worst, 0)) if seconds.size else "no sample",
                expected=f"{describe_seconds(origin)} to {describe_seconds(origin + length)}",
                hint="Is it 29 February under a calendar that has none?",
            )
        position = stamp_position(decoded.seconds, period_start=origin)
        if stream.method.needs_interval_starts and position is not None:
            seconds = seconds + shift_to_begin(position, sample_interval(decoded.seconds))
        self._axes[path] = MonthAxis(seconds, decoded.kept)
        return self._axes[path]

    def _samples(
        self,
        stream: Stream,
        name: str,
        months: IntArray,
        low: int,
        high: int,
        index: CellIndex,
        places: Places,
    ) -> FloatArray:
        """Samples ``low`` to ``high`` of the axis ``[sample, cell]``, checked, from the files of their
        months."""
        samples = np.empty((high - low + 1, places.count))
        for month in np.unique(months[low : high + 1]).tolist():
            path = stream.file(month)
            kept = self._month_axis(stream, path, month).kept
            members = np.flatnonzero(months == month)
            chosen = members[(members >= low) & (members <= high)]
            rows = kept[chosen - members[0]]
            with open_dataset(path) as dataset:
                variable = dataset[name]
                index.check(dataset, variable, places)
                block = max(1, self.block_bytes // max(8 * index.span, 1))
                for start in range(0, len(rows), block):
                    part = rows[start : start + block]
                    values = index.read(variable, int(part[0]), int(part[-1]) + 1)[part - part[0]]
                    samples[chosen[start : start + block] - low] = values
            origin = stream.month_start(month % (stream.cycle.years * MONTHS_PER_YEAR))
            stamps = origin + self._month_axis(stream, path, month).seconds[chosen - members[0]]
            raise_first_error(
                check_values(
                    FIELDS[name],
                    samples[chosen - low],
                    str(path),
                    partial(_describe, stamps=stamps, places=places),
                )
            )
        return samples


def _describe(first: int, last: int, cell: int | None, *, stamps: IntArray, places: Places) -> str:
    """Time and cell in words."""
    text = describe_seconds(int(stamps[first]))
    if cell is None:
        return text
    name = f"gridcell {int(places.gridcell_id[cell])}" if places.gridcell_id is not None else f"cell {cell}"
    return f"{text}, {name} at {places.longitude[cell]:.4f}, {places.latitude[cell]:.4f}"


def _year_blocks(times: ModelTimes) -> list[ModelTimes]:
    """The steps split where a model year begins, since each year has its own place in the cycle."""
    blocks, start = [], times.first_step
    while start < times.end:
        boundary = (start // SECONDS_PER_YEAR + 1) * SECONDS_PER_YEAR
        count = -(-(min(boundary, times.end) - start) // times.dtime)
        blocks.append(ModelTimes(start, times.dtime, count))
        start += count * times.dtime
    return blocks


def daymet_streams(
    folder: str | Path,
    cycle: TimeCycle,
    methods: Mapping[str, Interpolation] = DATM_METHODS,
    *,
    prefix: str = "clmforc.Daymet4.1km.1d",
) -> tuple[Stream, ...]:
    """Streams of a folder with one file per variable and month, named as the kilometre-scale data sets are.

    ``methods``: the variables to read and how each is interpolated.
    """
    return tuple(
        Stream(Path(folder), f"{prefix}.{name}.{{year:04d}}-{{month:02d}}.nc", (name,), method, cycle)
        for name, method in methods.items()
    )
