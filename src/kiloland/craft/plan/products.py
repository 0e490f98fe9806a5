"""Domain, surface and copies of a plan."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Final

from kiloland import __version__
from kiloland.craft.duplicate import Times
from kiloland.craft.plan.cells import PlannedCells
from kiloland.craft.plan.job import DuplicateTable, OptionsTable, ProductName, SurfaceTable
from kiloland.craft.plan.parts import Finding, PlannedFile, Product
from kiloland.craft.plan.rates import (
    DOMAIN_CELL,
    GEOMETRY_CELL,
    MASK_BYTES,
    PROCESS,
    SURFACE_CELL,
    WEIGHT_BYTES,
    Rates,
)
from kiloland.craft.surface.table import CELL, Kind, SurfaceVariable, chosen_methods, surface_table
from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, open_dataset
from kiloland.grid.domain import BLOCK, processors
from kiloland.verify.copies import CELL_DIMENSIONS, IDENTIFIERS

LENGTHS: Final = {
    "natpft": 17, "lsmpft": 17, "cft": 2, "nlevsoi": 10, "numurbl": 3, "numrad": 2, "nlevurb": 5, "time": 12,
    "nglcec": 10, "nglcecp1": 11, "topounit": 1, "ndir": 16, "nlevslp": 11,
}  # fmt: skip
"""Lengths of dimensions of a surface file that is planned."""
MAPPING_TEXT: Final = "linear: " + 60 * "x"
"""About as long as what a surface file says of the mapping of a variable."""
LEDGER_TEXT: Final = 160 * "x"
INDEX_BYTES: Final = 600
"""Bytes of a file of virtual copies."""


def plan_domain(cells: PlannedCells, rates: Rates) -> Product | None:
    """The domain file; None where it exists."""
    if cells.schema is None:
        return None
    blocks = min(cells.cells, BLOCK) * GEOMETRY_CELL * processors()
    memory = PROCESS + MASK_BYTES * cells.grid.number_of_cells + 8 * cells.land + blocks
    file = PlannedFile("domain.nc", cells.schema)
    seconds = max(cells.cells / rates.domain, file.size / rates.write)
    basis = f"{rates.domain / 1e6:,.3g} million cells/s"
    return Product("domain", cells.cells, [file], cells.read_bytes, memory, seconds, 1, basis)


def plan_surface(
    table: SurfaceTable, methods: dict[str, str], cells: PlannedCells, rates: Rates, folder: Path
) -> tuple[Product, list[Finding]]:
    """The surface file; a source that is missing in a job that is not planned is a finding.

    Finer products that are to lie in the job's own ``folder`` are made on the way: they are not missing.
    """
    findings = [
        Finding("surface.products", f"{path}: no such file")
        for path in table.products
        if not path.is_file() and not table.planned and not made_by_job(path, folder)
    ]
    lengths, names, read_bytes = dict(LENGTHS), table.variables or usual_variables(), 0
    if table.source.is_file():
        try:
            lengths, names, read_bytes = read_header(table.source)
        except InputError as error:
            findings.append(Finding("surface.source", str(error)))
    elif not table.planned:
        findings.append(Finding("surface.source", f"{table.source}: no such file"))
    schema = surface_schema(names, lengths, cells.shape, cells.largest_id)
    file = PlannedFile("surfdata.nc", schema)
    values = sum(math.prod(schema.shape(one)) for one in schema.variables)
    if read_bytes == 0:
        read_bytes = values // max(cells.cells, 1) * table.rows * table.columns * 8
    read_bytes += sum(path.stat().st_size for path in table.products if path.is_file())
    chosen = {chosen_methods(methods)[name].value for name in names if surface_table()[name].has_cells}
    weights = sum(WEIGHT_BYTES.get(method, 0) for method in chosen)
    memory = PROCESS + cells.cells * (DOMAIN_CELL + SURFACE_CELL + weights)
    seconds = max(values / rates.surface, file.size / rates.write)
    basis = f"{rates.surface / 1e6:,.3g} million values/s"
    return Product("surface", cells.cells, [file], read_bytes, memory, seconds, 1, basis), findings


def made_by_job(path: Path, folder: Path) -> bool:
    """Whether a file is to lie in the folder of the products."""
    return path.resolve().is_relative_to(folder.resolve())


def usual_variables() -> tuple[str, ...]:
    """What a planned source holds where the job does not say: all that ELM may read, but for topounits."""
    return tuple(name for name, variable in surface_table().items() if "topounit" not in variable.dims)


def read_header(path: Path) -> tuple[dict[str, int], tuple[str, ...], int]:
    """Dimensions, known variables and bytes of a source, from its header alone."""
    with open_dataset(path) as dataset:
        names = tuple(name for name in surface_table() if name in dataset)
        return dict(dataset.dimensions), names, path.stat().st_size


def surface_schema(
    names: tuple[str, ...], lengths: dict[str, int], shape: tuple[int, int], largest_id: int
) -> FileSchema:
    """The file that ``craft surface`` makes of a source with these variables, texts about as long.

    Two-dimensional where the domain is.
    """
    sizes = {"lsmlat": shape[0], "lsmlon": shape[1]} if shape[0] > 1 else {CELL: shape[1]}
    cell_dims = tuple(sizes)
    table = surface_table()
    kind = "i4" if largest_id < 2**31 else "i8"
    variables = [VariableSchema("gridID", kind, cell_dims, {"long_name": "gridcell id of the domain"})]
    for name, variable in table.items():
        if name in names or variable.kind is Kind.MADE:
            lead = variable.dims[:-1] if variable.has_cells else variable.dims
            sizes |= {dim: lengths.get(dim, LENGTHS.get(dim, 1)) for dim in lead}
            variables.append(surface_variable(variable, (*lead, *cell_dims) if variable.has_cells else lead))
    absent = ", ".join(name for name in table if name not in names)
    attributes = {
        "title": "Surface data of domain.nc",
        "Conventions": "CF-1.11",
        "source": f"kiloland {__version__} craft surface",
        "source_file": "surfdata.nc",
        "domain_file": "domain.nc",
        "distance_limit_km": 100.0,
        "absent_variables": absent,
        "ledger_landunits": LEDGER_TEXT,
    }
    shares = [name for name in names if table[name].kind is Kind.SHARE]
    attributes |= {f"ledger_{name}": LEDGER_TEXT for name in shares}
    return FileSchema(sizes, None, tuple(variables), attributes)


def surface_variable(variable: SurfaceVariable, dims: tuple[str, ...]) -> VariableSchema:
    """A variable of the file with its attributes."""
    said = {"long_name": variable.long_name, "units": variable.units}
    if variable.kind not in (Kind.MADE, Kind.COPIED):
        said["mapping"] = MAPPING_TEXT
    return VariableSchema(variable.name, variable.dtype, dims, said)


def plan_copies(
    table: DuplicateTable, products: list[Product], cells: PlannedCells, options: OptionsTable, rates: Rates
) -> list[Product]:
    """The copies of the products that the job makes, and of a domain that exists."""
    times = Times.from_text(table.times)
    made = []
    for product in products:
        if ProductName(product.name) not in table.products:
            continue
        files = [] if table.virtual else [repeated(file, times, cells) for file in product.files]
        small = (len(product.files), INDEX_BYTES * len(product.files)) if table.virtual else (0, 0)
        written = sum(file.size for file in files)
        ranks = min(options.ranks, max(len(files), 1))
        seconds = written / min(rates.copy * ranks, rates.write if written else math.inf)
        made.append(
            Product(
                f"{product.name} x{times.copies}",
                product.cells * times.copies,
                files,
                product.written_bytes,
                PROCESS + 16 * product.cells * times.copies,
                seconds,
                ranks,
                f"{rates.copy / 1e6:,.0f} MB/s of copies",
                small,
            )
        )
    return made


def repeated(file: PlannedFile, times: Times, cells: PlannedCells) -> PlannedFile:
    """The file with all copies; ids that outgrow 32 bits take 64."""
    schema, step = file.schema, cells.largest_id - cells.first_id + 1
    wide = cells.largest_id + step * (times.copies - 1) >= 2**31
    lengths = {
        dim: length * (times.copies if dim in CELL_DIMENSIONS else 1)
        for dim, length in schema.dimensions.items()
    }
    variables = tuple(
        replace(one, dtype="i8") if wide and one.name in IDENTIFIERS else one for one in schema.variables
    )
    said = {
        "duplicate_source": file.name,
        "duplicate_times": str(times),
        "duplicate_cells": f"ni {cells.cells}",
        "duplicate_id_step": str(step),
        "gridID_origin": f"gridID - copy * {step}, copy = cell // {cells.cells}, cells counted from 0",
    }
    new = replace(schema, dimensions=lengths, variables=variables, attributes={**schema.attributes, **said})
    return PlannedFile(file.name, new)
