"""Making the surface file of a domain from a surface file on a regular longitude/latitude grid."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland import __version__
from kiloland.craft.surface.fields import Fields
from kiloland.craft.surface.fractions import SumLedger
from kiloland.craft.surface.groups import LandUnits, Shares
from kiloland.craft.surface.mapper import Mapper, default_limit_km
from kiloland.craft.surface.report import Status, SurfaceSummary, VariableReport, absent_text
from kiloland.craft.surface.source import Source, read_source
from kiloland.craft.surface.table import CELL, Kind, Method, SurfaceVariable, chosen_methods, surface_table
from kiloland.craft.surface.urban import Towns
from kiloland.errors import InputError
from kiloland.files import Dataset, DatasetWriter, FileSchema, VariableSchema, open_dataset
from kiloland.grid import Domain, read_domain
from kiloland.grid.base import BoolArray, FloatArray

logger = logging.getLogger(__name__)

BLOCK: Final = 1 << 17
"""Cells whose shares are worked out at once."""


@dataclass(frozen=True)
class SurfaceRequest:
    """A surface file to be made.

    ``methods`` chooses other methods than the table's, by name of the variable; ``limit_km`` is the distance
    from which a value may be taken where the source has none (None: that of ``default_limit_km``); with
    ``keep_urban`` cells without a town keep their urban region.
    """

    source: Path
    domain: Path
    output: Path
    methods: Mapping[str, str] = field(default_factory=dict)
    two_dimensional: bool = False
    limit_km: float | None = None
    keep_urban: bool = False


def craft_surface(request: SurfaceRequest) -> SurfaceSummary:
    """Make the surface file; nothing is written before everything that is used was read and checked.

    Memory: the weights of the methods and masks that occur (4 bytes a cell for nearest, 48 for linear, about
    20 for conservative), one layer, and the land units of the source. Raises InputError for unusable input.
    """
    started = time.perf_counter()
    methods = chosen_methods(request.methods)
    domain = read_domain(request.domain)
    if request.two_dimensional and domain.shape[0] == 1 and domain.number_of_cells > 1:
        raise InputError(
            "a domain of one row cannot become two-dimensional",
            file=request.domain,
            hint="Make the domain with: kiloland craft domain --two-dimensional",
        )
    with open_dataset(request.source) as dataset:
        source = _source_around(dataset, domain, request.limit_km)
        limit = default_limit_km(source.grid, domain) if request.limit_km is None else request.limit_km
        mapper = Mapper(source.grid, domain, limit, source.path)
        work = _Work(request, source, mapper, methods, _real_land(source))
        prepared = _prepare(work)
        with DatasetWriter(request.output, _schema(work, prepared)) as writer:
            _write(work, prepared, writer)
    weight_bytes = sum(weights.bytes for weights in mapper.kept.values())
    return SurfaceSummary(
        request.output,
        domain.number_of_cells,
        prepared.reports,
        tuple(ledger.text() for ledger in prepared.ledgers.values()),
        _findings(work),
        limit,
        weight_bytes,
        time.perf_counter() - started,
    )


@dataclass(frozen=True)
class _Work:
    """What all steps need."""

    request: SurfaceRequest
    source: Source
    mapper: Mapper
    methods: Mapping[str, Method]
    land: BoolArray

    @property
    def domain(self) -> Domain:
        """The target."""
        return self.mapper.domain

    def blocks(self) -> Iterator[slice]:
        """Stretches of cells, whole rows of a two-dimensional file."""
        number, width = self.domain.number_of_cells, self.domain.shape[1]
        step = max(1, BLOCK // width) * width if self.request.two_dimensional else BLOCK
        for start in range(0, number, step):
            yield slice(start, min(start + step, number))

    def shaped(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values ``[..., cell]`` with the cells in the dimensions of the file."""
        if not self.request.two_dimensional:
            return values
        return values.reshape(*values.shape[:-1], -1, self.domain.shape[1])

    def start(self, lead: tuple[int, ...], cells: slice) -> tuple[int, ...]:
        """Place in the file of a stretch of cells."""
        if self.request.two_dimensional:
            return (*lead, cells.start // self.domain.shape[1], 0)
        return (*lead, cells.start)


@dataclass(frozen=True)
class _Prepared:
    """What was read, checked and counted before the file is begun."""

    units: LandUnits
    shares: Mapping[str, Shares]
    towns: Towns
    town: BoolArray
    fields: Fields
    ledgers: Mapping[str, SumLedger]
    reports: tuple[VariableReport, ...]


def _source_around(dataset: Dataset, domain: Domain, limit_km: float | None) -> Source:
    """The rows of the source that can matter to the domain."""
    whole = read_source(dataset)
    limit = default_limit_km(whole.grid, domain) if limit_km is None else limit_km
    margin = limit / 111.0
    return read_source(dataset, domain.latitude.min() - margin, domain.latitude.max() + margin)


def _real_land(source: Source) -> BoolArray:
    """Source cells with data of real land: PFTDATA_MASK, else LANDFRAC_PFT above 0, else all."""
    for name in ("PFTDATA_MASK", "LANDFRAC_PFT"):
        if name in source.dataset:
            land = np.nan_to_num(source.layer(source.dataset[name], ())) > 0.0
            if not land.any():
                raise InputError("no land near the domain", file=source.path, variable=name)
            return np.asarray(land)
    logger.warning("%s: no PFTDATA_MASK: every cell of the source counts as land", source.dataset.path.name)
    return np.ones(source.grid.cells, dtype=bool)


def _prepare(work: _Work) -> _Prepared:
    """Read and check all that is used, and count what sums and masks made necessary."""
    source, mapper = work.source, work.mapper
    for name, variable in surface_table().items():
        if name in source.dataset:
            _check_dims(source, variable)
    units = LandUnits.read(source, mapper, work.methods, work.land)
    towns = Towns.read(source, mapper, work.land, work.request.keep_urban)
    ledgers = {"landunits": SumLedger("land units")} if units.names else {}
    town = np.zeros(work.domain.number_of_cells, dtype=bool)
    if units.names:
        for cells, parts in units.blocks(ledgers["landunits"], towns.reach, work.blocks()):
            if "PCT_URBAN" in parts:
                town[cells] = parts["PCT_URBAN"].sum(axis=0) > 0.0
    shares = {}
    for name, variable in surface_table().items():
        if variable.kind is Kind.SHARE and name in source.dataset:
            shares[name] = Shares.read(source, variable, units, mapper, work.methods[name], work.land)
            ledgers[name] = SumLedger(name)
            for _ in shares[name].blocks(ledgers[name], work.blocks()):
                pass
    fields = Fields(source, mapper, work.methods, work.land, towns, towns.active(town))
    reports = tuple(_report(work, units, shares, fields, variable) for variable in surface_table().values())
    return _Prepared(units, shares, towns, town, fields, ledgers, reports)


def _check_dims(source: Source, variable: SurfaceVariable) -> None:
    """Raise InputError where a source variable has not the dimensions of the table."""
    dims = source.dataset[variable.name].dims
    fits = len(dims) == len(variable.dims) + 1 and dims[-2:] == source.cell_dims
    if variable.has_cells and not fits:
        raise InputError(
            "has other dimensions than ELM reads",
            file=source.path,
            variable=variable.name,
            found=dims,
            expected=(*variable.dims[:-1], *source.cell_dims),
        )


def _report(
    work: _Work, units: LandUnits, shares: Mapping[str, Shares], fields: Fields, variable: SurfaceVariable
) -> VariableReport:
    """What will become of one variable; single fields are checked here."""
    name, method = variable.name, work.methods[variable.name].value
    if variable.kind is Kind.MADE:
        return VariableReport(name, Status.MADE, "domain", variable.long_name)
    if name not in work.source.dataset:
        return VariableReport(name, Status.ABSENT, "none", variable.absent)
    if not variable.has_cells:
        return VariableReport(name, Status.COPIED, "none", "as in the source")
    if name in units.names:
        return VariableReport(name, Status.MAPPED, method, units.weights[name].ledger.text())
    if name in shares:
        return VariableReport(name, Status.MAPPED, method, shares[name].weights.ledger.text())
    return VariableReport(name, Status.MAPPED, method, fields.examine(variable))


def _schema(work: _Work, prepared: _Prepared) -> FileSchema:
    """Dimensions, variables and attributes of the file."""
    rows, columns = work.domain.shape
    sizes = {"lsmlat": rows, "lsmlon": columns} if work.request.two_dimensional else {}
    sizes = sizes or {CELL: work.domain.number_of_cells}
    cell_dims = tuple(sizes)
    variables = [
        VariableSchema("gridID", _id_type(work.domain), cell_dims, {"long_name": "gridcell id of the domain"})
    ]
    for report in prepared.reports:
        if report.status is Status.ABSENT:
            continue
        variable, dims = surface_table()[report.name], cell_dims
        if report.status is not Status.MADE:
            stored = work.source.dataset[report.name]
            lead = stored.dims[:-2] if variable.has_cells else stored.dims
            sizes |= {dim: work.source.dataset.dimensions[dim] for dim in lead}
            dims = (*lead, *cell_dims) if variable.has_cells else lead
        attributes = {"long_name": variable.long_name, "units": variable.units}
        if report.status is Status.MAPPED:
            attributes |= {"mapping": f"{report.method}: {report.detail}"}
        variables.append(VariableSchema(report.name, variable.dtype, dims, attributes))
    return FileSchema(sizes, None, tuple(variables), _attributes(work, prepared))


def _attributes(work: _Work, prepared: _Prepared) -> dict[str, Any]:
    """Where the data come from, and the ledgers."""
    given = work.source.dataset.attributes
    attributes: dict[str, Any] = {
        "title": f"Surface data of {work.request.domain.name}",
        "Conventions": "CF-1.11",
        "source": f"kiloland {__version__} craft surface",
        "source_file": work.request.source.name,
        "domain_file": work.request.domain.name,
        "distance_limit_km": work.mapper.limit_km,
        "absent_variables": absent_text(prepared.reports),
    }
    attributes |= {f"source_{key}": str(given[key]) for key in ("title", "comment") if key in given}
    return attributes | {f"ledger_{name}": ledger.text() for name, ledger in prepared.ledgers.items()}


def _write(work: _Work, prepared: _Prepared, writer: DatasetWriter) -> None:
    """Write every variable, layer by layer or stretch of cells by stretch."""
    domain = work.domain
    made: dict[str, NDArray[Any]] = {
        "gridID": domain.gridcell_id.astype(_id_type(domain)),
        "LONGXY": domain.longitude,
        "LATIXY": domain.latitude,
        "AREA": domain.area_km2,
        "PFTDATA_MASK": domain.mask,
        "LANDFRAC_PFT": domain.fraction,
    }
    for name, values in made.items():
        writer.put(name, work.shaped(values))
    for report in prepared.reports:
        if report.status is Status.COPIED:
            writer.put(report.name, work.source.dataset[report.name].read())
    _write_groups(work, prepared, writer)
    grouped = {*prepared.units.names, *prepared.shares}
    for report in prepared.reports:
        if report.status is Status.MAPPED and report.name not in grouped:
            variable = surface_table()[report.name]
            for index, values in prepared.fields.layers(variable, prepared.town):
                writer.put(report.name, work.shaped(_typed(values, variable)), start=index or None)


def _write_groups(work: _Work, prepared: _Prepared, writer: DatasetWriter) -> None:
    """Write land units and their shares."""
    units = prepared.units
    if units.names:
        again = SumLedger("land units")
        for cells, parts in units.blocks(again, prepared.towns.reach, work.blocks()):
            for name, values in parts.items():
                lead = work.source.dataset[name].shape[:-2]
                block = work.shaped(values.reshape(*lead, -1))
                writer.put(name, block, start=work.start((0,) * len(lead), cells))
    for name, shares in prepared.shares.items():
        for cells, values in shares.blocks(SumLedger(name), work.blocks()):
            writer.put(name, work.shaped(values), start=work.start((0,), cells))


def _id_type(domain: Domain) -> str:
    """The smallest integer type that holds the gridcell ids."""
    return "i4" if domain.gridcell_id.max(initial=0) < 2**31 else "i8"


def _typed(values: FloatArray, variable: SurfaceVariable) -> NDArray[Any]:
    """Values in the type of the file; codes are whole already."""
    return np.rint(values).astype(np.int32) if variable.dtype == "i4" else values


def _findings(work: _Work) -> tuple[str, ...]:
    """What a user should know about the source."""
    known = surface_table()
    coordinates = {"lon", "lat", "lsmlon", "lsmlat", "longitude", "latitude", "xc", "yc", "gridID"}
    unknown = [name for name in work.source.dataset if name not in known and name not in coordinates]
    return (f"not in the table of variables and left out: {', '.join(unknown)}",) if unknown else ()
