"""``kiloland craft forcing``: a source folder and a domain in, monthly stream files out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from kiloland.craft.forcing.convert import ThreeHourlySource, three_hourly_files
from kiloland.craft.forcing.daymet import daymet_files
from kiloland.craft.forcing.losses import Block, Losses
from kiloland.craft.forcing.output import (
    VARIABLES,
    Month,
    is_complete,
    month_schema,
    stamps,
    write_stream_descriptions,
)
from kiloland.craft.forcing.places import grid_of, land_of
from kiloland.errors import InputError, OutputError
from kiloland.files import DatasetWriter, remove_stale_temporaries
from kiloland.grid import Domain, read_domain

logger = logging.getLogger(__name__)

MEGABYTE: Final = 2**20


@dataclass(frozen=True)
class ForcingRequest:
    """Forcing to be made.

    ``source``: a folder with Daymet's daily files and a reanalysis, or with three-hourly files on Daymet's
    grid; ``first_year`` to ``last_year`` included; ``heights``: FILE:VARIABLE with the height [m] of the
    domain's cells, or None; ``memory`` [MB] bounds the arrays in use; ``part`` of ``parts``: the months that
    this process makes, when several share the work.
    """

    source: Path
    domain: Path
    first_year: int
    last_year: int
    output: Path
    heights: str | None = None
    memory: int = 256
    part: int = 1
    parts: int = 1

    def __post_init__(self) -> None:
        if self.first_year < 2 or self.last_year < self.first_year:
            raise InputError(
                "years must be A:B with A not after B", found=f"{self.first_year}:{self.last_year}"
            )
        if not 1 <= self.part <= self.parts:
            raise InputError("a part must be I/N with I from 1 to N", found=f"{self.part}/{self.parts}")
        if self.memory < 64:
            raise InputError("too little memory", found=f"{self.memory} MB", expected="64 MB or more")

    @property
    def months(self) -> list[Month]:
        """All months of the years."""
        return [
            Month(year, month)
            for year in range(self.first_year, self.last_year + 1)
            for month in range(1, 13)
        ]


class Source(Protocol):
    """Anything that gives the fields of a month over the land cells."""

    @property
    def settings(self) -> str:
        """How the values are made; a file made otherwise is not reused."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What the summary says of the source."""
        ...

    @property
    def together(self) -> bool:
        """Whether the variables of a month come together, or one after the other."""
        ...

    def attributes(self, month: Month) -> dict[str, str]:
        """Global attributes that say where the values come from."""
        ...

    def month(self, month: Month, names: list[str]) -> Iterator[Block]:
        """The fields in pieces, in any order."""
        ...


@dataclass
class ForcingSummary:
    """What was made: files written and kept, cells, seconds, and what of the daily values was lost."""

    folder: Path
    cells: int
    written: int = 0
    kept: int = 0
    bytes: int = 0
    seconds: float = 0.0
    losses: Losses = field(default_factory=Losses)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The summary as text."""
        rate = self.bytes / MEGABYTE / self.seconds if self.seconds > 0 else 0.0
        return [
            f"{self.folder}: {self.written} files written, {self.kept} verified and kept, {self.cells} cells",
            f"{self.bytes / MEGABYTE:.1f} MB in {self.seconds:.1f} s ({rate:.1f} MB/s)",
            *self.losses.lines(),
            *self.notes,
        ]


def craft_forcing(
    request: ForcingRequest, report: Callable[[str], None] = lambda text: None
) -> ForcingSummary:
    """Make the files that are not there yet; ``report`` gets one line a month.

    Every file appears whole or not at all; on a failure the finished ones stay and are used by the next call.
    Raises InputError for an input that cannot be used (before anything is written, where the fault can be
    seen from time axes, units, cells and names), OutputError where a file cannot be written.
    """
    started = time.perf_counter()
    land = land_of(read_domain(request.domain), request.domain)
    source = open_source(request, land)
    try:
        request.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{request.output}: cannot be made ({error.strerror})") from None
    remove_stale_temporaries(request.output)
    summary = ForcingSummary(request.output, land.number_of_cells, notes=list(source.notes))
    months = request.months[request.part - 1 :: request.parts]
    for number, month in enumerate(months, start=1):
        begun = time.perf_counter()
        wanted = [
            name
            for name in VARIABLES
            if not is_complete(month.file(request.output, name), name, month, land, source.settings)
        ]
        if wanted:
            write_month(request, source, land, month, wanted, summary)
        summary.written += len(wanted)
        summary.kept += len(VARIABLES) - len(wanted)
        seconds = time.perf_counter() - begun
        left = (len(months) - number) * (time.perf_counter() - started) / number
        report(
            f"{month}: {len(wanted)} files in {seconds:.1f} s, {number} of {len(months)}, {left:.0f} s left"
        )
    write_stream_descriptions(request.output, request.domain, request.months)
    summary.seconds = time.perf_counter() - started
    return summary


def open_source(request: ForcingRequest, land: Domain) -> Source:
    """What the folder holds, validated; InputError where it holds neither kind of source, or both."""
    folder = request.source
    if not folder.is_dir():
        raise InputError("no such folder", file=folder)
    daily, three_hourly = daymet_files(folder), three_hourly_files(folder)
    if bool(daily) == bool(three_hourly):
        raise InputError(
            "the folder holds both daily and three-hourly files" if daily else "no forcing in the folder",
            file=folder,
            expected="daymet_v4_daily_<na|hi|pr>_<var>_<yyyy>.nc and a reanalysis, "
            "or clmforc.Daymet4.1km.<VAR>.<YYYY-MM>.nc",
        )
    grid = grid_of(land, request.domain)
    years = range(request.first_year, request.last_year + 1)
    if daily:
        # Loaded here, since it brings a compiler along that no other command of this kind needs.
        from kiloland.craft.forcing.downscaling import DownscalingSource

        return DownscalingSource.open(folder, land, grid, years, request.heights, request.memory * MEGABYTE)
    return ThreeHourlySource.open(three_hourly, land, grid, request.months, request.memory * MEGABYTE)


def write_month(
    request: ForcingRequest,
    source: Source,
    land: Domain,
    month: Month,
    names: list[str],
    summary: ForcingSummary,
) -> None:
    """Write some variables of one month, piece by piece.

    Where they come one after the other, a file is finished (synced and verified) while the next one is made.
    """
    groups = [names] if source.together else [[name] for name in names]
    with ThreadPoolExecutor(1, thread_name_prefix="finish") as pool:
        finishing = []
        for group in groups:
            with ExitStack() as stack:
                writers = {}
                for name in group:
                    schema = month_schema(name, month, land, source.settings, source.attributes(month))
                    writers[name] = stack.enter_context(
                        DatasetWriter(month.file(request.output, name), schema)
                    )
                    put_cells(writers[name], name, month, land)
                for first, cell, fields, losses in source.month(month, group):
                    for name, values in fields.items():
                        writers[name].put(name, values[:, None], start=(first, 0, cell))
                    summary.losses.add(losses)
                finishing.append(pool.submit(stack.pop_all().close))
        for finished in finishing:
            finished.result()
    summary.bytes += sum(month.file(request.output, name).stat().st_size for name in names)


def put_cells(writer: DatasetWriter, name: str, month: Month, land: Domain) -> None:
    """All of a file but its field: times, ids and places."""
    kind = next(variable.dtype for variable in writer.schema.variables if variable.name == "gridID")
    writer.put("time", stamps(name, month))
    writer.put("gridID", land.gridcell_id.astype(kind)[None])
    writer.put("LONGXY", land.longitude[None])
    writer.put("LATIXY", land.latitude[None])
