"""Rows of the same split and rival over their seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from kiloland.spinup.benchmark.scores import Spread, spread
from kiloland.spinup.tables import HEADLINE

OURS: Final = "ours"
RIVALS: Final = (
    "persistence",
    "scaling",
    "one-shot solver",
    "iterated solver",
    "ridge",
    "boosted trees",
    "residual network",
    "one-shot network",
    OURS,
)
"""Rows in the order of the table."""
HALF_ZERO: Final = "half degree, zero-shot"
HALF_FEW: Final = "half degree, few-shot"
HALF_FULL: Final = "half degree, full"


Row = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One rival on one split over its seeds."""

    split: str
    rival: str
    seeds: tuple[int, ...]
    headline: Spread
    pools: Mapping[str, Spread]
    biome: Spread
    soil: Spread
    false_mass: Spread
    seconds: Spread

    @property
    def lowest(self) -> tuple[str, float]:
        """The pool with the lowest mean R2."""
        known = {name: one.mean for name, one in self.pools.items() if np.isfinite(one.mean)}
        return min(known.items(), key=lambda item: item[1]) if known else ("-", float("nan"))

    @property
    def lowest_headline(self) -> tuple[str, float]:
        """The headline variable with the lowest mean R2; NaN where one of them was not predicted."""
        if not set(HEADLINE) <= set(self.pools):
            return "-", float("nan")
        return min(((name, self.pools[name].mean) for name in HEADLINE), key=lambda item: item[1])


def lines_of(rows: Iterable[Row]) -> list[Line]:
    """Rows of the same split and rival together; splits in the order of their first row."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["split"], row["rival"]), []).append(row)
    splits = list(dict.fromkeys(split for split, _ in groups))
    known = [*RIVALS, *sorted({rival for _, rival in groups} - set(RIVALS))]
    return [line_of(groups[split, rival]) for split in splits for rival in known if (split, rival) in groups]


def line_of(rows: Sequence[Row]) -> Line:
    """One rival on one split."""
    first = rows[0]
    names = [name for name in first["pools"] if all(name in row["pools"] for row in rows)]

    def over(value: Callable[[Row], float | None]) -> Spread:
        numbers = (value(row) for row in rows)
        return spread([number for number in numbers if number is not None])

    def pool(name: str) -> Spread:
        return over(lambda row: row["pools"][name]["r2"])

    return Line(
        split=first["split"],
        rival=first["rival"],
        seeds=tuple(sorted(row["seed"] for row in rows)),
        headline=over(lambda row: row["headline_r2"]),
        pools={name: pool(name) for name in names},
        biome=over(worst_biome),
        soil=over(lambda row: abs_or_none(row["totals"].get("soil carbon", {}).get("bias"))),
        false_mass=over(worst_false_mass),
        seconds=over(lambda row: row["facts"].get("seconds")),
    )


def abs_or_none(value: float | None) -> float | None:
    return None if value is None else abs(value)


def worst_false_mass(row: Row) -> float | None:
    """Largest share of false mass of a headline variable."""
    return max((row["pools"][n]["false_mass"] or 0.0 for n in HEADLINE if n in row["pools"]), default=None)


def worst_biome(row: Row) -> float | None:
    """Largest relative error of the total of a headline variable in a biome."""
    errors = [
        abs(error)
        for name in HEADLINE
        if name in row["pools"]
        for error in row["pools"][name]["biomes"].values()
        if error is not None
    ]
    return max(errors, default=None)
