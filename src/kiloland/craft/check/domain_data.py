"""A domain file as it is, read without refusing anything that a check can name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kiloland.craft.check.cells import CellTable, FloatArray, IntArray, first_of, flat, ids_of
from kiloland.craft.check.daymet_places import daymet_grid_ids
from kiloland.craft.check.findings import Finding, finding
from kiloland.craft.duplicate import CELLS_ATTRIBUTE, STEP_ATTRIBUTE, origins
from kiloland.files import Dataset, Variable, open_dataset
from kiloland.grid.domain_file import shape_of_cells

WANTED = {
    "xc": ("xc", "LONGXY", "xCell"),
    "yc": ("yc", "LATIXY", "yCell"),
    "area": ("area", "AREA"),
    "mask": ("LANDMASK", "mask"),
    "frac": ("LANDFRAC", "frac"),
}
"""What a domain must have, with the names that ELM takes in order."""


@dataclass(frozen=True, eq=False)
class DomainData:
    """A domain: columns flat over cells, by the names of WANTED and as on file; corners ``[4, cell]``."""

    cells: CellTable
    columns: dict[str, FloatArray]
    units: dict[str, str | None]
    corners: tuple[FloatArray, FloatArray] | None
    mapping: dict[str, Any]
    daymet_ids: IntArray | None
    """Ids as cells of the Daymet grid, None for another grid."""


def read_domain_data(path: Path) -> tuple[DomainData | None, list[Finding]]:
    """The domain, and what cannot be read of it as findings; None without coordinates.

    Raises InputError where the file cannot be read at all.
    """
    with open_dataset(path) as dataset:
        findings: list[Finding] = []
        found = {name: first_of(dataset, names) for name, names in WANTED.items()}
        for name, variable in found.items():
            if variable is None:
                findings.append(
                    finding("domain-variables", path, name, "the variable is missing", "absent", "present")
                )
        centre = found["xc"]
        if centre is None or found["yc"] is None:
            return None, findings
        shape = shape_of_cells(centre)
        present = {name: variable for name, variable in found.items() if variable is not None}
        extras = ("gridID", "gridXID", "gridYID", "xc_LCC", "yc_LCC", "xc_lcc", "yc_lcc")
        present |= {name: dataset[name] for name in extras if name in dataset}
        columns: dict[str, FloatArray] = {}
        for name, variable in present.items():
            problem = cannot_be_column(variable, shape)
            if problem:
                facts = f"({', '.join(variable.dims)}) {variable.dtype}"
                findings.append(
                    finding("domain-variables", path, variable.name, problem, facts, f"a number for {shape}")
                )
            else:
                columns[name] = flat(variable)
        if "xc" not in columns or "yc" not in columns:
            return None, findings
        units = {name: _text(variable, "units") for name, variable in present.items()}
        cells = table_of(dataset, shape, columns)
        mapping = _mapping(dataset)
        declared = str(dataset.attributes.get("grid", "")) == "daymet"
        ids = daymet_grid_ids(cells, declared)
        return DomainData(cells, columns, units, _corners(dataset, shape), mapping, ids), findings


def cannot_be_column(variable: Variable, shape: tuple[int, int]) -> str | None:
    """Why a variable is no number for every cell, or None."""
    if variable.dtype.kind not in "iuf":
        return "is not a number"
    if variable.shape not in (shape, shape[1:]) or (len(variable.shape) == 1 and shape[0] != 1):
        return "lies on other cells than xc"
    return None


def table_of(dataset: Dataset, shape: tuple[int, int], columns: dict[str, FloatArray]) -> CellTable:
    """The cells of a domain file."""
    ids = ids_of(dataset)
    count = shape[0] * shape[1]
    mask = columns.get("mask", np.ones(count))
    return CellTable(
        str(dataset.path),
        shape,
        ids if ids is not None and ids.size == count else None,
        columns["xc"],
        columns["yc"],
        np.asarray(mask == 1),
        columns.get("area"),
        ids_before_duplication(dataset),
    )


def ids_before_duplication(dataset: Dataset) -> IntArray | None:
    """Ids of the source of a file of copies; None for any other file."""
    if CELLS_ATTRIBUTE in dataset.attributes and STEP_ATTRIBUTE in dataset.attributes and "gridID" in dataset:
        return origins(dataset)[1]
    return None


def _corners(dataset: Dataset, shape: tuple[int, int]) -> tuple[FloatArray, FloatArray] | None:
    """Longitude and latitude of the corners ``[4, cell]``, whichever end of the dimensions they are at."""
    if "xv" not in dataset or "yv" not in dataset:
        return None
    parts = []
    for name in ("xv", "yv"):
        variable, count = dataset[name], shape[0] * shape[1]
        if variable.shape[-1] == 4 and int(np.prod(variable.shape[:-1])) == count:
            parts.append(flat(variable).reshape(count, 4).T)
        elif variable.shape[:1] == (4,) and int(np.prod(variable.shape[1:])) == count:
            parts.append(flat(variable).reshape(4, count))
        else:
            return None
    return parts[0], parts[1]


def _text(variable: Variable, attribute: str) -> str | None:
    value = variable.attributes.get(attribute)
    return None if value is None else str(value).strip()


def _mapping(dataset: Dataset) -> dict[str, Any]:
    """Attributes of the grid mapping, empty without one."""
    for name in dataset:
        if "grid_mapping_name" in dataset[name].attributes:
            return dict(dataset[name].attributes)
    return {}


def mapping_findings(domain: DomainData) -> Iterator[Finding]:
    """A grid mapping whose text and attributes name different figures of the Earth."""
    text = " ".join(str(domain.mapping.get(key, "")) for key in ("proj4", "proj4text", "crs_wkt", "proj"))
    sphere = "+R=" in text or "+r=" in text
    if sphere and float(domain.mapping.get("inverse_flattening", 0.0) or 0.0) > 0.0:
        yield finding(
            "domain-projection",
            domain.cells.file,
            str(domain.mapping.get("grid_mapping_name")),
            "the text is a sphere (+R), the attributes an ellipsoid",
            text.strip(),
            "+ellps=WGS84",
        )
