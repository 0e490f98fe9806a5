"""A land-use time series on a regular longitude/latitude grid: what it holds, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kiloland.craft.surface import Source, read_source
from kiloland.errors import InputError
from kiloland.files import Dataset
from kiloland.grid.base import BoolArray, FloatArray, IntArray

PLANTS: Final = "PCT_NAT_PFT"
HARVESTS: Final = ("HARVEST_VH1", "HARVEST_VH2", "HARVEST_SH1", "HARVEST_SH2", "HARVEST_SH3")
OTHERS: Final = ("GRAZING",)
MASKS: Final = ("PFTDATA_MASK", "LANDMASK", "LANDFRAC_PFT")
FRACTION_UNITS: Final = ("", "1", "unitless", "fraction", "unitless fraction", "none")
SUM_TOLERANCE: Final = 1.0
"""Percent points by which the plant types of a source cell may miss 100."""
EARLIEST: Final = -10_000
LATEST: Final = 10_000


@dataclass(frozen=True)
class LandUseSource:
    """An open series: ``source`` with its grid, ``years`` ``[time]``, ``land`` ``[source]``.

    ``shares`` are the variables that are 100 percent together (plant types, crops), ``single`` those of one
    layer in percent (PCT_CROP), ``harvests`` rates of one layer, each by year.
    """

    source: Source
    years: IntArray
    land: BoolArray
    shares: tuple[str, ...]
    single: tuple[str, ...]
    harvests: tuple[str, ...]

    @property
    def dataset(self) -> Dataset:
        """The open file."""
        return self.source.dataset

    @property
    def names(self) -> tuple[str, ...]:
        """All variables that are mapped."""
        return (*self.shares, *self.single, *self.harvests)

    def layers(self, name: str, year: int) -> FloatArray:
        """All layers ``[layer, source]`` of one year, counted from zero; NaN off land and where missing.

        Raises InputError for shares out of 0 to 100 or that miss 100 together, fractions in the place of
        percent, and harvest out of range.
        """
        variable = self.dataset[name]
        lead = variable.shape[1:-2]
        layers = np.stack([self.source.layer(variable, (year, *index)) for index in np.ndindex(lead)])
        layers = np.where(self.land & np.isfinite(layers), layers, np.nan)
        if name in self.harvests:
            self._check_harvest(name, year, layers)
        else:
            self._check_percent(name, year, layers)
        return layers

    def is_fraction(self, name: str) -> bool:
        """Whether a harvest is a fraction of the cell, and no mass of carbon."""
        units = str(self.dataset[name].attributes.get("units", "")).strip().lower()
        return units in FRACTION_UNITS

    def _check_harvest(self, name: str, year: int, layers: FloatArray) -> None:
        high = 1.0 if self.is_fraction(name) else np.inf
        wrong = (layers < 0.0) | (layers > high * (1.0 + 1e-6))
        if wrong.any():
            layer, cell = (int(part[0]) for part in np.nonzero(wrong))
            percent = high == 1.0 and np.nanmin(layers) >= 0.0 and np.nanmax(layers) <= 100.0
            raise InputError(
                "harvest is given in percent" if percent else "harvest out of range",
                file=self.source.path,
                variable=name,
                where=f"year {self.years[year]}, {self.source.place(cell)}",
                found=float(layers[layer, cell]),
                expected="a fraction of the cell, 0 to 1" if high == 1.0 else "0 or more",
                hint="Divide the variable by 100" if percent else None,
            )

    def _check_percent(self, name: str, year: int, layers: FloatArray) -> None:
        there = np.isfinite(layers).all(axis=0)
        if not there.any():
            raise InputError("holds no value near the domain", file=self.source.path, variable=name)
        wrong = there & ((layers < -1e-6) | (layers > 100.0 + 1e-6)).any(axis=0)
        total = layers.sum(axis=0)
        if name in self.shares:
            near_one = float((np.abs(total[there] - 1.0) < 0.01).mean())
            if near_one > 0.5:
                raise InputError(
                    "shares are given as fractions",
                    file=self.source.path,
                    variable=name,
                    where=f"year {self.years[year]}",
                    found=f"sums near {float(np.median(total[there])):g}",
                    expected="percent: sums of 100",
                    hint="Multiply the variable by 100",
                )
            wrong |= there & (np.abs(total - 100.0) > SUM_TOLERANCE)
        if wrong.any():
            cell = int(np.argmax(wrong))
            raise InputError(
                "shares out of range or not 100 percent together",
                file=self.source.path,
                variable=name,
                where=f"year {self.years[year]}, {self.source.place(cell)} and {int(wrong.sum()) - 1} more",
                found=float(total[cell]),
                expected=f"0 to 100 each, 100 together within {SUM_TOLERANCE:g}"
                if name in self.shares
                else "0 to 100",
            )


def read_land_use(dataset: Dataset, south: float, north: float) -> LandUseSource:
    """The series of a file, of its rows between two latitudes (degrees).

    Raises InputError for a file without YEAR or PCT_NAT_PFT, years that do not follow each other one by one,
    other dimensions than ELM reads, and no land near the domain.
    """
    source = read_source(dataset, south, north)
    years = _years(dataset)
    land = np.ones(source.grid.cells, dtype=bool)
    for name in MASKS:
        if name in dataset:
            land = np.nan_to_num(source.layer(dataset[name], ())) > 0.0
            break
    if not land.any():
        raise InputError("no land near the domain", file=dataset.path, variable=name)
    shares = tuple(name for name in (PLANTS, "PCT_CFT") if name in dataset)
    if PLANTS not in shares:
        raise InputError("the variable is missing", file=dataset.path, variable=PLANTS)
    single = tuple(name for name in ("PCT_CROP",) if name in dataset)
    harvests = tuple(name for name in (*HARVESTS, *OTHERS) if name in dataset)
    for name in (*shares, *single, *harvests):
        dims = dataset[name].dims
        lead = {PLANTS: ("natpft",), "PCT_CFT": ("cft",)}.get(name, ())
        if dims != ("time", *lead, *source.cell_dims):
            raise InputError(
                "has other dimensions than ELM reads",
                file=dataset.path,
                variable=name,
                found=dims,
                expected=("time", *lead, *source.cell_dims),
            )
    if dataset.dimensions.get("natpft") != 17:
        raise InputError(
            "another number of plant types", file=dataset.path, found=dataset.dimensions.get("natpft"),
            expected=17,
        )  # fmt: skip
    return LandUseSource(source, years, np.asarray(land), shares, single, harvests)


def _years(dataset: Dataset) -> IntArray:
    """YEAR, one after the other without gaps."""
    years = np.asarray(dataset["YEAR"].values(), np.float64).ravel()
    whole = years.size and (years == np.rint(years)).all() and EARLIEST < years.min() <= years.max() < LATEST
    if not whole:
        raise InputError("are no years", file=dataset.path, variable="YEAR", found=years[:5].tolist())
    step = np.diff(years)
    if (step != 1).any():
        at = int(np.argmax(step != 1))
        raise InputError(
            "years do not follow each other",
            file=dataset.path,
            variable="YEAR",
            found=f"{years[at]:.0f}, then {years[at + 1]:.0f}",
            expected="every year once, in order",
        )
    return years.astype(np.int64)
