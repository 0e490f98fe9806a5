"""The surface file: its dimensions, variables and attributes, and the writing of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland import __version__
from kiloland.craft.surface.fields import Fields
from kiloland.craft.surface.fractions import SumLedger, UnitAreas
from kiloland.craft.surface.groups import LandUnits, Shares
from kiloland.craft.surface.report import Status, VariableReport, absent_text
from kiloland.craft.surface.table import CELL, SurfaceVariable, surface_table
from kiloland.craft.surface.urban import Towns
from kiloland.craft.surface.work import Work
from kiloland.files import DatasetWriter, FileSchema, VariableSchema
from kiloland.grid.base import BoolArray, FloatArray


@dataclass(frozen=True)
class Prepared:
    """What was read, checked and counted before the file is begun."""

    units: LandUnits
    shares: Mapping[str, Shares]
    towns: Towns
    town: BoolArray
    fields: Fields
    ledgers: Mapping[str, str]
    reports: tuple[VariableReport, ...]
    id_type: str
    """The smallest integer type that holds the gridcell ids."""


def file_schema(work: Work, prepared: Prepared) -> FileSchema:
    """Dimensions, variables and attributes of the file."""
    rows, columns = work.slab.shape
    cells = {"lsmlat": rows, "lsmlon": columns} if work.slab.two_dimensional else {CELL: rows * columns}
    sizes, cell_dims = dict(cells), tuple(cells)
    variables = [
        VariableSchema("gridID", prepared.id_type, cell_dims, {"long_name": "gridcell id of the domain"})
    ]
    for report in prepared.reports:
        if report.status is Status.ABSENT:
            continue
        variable, dims = surface_table()[report.name], cell_dims
        if report.status is not Status.MADE:
            lead = dict(_lead(work, variable))
            sizes |= lead
            dims = (*lead, *cell_dims) if variable.has_cells else tuple(lead)
        attributes = {"long_name": variable.long_name, "units": variable.units}
        if report.status is Status.MAPPED:
            attributes |= {"mapping": f"{report.method}: {report.detail}", "source_file": report.source}
        variables.append(VariableSchema(report.name, variable.dtype, dims, attributes))
    return FileSchema(sizes, None, tuple(variables), _attributes(work, prepared))


def _lead(work: Work, variable: SurfaceVariable) -> Iterator[tuple[str, int]]:
    """Dimensions of a variable before those of its cells, with their lengths."""
    values = work.supplies.first(variable.name)
    stored = values.stored(variable.name)
    number = len(stored.dims) - (len(values.cell_dims) if variable.has_cells else 0)
    yield from zip(stored.dims[:number], stored.shape[:number], strict=True)


def _attributes(work: Work, prepared: Prepared) -> dict[str, Any]:
    """Where the data come from, and the ledgers."""
    given = work.supplies.source.values.dataset.attributes
    products = [product.path.name for product in work.request.products]
    products += [work.request.elevation.path.name] if work.request.elevation else []
    attributes: dict[str, Any] = {
        "title": f"Surface data of {work.request.domain.name}",
        "Conventions": "CF-1.11",
        "source": f"kiloland {__version__} craft surface",
        "source_file": work.request.source.name,
        "domain_file": work.request.domain.name,
        "distance_limit_km": work.mapper.limit_km,
        "absent_variables": absent_text(prepared.reports),
    }
    attributes |= {"product_files": ", ".join(products)} if products else {}
    attributes |= {f"source_{key}": str(given[key]) for key in ("title", "comment") if key in given}
    return attributes | {f"ledger_{name}": text for name, text in prepared.ledgers.items()}


def write_file(work: Work, prepared: Prepared, writer: DatasetWriter) -> None:
    """Write every variable, layer by layer or stretch of cells by stretch."""
    domain, slab = work.domain, work.slab
    made: dict[str, NDArray[Any]] = {
        "gridID": domain.gridcell_id.astype(prepared.id_type),
        "LONGXY": domain.longitude,
        "LATIXY": domain.latitude,
        "AREA": domain.area_km2,
        "PFTDATA_MASK": domain.mask,
        "LANDFRAC_PFT": domain.fraction,
    }
    for name, values in made.items():
        writer.put(name, slab.shaped(values), start=slab.start(()))
    _write_groups(work, prepared, writer)
    grouped = {*prepared.units.names, *prepared.shares}
    for report in prepared.reports:
        variable = surface_table()[report.name]
        if report.status is Status.COPIED:
            writer.put(report.name, work.supplies.first(report.name).stored(report.name).read())
        if report.status is Status.MAPPED and report.name not in grouped:
            for index, values in prepared.fields.layers(variable, prepared.town):
                writer.put(report.name, slab.shaped(_typed(values, variable)), start=slab.start(index))


def _write_groups(work: Work, prepared: Prepared, writer: DatasetWriter) -> None:
    """Write land units and their shares."""
    units, slab = prepared.units, work.slab
    if units.names:
        again = SumLedger("land units"), UnitAreas(units.minimum_share)
        for cells, parts in units.blocks(*again, prepared.towns.reach, slab.blocks()):
            for name, values in parts.items():
                lead = work.supplies.lead(name)
                block = slab.shaped(values.reshape(*lead, -1))
                writer.put(name, block, start=slab.start((0,) * len(lead), cells))
    for name, shares in prepared.shares.items():
        for cells, values in shares.blocks(SumLedger(name), slab.blocks()):
            writer.put(name, slab.shaped(values), start=slab.start((0,), cells))


def _typed(values: FloatArray, variable: SurfaceVariable) -> NDArray[Any]:
    """Values in the type of the file; codes are whole already."""
    return np.rint(values).astype(np.int32) if variable.dtype == "i4" else values
