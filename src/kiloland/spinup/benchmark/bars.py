"""What must be reached, beside what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kiloland.spinup.benchmark.lines import HALF_FEW, HALF_FULL, HALF_ZERO, OURS, RIVALS, Line
from kiloland.spinup.tables import HEADLINE


@dataclass(frozen=True)
class Bar:
    """A number that must be reached: what, how far, what was found. ``met`` None: not measured."""

    name: str
    target: str
    found: str
    met: bool | None

    @property
    def verdict(self) -> str:
        return {True: "met", False: "MISSED", None: "not measured"}[self.met]


@dataclass(frozen=True)
class Exhibit:
    """Evidence that is no row of scores: a small table with its own bars."""

    title: str
    text: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    bars: tuple[Bar, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def exhibit_from_json(content: Mapping[str, Any]) -> Exhibit:
    """The exhibit in the content of its file."""
    return Exhibit(
        content["title"],
        content["text"],
        tuple(content["headings"]),
        tuple(tuple(row) for row in content["rows"]),
        tuple(Bar(**bar) for bar in content["bars"]),
    )


def split_bars(lines: Sequence[Line]) -> list[Bar]:
    """The bars on scores that the issue of the evidence names."""
    by_key = {(line.split, line.rival): line for line in lines}
    there = [rival for rival in RIVALS if ("random", rival) in by_key]
    lacking = [rival for rival in RIVALS if rival not in there]
    bars = [
        Bar(
            "rows of the table",
            "all there",
            "all there" if not lacking else "lacking: " + ", ".join(lacking),
            not lacking,
        )
    ]
    ours = by_key.get(("random", OURS))
    bars += random_bars(ours)
    blocks, coldest = by_key.get(("blocks", OURS)), by_key.get(("coldest", OURS))
    lost = worst_loss(ours, blocks)
    bars.append(
        bar("blocks of 15 degrees: R2 lost, worst headline variable", "below 0.01", lost, lambda v: v < 0.01)
    )
    pooled = coldest.headline.mean if coldest else float("nan")
    bars.append(
        bar(
            "coldest 20 %: R2 pooled over the headline variables",
            "at least 0.95",
            pooled,
            lambda v: v >= 0.95,
        )
    )
    return [*bars, *resolution_bars(by_key)]


def random_bars(ours: Line | None) -> list[Bar]:
    """Bars on the random split."""
    headline, lowest = (
        ours.lowest_headline if ours else ("-", float("nan")),
        ours.lowest if ours else ("-", float("nan")),
    )
    biome = ours.biome.mean if ours else float("nan")
    return [
        bar(
            f"random: lowest R2 of a headline variable ({headline[0]})",
            "at least 0.99",
            headline[1],
            lambda v: v >= 0.99,
        ),
        bar(f"random: lowest R2 of any pool ({lowest[0]})", "at least 0.95", lowest[1], lambda v: v >= 0.95),
        bar(
            "random: worst total of a headline variable in a biome",
            "error below 0.02",
            biome,
            lambda v: v < 0.02,
        ),
    ]


def worst_loss(random: Line | None, other: Line | None) -> float:
    """How much R2 the headline variable that suffers most loses from the random split to another one."""
    if random is None or other is None:
        return float("nan")
    losses = [
        random.pools[n].mean - other.pools[n].mean for n in HEADLINE if n in random.pools and n in other.pools
    ]
    return max(losses, default=float("nan"))


def resolution_bars(by_key: Mapping[tuple[str, str], Line]) -> list[Bar]:
    """Bars on the step from 1 to 0.5 degrees."""

    def behind(split: str) -> float:
        full, other = by_key.get((HALF_FULL, OURS)), by_key.get((split, OURS))
        return full.headline.mean - other.headline.mean if full and other else float("nan")

    return [
        bar(
            "0.5 degrees, zero-shot: R2 behind full training",
            "within 0.03",
            behind(HALF_ZERO),
            lambda v: v <= 0.03,
        ),
        bar(
            "0.5 degrees, few-shot 5 %: R2 behind full training",
            "within 0.01",
            behind(HALF_FEW),
            lambda v: v <= 0.01,
        ),
    ]


def bar(name: str, target: str, found: float, reached: Callable[[float], bool]) -> Bar:
    """A bar on one number; not measured where it is none."""
    if not np.isfinite(found):
        return Bar(name, target, "-", None)
    return Bar(name, target, f"{found:.4f}", reached(found))


def all_bars(lines: Sequence[Line], exhibits: Sequence[Exhibit]) -> list[Bar]:
    """The bars on scores, then those of the exhibits."""
    return [*split_bars(lines), *(one for exhibit in exhibits for one in exhibit.bars)]
