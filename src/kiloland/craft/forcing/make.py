"""``kiloland craft forcing``: a source folder and a domain in, monthly stream files out."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from kiloland.craft.forcing.descriptions import write_stream_descriptions
from kiloland.craft.forcing.land import LandCells
from kiloland.craft.forcing.output import (
    VARIABLES,
    Month,
    is_complete,
    month_schema,
    stamps,
)
from kiloland.craft.forcing.request import ForcingRequest, ForcingSummary
from kiloland.craft.forcing.sources import Source, open_source
from kiloland.errors import InputError, OutputError
from kiloland.files import DatasetWriter, FileSchema, remove_stale_temporaries
from kiloland.run.ranks import Ranks

if TYPE_CHECKING:
    from kiloland.files.deflating import DeflatedWriter

Writer: TypeAlias = "DatasetWriter | DeflatedWriter"
Work = tuple[Month, list[str]]
"""Variables of a month that one rank makes at a time."""
ALONE: Final = Ranks(None, 0, 1)


def craft_forcing(
    request: ForcingRequest,
    report: Callable[[str], None] = lambda text: None,
    ranks: Ranks = ALONE,
) -> ForcingSummary:
    """Make the files that are not there yet; ``report`` gets a line for each piece of work of this rank.

    All ranks call it together and share the pieces in turn; which rank makes a file does not show in it. The
    summary is that of all. Every file appears whole or not at all; on a failure all ranks stop after the
    piece in hand, and the finished files stay and are used by the next call.

    Raises InputError for an input that cannot be used (before anything is written, where the fault can be
    seen from time axes, units, cells and names), OutputError where a file cannot be written; both on all
    ranks.
    """
    started = time.perf_counter()
    with ranks.agreement():
        land = LandCells.open(request.domain)
        source = open_source(request, land)
        if ranks.is_root:
            prepare_output(request)
    mine = ForcingSummary(request.output, land.number_of_cells, notes=list(source.notes))
    months = request.months[request.part - 1 :: request.parts]
    split = ranks.size > 1 and not source.together
    work = pieces_of_work(months, split=split)
    rounds = -(-len(work) // ranks.size)
    for number in range(rounds):
        begun = time.perf_counter()
        own = work[number * ranks.size :][ranks.rank : ranks.size : ranks.size]
        with ranks.agreement():
            for month, names in own:
                done = make_missing(request, source, land, month, names, mine)
                seconds = time.perf_counter() - begun
                left = (rounds - number - 1) * (time.perf_counter() - started) / (number + 1)
                what = f" {names[0]}" if split else ""
                report(
                    f"{month}{what}: {done} files in {seconds:.1f} s, "
                    f"{number + 1} of {rounds}, {left:.0f} s left"
                )
    with ranks.agreement():
        if ranks.is_root:
            write_stream_descriptions(request.output, request.domain, request.months, request.streams)
    summaries: list[ForcingSummary] = ranks.gather(mine)
    for other in summaries[1:]:
        summaries[0].add(other)
    summaries[0].seconds = time.perf_counter() - started
    return summaries[0]


def prepare_output(request: ForcingRequest) -> None:
    """The folder of the files, without what killed processes left in it."""
    if request.output.resolve() == request.source.resolve():
        raise InputError("the output must be another folder than the source", file=request.output)
    try:
        request.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{request.output}: cannot be made ({error.strerror})") from None
    remove_stale_temporaries(request.output)


def pieces_of_work(months: list[Month], *, split: bool) -> list[Work]:
    """What is made at a time: all variables of a month, or each by itself."""
    names = [[name] for name in VARIABLES] if split else [list(VARIABLES)]
    return [(month, some) for month in months for some in names]


def make_missing(
    request: ForcingRequest,
    source: Source,
    land: LandCells,
    month: Month,
    names: list[str],
    summary: ForcingSummary,
) -> int:
    """Write those of some files that are not there and sound; returns how many."""
    settings = source.settings + request.storage
    wanted = [
        name
        for name in names
        if not is_complete(month.file(request.output, name), name, month, land, settings)
    ]
    if wanted:
        write_month(request, source, land, month, wanted, summary)
    summary.written += len(wanted)
    summary.kept += len(names) - len(wanted)
    return len(wanted)


def write_month(
    request: ForcingRequest,
    source: Source,
    land: LandCells,
    month: Month,
    names: list[str],
    summary: ForcingSummary,
) -> None:
    """Write some variables of one month, piece by piece.

    Where they come one after the other, a file is finished (synced and verified) while the next one is made.
    """
    groups = [names] if source.together else [[name] for name in names]
    attributes = source.attributes(month)
    with ThreadPoolExecutor(1, thread_name_prefix="finish") as pool:
        finishing = []
        for group in groups:
            with ExitStack() as stack:
                writers: dict[str, Writer] = {}
                for name in group:
                    settings = source.settings + request.storage
                    schema = month_schema(
                        name,
                        month,
                        land.number_of_cells,
                        land.largest_id,
                        settings,
                        attributes,
                        request.encoding,
                    )
                    path = month.file(request.output, name)
                    writers[name] = open_writer(path, schema, request.deflate)
                    stack.push(writers[name])
                    put_cells(writers[name], name, month, land)
                for first, cell, fields, losses in source.month(month, group):
                    for name, values in fields.items():
                        stored = request.encoding.encode(name, values, summary.errors)
                        writers[name].put(name, stored[:, None], start=(first, 0, cell))
                    summary.losses.add(losses)
                finishing.append(pool.submit(stack.pop_all().close))
        for finished in finishing:
            finished.result()
    summary.bytes += sum(month.file(request.output, name).stat().st_size for name in names)


def open_writer(path: Path, schema: FileSchema, deflate: int | None) -> Writer:
    """A new file, plain or compressed."""
    if deflate is None:
        return DatasetWriter(path, schema)
    # Loaded here, since it brings the netCDF library along that plain files do without.
    from kiloland.files.deflating import DeflatedWriter

    return DeflatedWriter(path, schema, deflate)


def put_cells(writer: Writer, name: str, month: Month, land: LandCells) -> None:
    """All of a file but its field: times, ids and places."""
    kind = next(variable.dtype for variable in writer.schema.variables if variable.name == "gridID")
    writer.put("time", stamps(name, month))
    for part in land.pieces():
        cells, start = land.cells(part), (0, part.start)
        writer.put("gridID", cells.gridcell_id.astype(kind)[None], start=start)
        writer.put("LONGXY", cells.longitude[None], start=start)
        writer.put("LATIXY", cells.latitude[None], start=start)
