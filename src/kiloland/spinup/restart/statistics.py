"""Before and after of every variable: smallest, largest, amount, where it changes most, and its origin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.restart.findings import place_text
from kiloland.spinup.restart.state import LARGEST, Origin, PartState
from kiloland.spinup.tables import POOLS, layer_thickness

FloatArray = NDArray[np.float64]

ORIGINS: Final = tuple(origin.name.lower() for origin in Origin)


@dataclass
class Range:
    """Smallest, largest and summed value of a variable."""

    least: float = np.inf
    most: float = -np.inf
    total: float = 0.0

    def add(self, values: FloatArray, amount: float) -> None:
        """Take in the values of one part, and their amount."""
        if values.size:
            self.least = min(self.least, float(values.min()))
            self.most = max(self.most, float(values.max()))
            self.total += amount

    def as_json(self) -> dict[str, float | None]:
        """For a program."""
        return {
            "min": self.least if np.isfinite(self.least) else None,
            "max": self.most if np.isfinite(self.most) else None,
            "sum": self.total,
        }


@dataclass
class VariableStatistics:
    """One pool over all parts, in natural scale.

    ``sum``: over soil columns of amount (g m-2, layers integrated) times weight on the cell; ``counts``:
    columns, or patches with weight, by origin.
    """

    name: str
    rule: str
    before: Range = field(default_factory=Range)
    after: Range = field(default_factory=Range)
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(Origin), np.int64))
    largest_change: float = 0.0
    where: str = ""

    def add(self, state: PartState) -> None:
        """Take in one part."""
        pool = POOLS[self.name]
        subgrid = state.subgrid
        weight = subgrid.column_weight
        chosen = np.ones(weight.size, bool)
        if pool.on_patches:
            chosen = subgrid.pft_weight > 0.0
            weight = subgrid.pft_weight * weight[subgrid.keys.pft_column]
        old, new = state.old(self.name), state.new(self.name)
        self.counts += np.bincount(state.origins(self.name)[chosen], minlength=len(Origin))
        for values, span in ((old, self.before), (new, self.after)):
            own = np.where(np.abs(values) < LARGEST, values, 0.0)[chosen]
            per_area = own @ layer_thickness() if pool.layered else own
            span.add(own, float(per_area @ weight[chosen]))
        with np.errstate(invalid="ignore"):
            change = np.where(np.abs(new) < LARGEST, np.abs(new - old), 0.0)
        change[~chosen] = 0.0
        self.note(np.nan_to_num(change), state)

    def note(self, change: FloatArray, state: PartState) -> None:
        """Remember where the variable changes most."""
        if change.size and float(change.max()) > self.largest_change:
            entry = tuple(int(place) for place in np.unravel_index(int(change.argmax()), change.shape))
            self.largest_change = float(change[entry])
            self.where = place_text(state.subgrid.keys, POOLS[self.name].on_patches, entry)

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "units": POOLS[self.name].units,
            "rule": self.rule,
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "origin": dict(zip(ORIGINS, (int(count) for count in self.counts), strict=True)),
            "largest_change": self.largest_change,
            "where": self.where,
        }
