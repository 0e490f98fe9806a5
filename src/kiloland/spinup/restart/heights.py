"""The mortality factor of an accelerated run, read from the heights of its trees.

In accelerated spinup ELM makes heights of the wood that would be there without acceleration:

    h = (3 f d t^2 / (pi s w))^(1/3)   =>   f = h^3 pi s w / (3 d t^2)

with d dead stem carbon (gC m-2), f the factor ``spinup_mortality_factor``, taper t 200 (shrubs 10), stocking
s 0.1 m-2 and w = 2.5e5 gC m-3. So every woody plant of a restart tells f.
Source: E3SM Land Model, ``VegStructUpdateMod``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.files import Dataset
from kiloland.spinup.restart.blocks import Part
from kiloland.spinup.subgrid import restart_subgrid

TREES: Final = range(1, 9)
SHRUBS: Final = range(9, 12)
TAPER_OF_TREES: Final = 200.0
TAPER_OF_SHRUBS: Final = 10.0
STOCKING: Final = 0.1
CARBON_OF_WOOD: Final = 2.5e5
LEAST_WOOD: Final = 1.0
"""Dead stem (gC m-2) of a plant that counts."""
ENOUGH: Final = 1000
"""Plants after which no more are looked at."""
SPREAD: Final = 0.01
"""Half of the plants must agree within this part of the median."""


def implied_mortality(dataset: Dataset, parts: list[Part]) -> float | None:
    """The factor that the heights in a restart imply; None where there are no woody plants that agree."""
    if "htop" not in dataset or "deadstemc" not in dataset:
        return None
    found: list[NDArray[np.float64]] = []
    for part in parts:
        found.append(part_factors(dataset, part))
        if sum(values.size for values in found) > ENOUGH:
            break
    factors = np.concatenate(found)
    if factors.size == 0:
        return None
    low, middle, high = np.percentile(factors, [25, 50, 75])
    return float(f"{middle:.6g}") if high - low <= SPREAD * middle else None


def part_factors(dataset: Dataset, part: Part) -> NDArray[np.float64]:
    """Factors that the woody plants of one part imply."""
    subgrid = restart_subgrid(dataset, part.columns, part.patches)
    plant = subgrid.keys.pft_itypveg
    stem, height = (
        np.asarray(dataset[name].read(part.patches)[subgrid.pft_row], np.float64)
        for name in ("deadstemc", "htop")
    )
    woody = (subgrid.pft_weight > 0.0) & (plant >= TREES.start) & (plant < SHRUBS.stop)
    woody &= (stem > LEAST_WOOD) & (stem < 1.0e30) & (height > 0.0) & (height < 1.0e30)
    taper = np.where(plant[woody] < SHRUBS.start, TAPER_OF_TREES, TAPER_OF_SHRUBS)
    wood = np.pi * STOCKING * CARBON_OF_WOOD
    return np.asarray(height[woody] ** 3 * wood / (3.0 * stem[woody] * taper**2))
