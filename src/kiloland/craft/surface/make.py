"""Making the surface file of a domain from a surface file on a grid and any number of finer products."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from kiloland.craft.surface.checks import check_percent
from kiloland.craft.surface.fields import FieldCount, Fields
from kiloland.craft.surface.fractions import SumLedger, UnitAreas
from kiloland.craft.surface.groups import LandUnits, Shares
from kiloland.craft.surface.output import Prepared, file_schema, write_file
from kiloland.craft.surface.report import Status, SurfaceSummary, VariableReport
from kiloland.craft.surface.supply import Part
from kiloland.craft.surface.table import Kind, SurfaceVariable, surface_table
from kiloland.craft.surface.urban import Towns
from kiloland.craft.surface.work import SurfaceRequest, Work, open_work, read_slab, target_of
from kiloland.errors import InputError
from kiloland.files import DatasetWriter
from kiloland.run.ranks import Ranks

ALONE = Ranks(None, 0, 1)


def craft_surface(request: SurfaceRequest, ranks: Ranks = ALONE) -> SurfaceSummary:
    """Make the surface file; nothing is written before everything that is used was read and checked.

    Each rank maps and writes its stretch of cells; the bytes do not depend on how many there are. Memory: the
    weights of the methods and masks that occur (4 bytes a cell for nearest, 48 for linear, about 20 for
    conservative), one layer, and the land units of the source. Raises InputError for unusable input, on all
    ranks together.
    """
    started = time.perf_counter()
    with ExitStack() as files:
        files.enter_context(ranks.ending_together())
        with ranks.agreement():
            slab = read_slab(request, ranks)
        target = target_of(request, slab.domain, ranks)
        with ranks.agreement():
            work = open_work(request, slab, target, files)
            counted = _examine(work)
        _merge(counted, ranks)
        prepared = _judged(work, counted, max(ranks.gather(int(slab.domain.gridcell_id.max()))))
        with DatasetWriter(request.output, file_schema(work, prepared), ranks.communicator) as writer:
            write_file(work, prepared, writer)
    weight_bytes = sum(ranks.gather(_weight_bytes(work)))
    return SurfaceSummary(
        request.output,
        slab.all_cells,
        prepared.reports,
        tuple(prepared.ledgers.values()),
        _findings(work),
        work.mapper.limit_km,
        weight_bytes,
        time.perf_counter() - started,
    )


@dataclass
class _Counted:
    """What was read and counted on this rank; after merging, the ledgers are those of all ranks."""

    units: LandUnits
    shares: dict[str, Shares]
    towns: Towns
    town: np.ndarray
    fields: Fields
    areas: UnitAreas
    parts: dict[str, tuple[Part, ...]] = field(default_factory=dict)
    counts: dict[str, FieldCount] = field(default_factory=dict)
    sums: dict[str, SumLedger] = field(default_factory=dict)
    urban: tuple[int, int] = (0, 0)
    """Cells with urban land units, and all cells."""


def _examine(work: Work) -> _Counted:
    """Read and check all that is used, and count what sums and masks made necessary."""
    supplies, domain = work.supplies, work.domain
    for name, variable in surface_table().items():
        if supplies.has(name):
            supplies.check_dims(variable)
            supplies.lead(name)
    units = LandUnits.read(supplies, domain, work.request.minimum_share)
    towns = Towns.read(supplies.source, work.mapper, work.request.keep_urban)
    areas, sums = UnitAreas(work.request.minimum_share), {}
    town = np.zeros(domain.number_of_cells, dtype=bool)
    if units.names:
        sums["landunits"] = SumLedger("land units")
        blocks = units.blocks(sums["landunits"], areas, towns.reach, work.slab.blocks())
        for cells, parts in blocks:
            if "PCT_URBAN" in parts:
                town[cells] = parts["PCT_URBAN"].sum(axis=0) > 0.0
    active = towns.active(town)
    fields = Fields(supplies, domain, towns, active)
    urban = int((active & towns.reach).sum()), active.size
    counted = _Counted(units, {}, towns, town, fields, areas, dict(units.parts), {}, sums, urban)
    for name, variable in surface_table().items():
        _examine_one(work, counted, name, variable)
    return counted


def _examine_one(work: Work, counted: _Counted, name: str, variable: SurfaceVariable) -> None:
    """Read and check one variable that is no land unit."""
    made = variable.kind in (Kind.MADE, Kind.COPIED) or not work.supplies.has(name)
    if made or name in counted.units.names:
        return
    if variable.kind is not Kind.SHARE:
        counted.parts[name], counted.counts[name] = counted.fields.examine(variable)
        return
    shares = counted.shares[name] = Shares.read(work.supplies, variable, work.domain)
    counted.parts[name], counted.sums[name] = shares.parts, SumLedger(name)
    for _ in shares.blocks(counted.sums[name], work.slab.blocks()):
        pass


def _merge(counted: _Counted, ranks: Ranks) -> None:
    """Ledgers of all ranks, in the order of their cells."""
    if ranks.size == 1:
        return
    mine = counted.parts, counted.counts, counted.sums, counted.areas, counted.fields.texture, counted.urban
    every = ranks.gather(mine)
    for name in counted.parts:
        pieces = zip(*(found[0][name] for found in every), strict=True)
        counted.parts[name] = tuple(Part.merged(piece) for piece in pieces)
    first = every[0]
    for _, counts, sums, areas, texture, _ in every[1:]:
        for name, count in counts.items():
            first[1][name].add(count)
        for name, ledger in sums.items():
            first[2][name].add(ledger)
        first[3].add(areas)
        first[4].add(texture)
    counted.counts, counted.sums, counted.areas = first[1], first[2], first[3]
    counted.fields.texture.changed, counted.fields.texture.largest = first[4].changed, first[4].largest
    counted.urban = sum(found[5][0] for found in every), sum(found[5][1] for found in every)


def _judged(work: Work, counted: _Counted, largest_id: int) -> Prepared:
    """Reports of all variables; the same on all ranks. Raises InputError for a fraction called percent."""
    for name, count in counted.counts.items():
        variable = surface_table()[name]
        if variable.kind in (Kind.SOIL_PERCENT, Kind.PERCENT):
            for giver, extremes in zip(work.supplies.of(name), count.extremes, strict=True):
                check_percent(giver.supply.values, variable, extremes)
    for name, parts in counted.parts.items():
        for part in parts:
            if part.product and part.taken and not any(part.taken):
                raise InputError("gives no value in any cell of the domain", file=part.on_file, variable=name)
    ledgers = {name: ledger.text() for name, ledger in counted.sums.items()}
    if counted.areas.after:
        ledgers["landunit_areas"] = counted.areas.text()
    if work.supplies.has("PCT_SAND") and work.supplies.has("PCT_CLAY"):
        ledgers["texture"] = counted.fields.texture.text()
    reports = tuple(_report(work, counted, variable) for variable in surface_table().values())
    return Prepared(
        counted.units,
        counted.shares,
        counted.towns,
        counted.town,
        counted.fields,
        ledgers,
        reports,
        "i4" if largest_id < 2**31 else "i8",
    )


def _report(work: Work, counted: _Counted, variable: SurfaceVariable) -> VariableReport:
    """What becomes of one variable."""
    name, supplies = variable.name, work.supplies
    if variable.kind is Kind.MADE:
        return VariableReport(name, Status.MADE, "domain", variable.long_name, work.request.domain.name)
    if not supplies.has(name):
        return VariableReport(name, Status.ABSENT, "none", variable.absent)
    if not variable.has_cells:
        source = supplies.first(name).on_file(name)
        return VariableReport(name, Status.COPIED, "none", "as in the source", source)
    parts = counted.parts[name]
    if not parts:
        source = "; ".join(giver.supply.values.on_file(name) for giver in supplies.of(name))
        text = f"{counted.urban[0]} of {counted.urban[1]} cells with towns, 0 elsewhere"
        return VariableReport(name, Status.MAPPED, work.methods[name].value, text, source)
    return VariableReport(name, Status.MAPPED, *_told(counted, name, parts))


def _told(counted: _Counted, name: str, parts: tuple[Part, ...]) -> tuple[str, str, str]:
    """Method, detail and source of a mapped variable."""
    last = parts[-1].ledger
    detail = last.text() if last else "no layers"
    if name in counted.counts:
        detail += counted.counts[name].text()
    if len(parts) == 1:
        return parts[0].label, detail, parts[0].on_file
    method = " then ".join(dict.fromkeys(part.label for part in parts))
    shares = [f"{part.cells} cells from {part.on_file} ({part.label})" for part in parts]
    return method, f"{'; '.join(shares)}; {detail}", "; ".join(part.on_file for part in parts)


def _weight_bytes(work: Work) -> int:
    """Memory of all weights of this rank."""
    mappers = {id(m): m for file in work.supplies.files for m in (file.mapper, file.filling)}
    return sum(mapper.bytes for mapper in mappers.values())


def _findings(work: Work) -> tuple[str, ...]:
    """What a user should know about the source."""
    known: Mapping[str, SurfaceVariable] = surface_table()
    coordinates = {"lon", "lat", "lsmlon", "lsmlat", "longitude", "latitude", "xc", "yc", "gridID"}
    source = work.supplies.source.values.dataset
    unknown = [name for name in source if name not in known and name not in coordinates]
    return (f"not in the table of variables and left out: {', '.join(unknown)}",) if unknown else ()
