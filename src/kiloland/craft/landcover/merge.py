"""Putting land-cover shares in the place of those of a surface file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.landcover.shares import UNITS
from kiloland.craft.surface import SurfaceRequest, SurfaceSummary, craft_surface, surface_table
from kiloland.craft.surface.fractions import ordered_sum
from kiloland.craft.surface.table import Kind
from kiloland.errors import InputError
from kiloland.files import Dataset, DatasetWriter, FileSchema, VariableSchema, open_dataset
from kiloland.files.atomic import discard, temporary_for
from kiloland.grid import read_domain
from kiloland.grid.base import BoolArray, FloatArray, IntArray
from kiloland.grid.nearest import cartesian

SHARES: Final = (*UNITS, "PCT_URBAN", "PCT_NAT_PFT")
"""What comes from the land cover."""
SUM_TOLERANCE: Final = 1e-9
"""Percent by which shares of a file may miss 100."""
URBAN_REACH_KM: Final = 300.0
"""From how far urban parameters may come."""


@dataclass(frozen=True)
class LandCover:
    """Land-cover shares ``[..., cell]`` by the names of a surface file; ``known`` ``[cell]`` says where."""

    shares: Mapping[str, FloatArray]
    known: BoolArray


@dataclass(frozen=True)
class MergeLedger:
    """What was put in the place of what."""

    cells: int = 0
    replaced: int = 0
    largest: float = 0.0
    """Greatest change of a share (percent points)."""
    worst_cell: int = -1
    """Place of that change."""
    towns_without_parameters: int = 0
    """Cells whose towns had no urban parameters in reach: that area went to the largest other land unit."""

    def join(self, other: MergeLedger, start: int = 0) -> MergeLedger:
        """The ledger of two stretches of cells; ``start`` is the first cell of the other."""
        worse = other.largest > self.largest
        return MergeLedger(
            self.cells + other.cells,
            self.replaced + other.replaced,
            other.largest if worse else self.largest,
            other.worst_cell + start if worse else self.worst_cell,
            self.towns_without_parameters + other.towns_without_parameters,
        )

    def text(self) -> str:
        """The ledger as a sentence."""
        facts = [f"{self.replaced} of {self.cells} cells from the raster, the others from the source"]
        if self.largest > 0.0:
            facts.append(f"largest change {self.largest:.3g} percent points in cell {self.worst_cell}")
        if self.towns_without_parameters:
            facts.append(
                f"{self.towns_without_parameters} cells lost an urban share without urban parameters in reach"
            )
        return f"land cover: {'; '.join(facts)}"


def read_landcover(dataset: Dataset, cells: slice = slice(None)) -> LandCover:
    """The shares of a file of ``kiloland craft landcover``, or of a stretch of its cells.

    Raises InputError where shares miss 100 together, and for fractions in the place of percent.
    """
    shares = {}
    for name in SHARES:
        lead = dataset[name].shape[:-1]
        shares[name] = np.asarray(dataset[name].values((*(slice(None),) * len(lead), cells)), np.float64)
    known = dataset["known"].read(cells) != 0
    units = np.concatenate([np.atleast_2d(shares[name]) for name in SHARES[:-1]])
    for what, parts in (("land units", units), ("PCT_NAT_PFT", shares["PCT_NAT_PFT"])):
        total = ordered_sum(parts)
        wrong = known & ~(np.abs(total - 100.0) <= SUM_TOLERANCE)
        if wrong.any():
            at = int(np.argmax(wrong))
            fractions = abs(float(total[at]) - 1.0) < 0.01
            raise InputError(
                "shares are given as fractions" if fractions else "shares do not sum to 100 percent",
                file=dataset.path,
                variable=what,
                where=f"cell {at + (cells.start or 0)} and {int(wrong.sum()) - 1} more",
                found=float(total[at]),
                expected="100 percent",
                hint="Multiply these variables by 100" if fractions else None,
            )
    return LandCover(shares, known)


def apply_landcover(
    surface_variables: Mapping[str, NDArray[Any]],
    fractions: LandCover,
    urban_reach: BoolArray | None = None,
) -> tuple[dict[str, NDArray[Any]], MergeLedger]:
    """Surface variables ``[..., cell]`` with the shares of the land cover, and what was changed.

    Only PCT_NATVEG, PCT_CROP, PCT_WETLAND, PCT_LAKE, PCT_GLACIER, PCT_URBAN and PCT_NAT_PFT change, in cells
    where these are known; plant types stay where the raster has no natural vegetation. Towns
    outside of ``urban_reach`` ``[cell]`` (None: everywhere) go to the largest other land unit. All other
    variables are returned as they are. Raises InputError for crops of the raster in a file without crop
    types.
    """
    known = fractions.known
    changed = dict(surface_variables)
    new = {name: values.copy() for name, values in fractions.shares.items()}
    if known.any() and "PCT_CFT" not in surface_variables and (new["PCT_CROP"][known] > 0.0).any():
        raise InputError(
            "the legend gives area to the crop land unit, but the surface file has no crop types",
            variable="PCT_CFT",
            hint='Give such classes to the generic crop: unit "natural", plant = 15',
        )
    lost = np.zeros(known.shape, dtype=bool)
    if urban_reach is not None:
        lost = known & ~urban_reach & (ordered_sum(new["PCT_URBAN"]) > 0.0)
        _give_up_towns(new, lost)
    largest, worst = 0.0, -1
    for name in SHARES:
        if name not in surface_variables:
            continue
        here = known & (new["PCT_NATVEG"] > 0.0) if name == "PCT_NAT_PFT" else known
        before = np.asarray(surface_variables[name], np.float64)
        after = np.where(here, new[name], before)
        change = np.abs(after - before).reshape(-1, known.size).max(axis=0, initial=0.0)
        if change.size and change.max() > largest:
            largest, worst = float(change.max()), int(np.argmax(change))
        changed[name] = after
    return changed, MergeLedger(known.size, int(known.sum()), largest, worst, int(lost.sum()))


def _give_up_towns(shares: dict[str, FloatArray], lost: BoolArray) -> None:
    """Move the urban share of some cells to their largest other land unit; sums stay 100 to rounding."""
    if not lost.any():
        return
    stacked = np.stack([shares[name] for name in UNITS])[:, lost]
    rest = ordered_sum(stacked)
    scaled = np.where(rest > 0.0, stacked, 0.0)
    largest = np.argmax(scaled, axis=0)
    place = np.arange(largest.size)
    scaled[largest, place] = 0.0
    scaled[largest, place] = 100.0 - ordered_sum(scaled)
    # A cell that was all town becomes bare natural vegetation.
    for name, values in zip(UNITS, scaled, strict=True):
        shares[name][lost] = values
    shares["PCT_URBAN"][:, lost] = 0.0


def craft_surface_with_landcover(request: SurfaceRequest, landcover: Path) -> SurfaceSummary:
    """Make a surface file whose land units and plant types come from a land-cover file where it has them.

    The surface file without it is made under a temporary name first, with the urban parameters of all cells
    near towns; cells whose town is new take those of the nearest cell that has some.
    """
    stage = temporary_for(request.output)
    try:
        summary = craft_surface(replace(request, output=stage, keep_urban=True))
        ledger = merge_surface_file(stage, landcover, request, request.output)
    finally:
        discard(stage)
    return replace(summary, path=request.output, ledgers=(*summary.ledgers, ledger.text()))


def merge_surface_file(surface: Path, landcover: Path, request: SurfaceRequest, output: Path) -> MergeLedger:
    """Write ``surface`` with the shares of ``landcover``; one variable or one stretch of cells in memory."""
    domain = read_domain(request.domain)
    with open_dataset(surface) as given, open_dataset(landcover) as cover:
        ids = np.asarray(cover["gridID"].read()).ravel().astype(np.int64)
        if not np.array_equal(ids, domain.gridcell_id):
            raise InputError(
                "the land cover was made for other cells than the domain's, or in another order",
                file=landcover,
                variable="gridID",
                expected=f"the {domain.number_of_cells} ids of {request.domain.name}",
            )
        fractions = read_landcover(cover)
        region = _flat(given, "URBAN_REGION_ID") if "URBAN_REGION_ID" in given else None
        origin = _urban_origin(region, fractions, domain.longitude, domain.latitude)
        wanted = {name: _flat(given, name) for name in SHARES if name in given}
        if "PCT_CFT" in given:
            wanted["PCT_CFT"] = np.empty(0)
        changed, ledger = apply_landcover(wanted, fractions, origin >= 0)
        town = ordered_sum(np.atleast_2d(changed["PCT_URBAN"])) > 0.0 if "PCT_URBAN" in changed else None
        attributes = given.attributes | {"landcover_file": landcover.name, "ledger_landcover": ledger.text()}
        with DatasetWriter(output, _same_schema(given, attributes)) as writer:
            for name in given:
                shape = given[name].shape
                if name in changed and name in SHARES:
                    writer.put(name, changed[name].reshape(shape))
                elif town is not None and _is_urban(name):
                    for index, layer in _layers(given, name):
                        keep = np.ones_like(town) if request.keep_urban else town
                        moved = np.where(keep & (origin >= 0), layer[np.maximum(origin, 0)], 0)
                        size = shape[len(index) :]
                        writer.put(name, moved.astype(layer.dtype).reshape(size), start=index or None)
                else:
                    writer.put(name, given[name].read())
    return ledger


def _is_urban(name: str) -> bool:
    known = surface_table().get(name)
    return name == "URBAN_REGION_ID" or (known is not None and known.kind is Kind.URBAN)


def _flat(dataset: Dataset, name: str) -> NDArray[Any]:
    """A variable with its cells in one dimension."""
    stored = dataset[name].read()
    return stored.reshape(*stored.shape[: -_cell_dims(dataset)], -1)


def _cell_dims(dataset: Dataset) -> int:
    return 1 if "gridcell" in dataset.dimensions else 2


def _layers(dataset: Dataset, name: str) -> Iterator[tuple[tuple[int, ...], NDArray[Any]]]:
    """The layers of a variable, flat, with the indices of their leading dimensions."""
    variable = dataset[name]
    for index in np.ndindex(variable.shape[: -_cell_dims(dataset)]):
        yield index, variable.read(index).ravel()


def _urban_origin(
    region: NDArray[Any] | None, fractions: LandCover, longitude: FloatArray, latitude: FloatArray
) -> IntArray:
    """The cell from which each takes its urban parameters: itself or the nearest with some; -1 for none."""
    own = np.arange(longitude.size)
    if region is None:
        return np.full(longitude.size, -1)
    there = np.flatnonzero(region > 0)
    origin = np.where(region > 0, own, -1)
    towns = ordered_sum(fractions.shares["PCT_URBAN"]) > 0.0
    needy = np.flatnonzero((region <= 0) & fractions.known & towns)
    if not there.size:
        return origin
    places = cartesian(longitude[there], latitude[there])
    for cell in needy:
        apart = places - cartesian(longitude[cell], latitude[cell])
        squared = np.einsum("ij,ij->i", apart, apart)
        best = int(np.argmin(squared))
        if squared[best] <= (1000.0 * URBAN_REACH_KM) ** 2:
            origin[cell] = there[best]
    return origin


def _same_schema(dataset: Dataset, attributes: Mapping[str, Any]) -> FileSchema:
    """The schema of a file, with other attributes; checksums are made anew."""
    plain = {key: value for key, value in attributes.items() if "checksum" not in key.lower()}
    variables = tuple(
        VariableSchema(
            name,
            dataset[name].dtype,
            dataset[name].dims,
            {key: value for key, value in dataset[name].attributes.items() if "checksum" not in key.lower()},
        )
        for name in dataset
    )
    return FileSchema(dataset.dimensions, None, variables, plain)
