"""N and P per carbon of a whole restart: where a column or patch has no own ratio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.files import Dataset
from kiloland.spinup.restart.blocks import Part
from kiloland.spinup.restart.rules import Rule, WithCarbon
from kiloland.spinup.subgrid import restart_subgrid
from kiloland.spinup.tables import DECOMPOSITION_LAYERS, POOLS, layer_thickness

FloatArray = NDArray[np.float64]

PLANT_TYPES: Final = 64
DIGITS: Final = 10
"""Ratios are rounded to so many digits, so that they do not depend on the order of columns on file."""


@dataclass(frozen=True)
class Ratios:
    """Element per carbon by pool: one number of all columns, or one a plant type."""

    values: Mapping[str, FloatArray]

    def share(self, name: str, plant: NDArray[np.int64] | None) -> FloatArray:
        """The ratio for a pool, per patch where ``plant`` is given; 0 where the restart has none."""
        ratio = self.values[name]
        return ratio if plant is None else ratio[plant]


def restart_ratios(dataset: Dataset, parts: list[Part], rules: Mapping[str, Rule]) -> Ratios:
    """Ratios of all pools that a rule ties to carbon: sum of the element / sum of carbon on the file.

    Both are on the same scale of accelerated spinup, which so cancels.
    """
    tied = {name: rule.carbon for name, rule in rules.items() if isinstance(rule, WithCarbon)}
    sums = {name: np.zeros((2, PLANT_TYPES if POOLS[name].on_patches else 1)) for name in tied}
    if tied:
        for part in parts:
            add_part(dataset, part, tied, sums)
    return Ratios({name: rounded(pair) for name, pair in sums.items()})


def add_part(dataset: Dataset, part: Part, tied: Mapping[str, str], sums: dict[str, FloatArray]) -> None:
    """Add the amounts of one part."""
    subgrid = restart_subgrid(dataset, part.columns, part.patches)
    thickness = layer_thickness()
    grown = subgrid.pft_weight > 0.0
    plant = subgrid.keys.pft_itypveg[grown]
    for name, carbon in tied.items():
        for place, variable in enumerate((name, carbon)):
            if POOLS[name].on_patches:
                values = dataset[variable].values(part.patches)[subgrid.pft_row[grown]]
                sums[name][place] += np.bincount(plant, np.nan_to_num(values), PLANT_TYPES)
            else:
                values = dataset[variable].values(part.columns)[subgrid.column_row]
                layers = np.nan_to_num(values[:, :DECOMPOSITION_LAYERS])
                sums[name][place] += float((layers * thickness).sum())


def rounded(pair: FloatArray) -> FloatArray:
    """Element over carbon to ``DIGITS`` digits; 0 where there is no carbon."""
    ratio = np.divide(pair[0], pair[1], out=np.zeros_like(pair[0]), where=pair[1] > 0.0)
    return np.array([float(f"{value:.{DIGITS - 1}e}") for value in ratio])
