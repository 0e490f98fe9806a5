"""A surface file opened for checks: its variables layer by layer, flat over the cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np

from kiloland.craft.check.cells import CellTable, FloatArray, first_of, flat, ids_of
from kiloland.craft.check.domain_data import ids_before_duplication
from kiloland.craft.check.findings import Finding, finding
from kiloland.craft.surface.table import SurfaceVariable, surface_table
from kiloland.files import Dataset
from kiloland.grid.domain_file import shape_of_cells

CELL_DIMENSIONS: Final = (("gridcell",), ("lsmlat", "lsmlon"), ("nj", "ni"), ("lat", "lon"), ("ni",))
"""Dimensions of the cells, as ELM looks for them."""
KEPT: Final = (
    "PCT_NATVEG", "PCT_CROP", "PCT_WETLAND", "PCT_LAKE", "PCT_GLACIER", "PCT_URBAN", "URBAN_REGION_ID",
    "PFTDATA_MASK", "AREA", "TOPO",
)  # fmt: skip
"""Variables that other checks need, kept after they were read."""


@dataclass(frozen=True, eq=False)
class SurfaceData:
    """An open surface file; ``kept`` fills with the layers of KEPT as they are read."""

    dataset: Dataset
    cells: CellTable
    cell_dims: tuple[str, ...]
    kept: dict[str, FloatArray] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.cells.file

    def leading(self, name: str) -> tuple[str, ...]:
        """Dimensions before those of the cells."""
        dims = self.dataset[name].dims
        return dims[: len(dims) - len(self.cell_dims)]

    def fits(self, name: str) -> bool:
        """Whether a variable ends in the dimensions of the cells, after those of the table."""
        variable = surface_table()[name]
        if not variable.has_cells or name not in self.dataset:
            return False
        dims = self.dataset[name].dims
        return (
            dims[len(dims) - len(self.cell_dims) :] == self.cell_dims
            and len(dims) == len(variable.dims) - 1 + len(self.cell_dims)
            and self.dataset[name].dtype.kind in "iuf"
        )

    def layers(self, name: str) -> Iterator[FloatArray]:
        """Layers ``[cell]`` in the order of the file, missing values as NaN."""
        if name in self.kept:
            yield from self.kept[name]
            return
        variable = self.dataset[name]
        lead = variable.shape[: len(variable.dims) - len(self.cell_dims)]
        read = []
        for index in product(*(range(length) for length in lead)):
            stored = variable.read(index if index else ...).reshape(-1)
            layer = stored.astype(np.float64)
            layer[variable.missing(stored)] = np.nan
            scale, offset = (variable.attributes.get(key) for key in ("scale_factor", "add_offset"))
            layer = layer if scale is None else layer * float(scale)
            layer = layer if offset is None else layer + float(offset)
            if name in KEPT:
                read.append(layer)
            yield layer
        if read:
            self.kept[name] = np.stack(read)

    def all_layers(self, name: str) -> FloatArray | None:
        """All layers ``[layer, cell]``; None where the file lacks the variable or it lies otherwise."""
        return np.stack(list(self.layers(name))) if self.fits(name) else None


def open_surface(
    dataset: Dataset, path: Path, domain: CellTable | None
) -> tuple[SurfaceData | None, list[Finding]]:
    """The cells of a surface file, ids and mask from the domain where it has the same number of cells."""
    east = first_of(dataset, ("LONGXY", "xc", "lon"))
    north = first_of(dataset, ("LATIXY", "yc", "lat"))
    if east is None or north is None:
        return None, [
            finding("surface-variables", path, name, "the variable is missing", "absent", "present")
            for name, variable in (("LONGXY", east), ("LATIXY", north))
            if variable is None
        ]
    shape = shape_of_cells(east)
    count = shape[0] * shape[1]
    same = domain is not None and domain.count == count
    own = ids_of(dataset)
    mask = first_of(dataset, ("PFTDATA_MASK",))
    land = np.ones(count, dtype=bool)
    if mask is not None and int(np.prod(mask.shape)) == count:
        land = np.asarray(flat(mask) == 1)
    if same and domain is not None:
        land = domain.land if not land.any() else land & domain.land
    if own is None and same and domain is not None:
        own = domain.ids
    copies = ids_before_duplication(dataset)
    copies = domain.copies_of if copies is None and same and domain is not None else copies
    cells = CellTable(str(path), shape, own, flat(east), flat(north), land, None, copies)
    return SurfaceData(dataset, cells, east.dims), []


def is_required(variable: SurfaceVariable) -> bool:
    """Whether ELM stops without the variable in every run of interest.

    The reference runs of ELM read surface files without ``mxsoil_order``.
    """
    return variable.requirement in ("R", "R (SP; BGC init)") and variable.name != "mxsoil_order"


def check_layout(surface: SurfaceData) -> Iterator[Finding]:
    """Which variables are there, over which dimensions, in which type."""
    dims, dataset = surface.cell_dims, surface.dataset
    if dims not in CELL_DIMENSIONS:
        yield finding(
            "surface-dims", surface.file, "LONGXY", "no dimension of cells that ELM knows", dims, "gridcell"
        )
    others = [
        names for names in CELL_DIMENSIONS[:3] if names != dims and set(names) <= set(dataset.dimensions)
    ]
    if others:
        yield finding(
            "surface-dims",
            surface.file,
            "dimensions",
            "two sets of dimensions of cells: ELM takes the first that it knows",
            ", ".join(" ".join(names) for names in (dims, *others)),
            " ".join(dims),
        )
    for name, variable in surface_table().items():
        if name not in dataset:
            if is_required(variable):
                yield finding(
                    "surface-variables",
                    surface.file,
                    name,
                    "the variable is missing",
                    "absent",
                    "present",
                )
            continue
        yield from _layout_of(surface, variable)


LENGTHS: Final = {
    "natpft": 17, "lsmpft": 17, "numurbl": 3, "numrad": 2, "nlevurb": 5, "time": 12, "nlevslp": 11,
}  # fmt: skip


def _layout_of(surface: SurfaceData, variable: SurfaceVariable) -> Iterator[Finding]:
    found = surface.dataset[variable.name]
    wanted = (*variable.dims[:-1], *surface.cell_dims) if variable.has_cells else variable.dims
    if len(found.dims) != len(wanted) or (
        variable.has_cells and found.dims[len(variable.dims) - 1 :] != surface.cell_dims
    ):
        yield finding(
            "surface-dims",
            surface.file,
            variable.name,
            "other dimensions",
            found.dims,
            f"({', '.join(wanted)})",
        )
    elif found.dims != wanted:
        yield finding(
            "surface-dims",
            surface.file,
            variable.name,
            "dimensions of other names or in another order",
            f"({', '.join(found.dims)})",
            f"({', '.join(wanted)})",
        )
    for dim, length in zip(found.dims, found.shape, strict=True):
        if variable.has_cells and dim in LENGTHS and length != LENGTHS[dim]:
            yield finding(
                "surface-dims", surface.file, variable.name, f"length of {dim}", length, LENGTHS[dim]
            )
    exact = variable.kind.value in ("landunit", "share")
    if found.dtype.kind not in "iuf":
        yield finding(
            "surface-types", surface.file, variable.name, "is not a number", found.dtype, variable.dtype
        )
    elif variable.dtype == "i4" and found.dtype.kind == "f":
        yield finding(
            "surface-types", surface.file, variable.name, "class as a real number", found.dtype, "int32"
        )
    elif exact and found.dtype != np.dtype("f8"):
        yield finding(
            "surface-types", surface.file, variable.name, "share not in double", found.dtype, "float64"
        )
