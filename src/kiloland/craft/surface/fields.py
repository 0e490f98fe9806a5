"""Variables that are mapped one layer at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from kiloland.craft.surface.checks import Extremes, check_layer
from kiloland.craft.surface.mapper import SPLINES, Mapper
from kiloland.craft.surface.supply import Counter, Giver, Part, Supplies, laid_over
from kiloland.craft.surface.table import Kind, Method, SurfaceVariable, surface_table
from kiloland.craft.surface.urban import Towns
from kiloland.errors import InputError
from kiloland.grid.base import BoolArray, FloatArray
from kiloland.grid.domain import Domain

Index = tuple[int, ...]
CLASS_COUNTS = {"SOIL_COLOR": "mxsoil_color", "SOIL_ORDER": "mxsoil_order"}
TEXTURE = ("PCT_SAND", "PCT_CLAY")


@dataclass
class FieldCount:
    """What was seen and changed in the layers of one variable."""

    extremes: list[Extremes]
    """Of each file that gives it."""
    clipped: int = 0
    """Values of splines that were brought back within the bounds of the variable, all layers together."""
    corrected: int = 0
    """Cells corrected for elevation."""

    def add(self, other: FieldCount) -> None:
        """Take in what another rank counted."""
        for mine, theirs in zip(self.extremes, other.extremes, strict=True):
            mine.add(theirs)
        self.clipped += other.clipped
        self.corrected += other.corrected

    def text(self) -> str:
        """What was changed, as clauses."""
        clipped = f"; {self.clipped} values of the spline brought within bounds" if self.clipped else ""
        return clipped + (f"; {self.corrected} cells corrected for elevation" if self.corrected else "")


@dataclass
class TextureLedger:
    """Sand and clay of more than 100 % together."""

    changed: int = 0
    """Layers of cells, counted one by one."""
    largest: float = 0.0
    """Largest excess (percent points)."""

    def add(self, other: TextureLedger) -> None:
        """Take in what another rank counted."""
        self.changed += other.changed
        self.largest = max(self.largest, other.largest)

    def text(self) -> str:
        """The ledger as a sentence."""
        if not self.changed:
            return "soil texture: sand and clay are at most 100 % together everywhere"
        return (
            f"soil texture: sand and clay scaled to 100 % in {self.changed} layers of cells; largest excess "
            f"{self.largest:.3g} percent points"
        )


@dataclass(frozen=True)
class Fields:
    """Reads, checks and maps single fields; ``urban_active`` are the targets with urban land units."""

    supplies: Supplies
    domain: Domain
    towns: Towns
    urban_active: BoolArray
    texture: TextureLedger = field(default_factory=TextureLedger)

    def examine(self, variable: SurfaceVariable) -> tuple[tuple[Part, ...], FieldCount]:
        """Check all layers and make their weights; what each file gives, and what had to be changed.

        Raises InputError for values out of bounds, wrong codes, percent given as a fraction and the reverse,
        and for land cells too far from any value.
        """
        givers, lead = self.supplies.of(variable.name), self.supplies.lead(variable.name)
        count = FieldCount([Extremes() for _ in givers])
        if variable.kind is Kind.URBAN or variable.name == "URBAN_REGION_ID":
            self._examine_urban(variable, givers, lead)
            return (), count
        counter = Counter(givers, variable.name, self.domain.mask == 1, self.domain.gridcell_id)
        for index in np.ndindex(lead):
            weights = []
            for giver, extremes in zip(givers, count.extremes, strict=True):
                layer, values = giver.supply.layer(variable.name, index), giver.supply.values
                valid = np.isfinite(layer)
                used = giver.mapper.used(giver.method, valid, variable.name)
                check_layer(values, variable, layer, used & valid, self._high(variable))
                extremes.see(layer[used & valid])
                weights.append(giver.mapper.weights(giver.method, valid, variable.name))
                self._count(giver, variable, layer, count)
            counter.see(weights)
            if variable.name == "PCT_SAND" and self.supplies.has("PCT_CLAY"):
                self._texture(index, self.texture)
        return counter.parts(), count

    def _count(self, giver: Giver, variable: SurfaceVariable, layer: FloatArray, count: FieldCount) -> None:
        """Count what bounds and elevations change in one layer."""
        mapper, method = giver.mapper, giver.mapper.effective(giver.method)
        if method in SPLINES:
            raw = mapper.map(layer, method, variable.name)
            held = _within(raw, variable.low, self._high(variable))
            count.clipped += int(((held != raw) & np.isfinite(raw)).sum())
        if method is Method.ELEVATION and isinstance(mapper, Mapper):
            corrected = mapper.corrections(np.isfinite(layer), variable.name).corrected
            count.corrected = max(count.corrected, corrected)

    def layers(self, variable: SurfaceVariable, town: BoolArray) -> Iterator[tuple[Index, FloatArray]]:
        """The mapped layers ``[target]`` with the indices of their leading dimensions."""
        pair = variable.name in TEXTURE and all(self.supplies.has(name) for name in TEXTURE)
        for index in np.ndindex(self.supplies.lead(variable.name)):
            if variable.name == "URBAN_REGION_ID":
                yield index, self._regions(variable, town)
            elif variable.kind is Kind.URBAN:
                yield index, _within(self._urban(variable, index), variable.low, variable.high)
            elif pair:
                yield index, self._texture(index, TextureLedger())[TEXTURE.index(variable.name)]
            else:
                yield index, self._values(variable, index)

    def _values(self, variable: SurfaceVariable, index: Index) -> FloatArray:
        """One layer from all files; the lowest value, or 0, off land where none has one."""
        low, high = variable.low, self._high(variable)
        parts: list[FloatArray] = []
        for giver in self.supplies.of(variable.name):
            layer = giver.supply.layer(variable.name, index)
            parts.append(_within(self._mapped(giver, variable, layer), low, high))
            if not np.isnan(parts[-1]).any():
                break
        values = laid_over(parts)
        return np.where(np.isnan(values), low or 0.0, values)

    def _mapped(self, giver: Giver, variable: SurfaceVariable, layer: FloatArray) -> FloatArray:
        """One layer of one file; angles as the mean direction (degrees, 0 to 360) of unit vectors."""
        method, name = giver.method, variable.name
        if variable.kind is not Kind.ANGLE or giver.mapper.effective(method) is Method.NEAREST:
            return giver.mapper.map(layer, method, name)
        angle = np.deg2rad(layer)
        east = giver.mapper.map(np.sin(angle), method, name)
        north = giver.mapper.map(np.cos(angle), method, name)
        return np.mod(np.rad2deg(np.arctan2(east, north)), 360.0)

    def _texture(self, index: Index, ledger: TextureLedger) -> tuple[FloatArray, FloatArray]:
        """Sand and clay of one layer, at most 100 % together."""
        table = surface_table()
        sand, clay = (self._values(table[name], index) for name in TEXTURE)
        return limited_texture(sand, clay, ledger)

    def _high(self, variable: SurfaceVariable) -> float | None:
        """Upper bound: for soil classes the number of classes that the source states."""
        count = CLASS_COUNTS.get(variable.name)
        if count and self.supplies.has(count):
            return float(self.supplies.first(count).stored(count).read().reshape(-1)[0])
        return variable.high

    def _regions(self, variable: SurfaceVariable, town: BoolArray) -> FloatArray:
        """Urban regions: those of products where they have one, else of the nearest town of the source."""
        values = self.towns.regions(town)
        for giver in reversed(self.supplies.of(variable.name)):
            if giver.supply.product:
                own = giver.mapper.map(giver.supply.layer(variable.name, ()), giver.method, variable.name)
                values = np.where(self.towns.active(town) & (own > 0.0), own, values)
        return values

    def _urban(self, variable: SurfaceVariable, index: Index) -> FloatArray:
        """One layer of an urban parameter, 0 without a town."""
        active = self.urban_active & self.towns.reach
        parts = []
        for giver in self.supplies.of(variable.name):
            if giver.supply.product:
                layer = giver.supply.layer(variable.name, index)
                parts.append(giver.mapper.map(layer, giver.method, variable.name))
            else:
                values = giver.supply.values
                parts.append(self.towns.take(values.layer(values.stored(variable.name), index), active))
        return np.where(active, laid_over(parts), 0.0)

    def _examine_urban(self, variable: SurfaceVariable, givers: Sequence[Giver], lead: Index) -> None:
        """Check urban parameters at the source cells that are used."""
        active = self.urban_active & self.towns.reach
        for giver in givers:
            values = giver.supply.values
            for index in np.ndindex(lead):
                layer = values.layer(values.stored(variable.name), index)
                used = np.zeros(values.cells, dtype=bool)
                if giver.supply.product:
                    used = giver.mapper.used(giver.method, np.isfinite(layer), variable.name)
                    used &= np.isfinite(layer)
                else:
                    used[self.towns.origin[active]] = True
                _require_values(giver, variable, layer, used)
                check_layer(values, variable, layer, used, variable.high)
        if variable.kind is Kind.URBAN and all(giver.supply.product for giver in givers):
            for index in np.ndindex(lead):
                if np.isnan(self._urban(variable, index)).any():
                    raise InputError(
                        "is missing in a cell with towns",
                        file=givers[-1].supply.values.path,
                        variable=variable.name,
                    )


def _require_values(giver: Giver, variable: SurfaceVariable, layer: FloatArray, used: BoolArray) -> None:
    """Raise InputError where a source cell with towns has no value."""
    lost = used & ~np.isfinite(layer)
    if lost.any():
        raise InputError(
            "is missing in a cell with towns",
            file=giver.supply.values.path,
            variable=variable.name,
            where=giver.supply.values.place(int(np.argmax(lost))),
        )


def limited_texture(
    sand: FloatArray, clay: FloatArray, ledger: TextureLedger
) -> tuple[FloatArray, FloatArray]:
    """Sand and clay (percent) scaled to 100 where they are more together; the ledger counts."""
    total = sand + clay
    over = total > 100.0
    excess = total - 100.0
    # What rounding does to weights is no change of the data.
    ledger.changed += int((excess > 1e-9).sum())
    ledger.largest = max(ledger.largest, float(excess.max(initial=0.0)))
    share = 100.0 / np.where(over, total, 100.0)
    sand = np.where(over, sand * share, sand)
    return sand, np.where(over, np.minimum(clay * share, 100.0 - sand), clay)


def _within(values: FloatArray, low: float | None, high: float | None) -> FloatArray:
    """Values within bounds: weights sum to 1 only to rounding, and so does a mean of bounds."""
    values = values if low is None else np.maximum(values, low)
    return values if high is None else np.minimum(values, high)
