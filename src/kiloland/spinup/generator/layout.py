"""The subgrid of the model world on ELM's files: one soil column a cell, 17 patches a column.

Patch 17 c + t is plant type t of cell c. Every file says in its attributes that it is of the model world.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland import __version__
from kiloland.files import VariableSchema
from kiloland.spinup.generator.climate import Climate, FloatArray
from kiloland.spinup.generator.constants import PLANT_TYPES, SLOTS

Values = NDArray[Any]
FILL = 1e36
INTEGER_FILL = -9999
LABEL = "kiloland model world: made by stepping a made-up model, not ELM and not observed"


@dataclass(frozen=True)
class Subgrid:
    """Cells of a member and their plant types."""

    climate: Climate
    kind: FloatArray
    """Plant type of each slot, ``slot cell``."""
    cover: FloatArray
    """Share of the column, ``slot cell``."""

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.climate.identity)

    @property
    def longitude(self) -> FloatArray:
        """Degrees east, 0 to 360."""
        return np.asarray(self.climate.longitude % 360.0)

    def patches(self, slots: Values, absent: float = 0.0) -> Values:
        """Values of the slots at the patches, ``... pft``; ``absent`` where a plant type is not there."""
        shape = slots.shape[:-2]
        result = np.full((*shape, self.cells, PLANT_TYPES), absent, slots.dtype)
        cell = np.arange(self.cells)
        for slot in range(SLOTS):
            there = self.cover[slot] > 0.0
            kind = self.kind[slot].astype(int)
            result[..., cell[there], kind[there]] = slots[..., slot, there]
        return result.reshape(*shape, self.cells * PLANT_TYPES)

    def slots(self, patches: Values) -> Values:
        """Values of the patches at the slots, ``slot cell``; 0 in empty slots."""
        table = patches.reshape(self.cells, PLANT_TYPES)
        cell = np.arange(self.cells)
        picked = [table[cell, self.kind[slot].astype(int)] for slot in range(SLOTS)]
        return np.where(self.cover > 0.0, np.stack(picked), 0.0)

    def weight(self) -> FloatArray:
        """Share of each patch; bare ground has the rest."""
        table = self.patches(self.cover).reshape(self.cells, PLANT_TYPES).copy()
        table[:, 0] = 1.0 - table[:, 1:].sum(axis=1)
        return np.asarray(table.reshape(-1))


def file_attributes(title: str, member: int, **more: Any) -> dict[str, Any]:
    """Global attributes of every file."""
    return {
        "title": title,
        "source": f"kiloland {__version__} spinup generate",
        "kiloland_kind": "model_world",
        "comment": LABEL,
        "member": np.int32(member),
        "Conventions": "CF-1.7",
        **more,
    }


def variable(
    name: str, dtype: str, dims: tuple[str, ...], units: str | None, long_name: str
) -> VariableSchema:
    """A variable with ELM's attributes."""
    attributes: dict[str, Any] = {"long_name": long_name} if long_name else {}
    if units:
        attributes["units"] = units
    if dtype != "S1" and dims:
        fill = INTEGER_FILL if dtype.startswith("i") else FILL
        attributes |= {"_FillValue": fill, "missing_value": fill}
    return VariableSchema(name, dtype, dims, attributes)


Index = dict[str, tuple[str, tuple[str, ...], Values, str, str]]
"""Name to type, dimensions, values, units and long name."""


def index_vectors(grid: Subgrid, history: bool) -> Index:
    """The vectors that say which cell, column and patch is which, as on ELM's restarts or 1-D histories."""
    cells = grid.cells
    lon, lat = grid.longitude, grid.climate.latitude
    number, one = np.arange(1, cells + 1), np.ones(cells, int)
    patch_cell = np.repeat(number, PLANT_TYPES)
    kind = np.tile(np.arange(PLANT_TYPES), cells)
    weight, active = grid.weight(), (grid.weight() > 0.0).astype(int)
    result: Index = {}

    def add(name: str, dim: str, values: Values, units: str = "", text: str = "") -> None:
        real = values.dtype.kind == "f"
        result[name] = ("f8" if real else "i4", (dim,), values, units, text)

    levels = (("grid1d", "gridcell"), ("topo1d", "topounit"), ("land1d", "landunit"), ("cols1d", "column"))
    for prefix, dim in levels:
        add(f"{prefix}_lon", dim, lon, "degrees_east", f"{dim} longitude")
        add(f"{prefix}_lat", dim, lat, "degrees_north", f"{dim} latitude")
        add(f"{prefix}_ixy", dim, number, "", f"2d longitude index of corresponding {dim}")
        add(f"{prefix}_jxy", dim, one, "", f"2d latitude index of corresponding {dim}")
    add("pfts1d_lon", "pft", np.repeat(lon, PLANT_TYPES), "degrees_east", "pft longitude")
    add("pfts1d_lat", "pft", np.repeat(lat, PLANT_TYPES), "degrees_north", "pft latitude")
    add("pfts1d_ixy", "pft", patch_cell, "", "2d longitude index of corresponding pft")
    add("pfts1d_jxy", "pft", np.ones_like(patch_cell), "", "2d latitude index of corresponding pft")
    whole = np.ones(cells)
    if history:
        add("land1d_wtgcell", "landunit", whole, "", "landunit weight relative to corresponding gridcell")
        add("land1d_ityplunit", "landunit", one, "", "landunit type (vegetated)")
        add("land1d_active", "landunit", one, "", "true => do computations on this landunit")
        add("cols1d_wtgcell", "column", whole, "", "column weight relative to corresponding gridcell")
        add("cols1d_wtlunit", "column", whole, "", "column weight relative to corresponding landunit")
        add("cols1d_itype_lunit", "column", one, "", "column landunit type (vegetated)")
        add("cols1d_active", "column", one, "", "true => do computations on this column")
        add("pfts1d_wtgcell", "pft", weight, "", "pft weight relative to corresponding gridcell")
        add("pfts1d_wtlunit", "pft", weight, "", "pft weight relative to corresponding landunit")
        add("pfts1d_wtcol", "pft", weight, "", "pft weight relative to corresponding column")
        add("pfts1d_itype_veg", "pft", kind, "", "pft vegetation type")
        add("pfts1d_itype_lunit", "pft", np.ones_like(kind), "", "pft landunit type (vegetated)")
        add("pfts1d_active", "pft", active, "", "true => do computations on this pft")
        return result
    for prefix, dim in levels[1:]:
        add(f"{prefix}_gridcell_index", dim, number, "", f"gridcell index of corresponding {dim}")
    for prefix, dim in levels[2:]:
        add(f"{prefix}_topounit_index", dim, number, "", f"topounit index of corresponding {dim}")
    add("cols1d_landunit_index", "column", number, "", "landunit index of corresponding column")
    for name in ("gridcell", "topounit", "landunit", "column"):
        add(f"pfts1d_{name}_index", "pft", patch_cell, "", f"{name} index of corresponding pft")
    add("land1d_ityplun", "landunit", one, "", "landunit type (see global attributes)")
    add("cols1d_ityplun", "column", one, "", "column landunit type (see global attributes)")
    add("cols1d_ityp", "column", one, "", "column type (see global attributes)")
    add("pfts1d_itypveg", "pft", kind, "", "pft vegetation type")
    add("pfts1d_itypcol", "pft", np.ones_like(kind), "", "pft column type (see global attributes)")
    add("pfts1d_ityplun", "pft", np.ones_like(kind), "", "pft landunit type (see global attributes)")
    for prefix, dim in levels[2:]:
        add(f"{prefix}_active", dim, one, "", f"{dim} active flag (1=active, 0=inactive)")
    add("pfts1d_active", "pft", active, "", "pft active flag (1=active, 0=inactive)")
    add("land1d_wtxy", "landunit", whole, "", "landunit weight relative to corresponding gridcell")
    add("cols1d_wtxy", "column", whole, "", "column weight relative to corresponding gridcell")
    add("cols1d_wtlnd", "column", whole, "", "column weight relative to corresponding landunit")
    for relative in ("wtxy", "wtlnd", "wtcol"):
        add(f"pfts1d_{relative}", "pft", weight, "", f"pft weight ({relative})")
    for prefix, dim in (("land1d", "landunit"), ("cols1d", "column")):
        add(f"{prefix}_wttopounit", dim, whole, "", f"{dim} weight relative to corresponding topounit")
    add("pfts1d_wttopounit", "pft", weight, "", "pft weight relative to corresponding topounit")
    return result
