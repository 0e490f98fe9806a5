"""From areas of classes to what a surface file holds: shares of land units and of plant types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.landcover.legend import DENSITIES, PLANT_TYPES, Legend, Unit
from kiloland.craft.surface.fractions import WHOLE, renormalise
from kiloland.grid.base import BoolArray, FloatArray

UNITS: Final = ("PCT_NATVEG", "PCT_CROP", "PCT_WETLAND", "PCT_LAKE", "PCT_GLACIER")
"""Land units of one layer, in the order in which they are summed; PCT_URBAN follows."""
UNIT_NAME: Final = {
    Unit.NATURAL: "PCT_NATVEG",
    Unit.CROP: "PCT_CROP",
    Unit.WETLAND: "PCT_WETLAND",
    Unit.LAKE: "PCT_LAKE",
    Unit.GLACIER: "PCT_GLACIER",
}


@dataclass(frozen=True)
class LandShares:
    """Percent of the cell's land ``[cell]`` by land unit, of natural vegetation ``[type, cell]`` by plant.

    ``units`` holds the names of ``UNITS``; ``urban`` is ``[density, cell]``. Cells that are not ``known``
    hold NaN. Each set of shares is 100 together as ELM sums them.
    """

    units: dict[str, FloatArray]
    urban: FloatArray
    plants: FloatArray
    land_fraction: FloatArray
    """Share (0 to 1) of the cell's known area that is no sea."""
    known: BoolArray
    findings: dict[str, int] = field(default_factory=dict)

    def variables(self) -> dict[str, NDArray[np.float64]]:
        """By the names of the surface file."""
        return {**self.units, "PCT_URBAN": self.urban, "PCT_NAT_PFT": self.plants}


def land_shares(
    of_class: FloatArray, temperature: FloatArray, legend: Legend, covered: BoolArray
) -> LandShares:
    """Shares from areas ``[class, cell]`` (any unit) and the coldest month ``[cell]`` (°C).

    p_u = 100 Σ_c f_cu A_c / Σ_u Σ_c f_cu A_c over land units u, with f the share of class c; likewise for the
    plant types of the natural vegetation, cold and warm by temperature. Cells that are not ``covered``, are
    all sea, or have no temperature where the legend needs it, are not known. A cell without natural
    vegetation has bare ground for its plant types, which weigh nothing.
    """
    number = of_class.shape[1]
    single = {name: np.zeros(number) for name in UNITS}
    urban, plants = np.zeros((DENSITIES, number)), np.zeros((PLANT_TYPES, number))
    sea = np.zeros(number)
    for areas, entry in zip(of_class, legend.classes, strict=True):
        for part in entry.parts:
            area = part.share * areas
            if part.unit is Unit.SEA:
                sea += area
            elif part.unit is Unit.URBAN:
                urban[part.density - 1] += area
            else:
                single[UNIT_NAME[part.unit]] += area
            if part.unit is Unit.NATURAL:
                warm = np.nan_to_num(part.warm_share(temperature)) if part.cold != part.warm else 0.0
                plants[part.warm] += area * warm
                plants[part.cold] += area * (1.0 - warm)
    stacked = np.concatenate([np.stack([single[name] for name in UNITS]), urban])
    land = stacked.sum(axis=0)
    known = covered & (land > 0.0)
    if legend.needs_temperature:
        known &= np.isfinite(temperature)
    shares = _percent(stacked, known)
    whole = land + sea
    fraction = np.where(whole > 0.0, land / np.where(whole > 0.0, whole, 1.0), 0.0)
    types = _percent(plants, known)
    return LandShares(
        dict(zip(UNITS, shares[: len(UNITS)], strict=True)), shares[len(UNITS) :], types, fraction, known
    )


def _percent(areas: FloatArray, known: BoolArray) -> FloatArray:
    """Areas ``[part, cell]`` as percent that are 100 together, NaN where not known."""
    total = areas.sum(axis=0)
    scaled = areas * (WHOLE / np.where(total > 0.0, total, 1.0))
    return np.where(known, renormalise(scaled)[0], np.nan)
