"""Parts of the land that are reported apart: belts of latitude, and biomes by the plants that prevail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.criteria.measure import Measured, land_mean, share_above
from kiloland.spinup.criteria.tapes import Cells, Patches

BELTS: Final = (
    ("tropics, below 23.5", 0.0, 23.5),
    ("subtropics, 23.5 to 35", 23.5, 35.0),
    ("temperate, 35 to 50", 35.0, 50.0),
    ("boreal, 50 to 66.5", 50.0, 66.5),
    ("polar, from 66.5", 66.5, 90.1),
)
"""Belts by distance from the equator (degrees); the polar one is the last to come to rest."""

PLANTS: Final = (
    "bare ground",
    "needleleaf evergreen temperate tree",
    "needleleaf evergreen boreal tree",
    "needleleaf deciduous boreal tree",
    "broadleaf evergreen tropical tree",
    "broadleaf evergreen temperate tree",
    "broadleaf deciduous tropical tree",
    "broadleaf deciduous temperate tree",
    "broadleaf deciduous boreal tree",
    "broadleaf evergreen shrub",
    "broadleaf deciduous temperate shrub",
    "broadleaf deciduous boreal shrub",
    "C3 arctic grass",
    "C3 grass",
    "C4 grass",
    "C3 crop",
    "irrigated C3 crop",
)
"""ELM's 17 plant types by number."""
BIOMES: Final = (
    ("desert", (0,)),
    ("temperate forest", (1, 5, 7)),
    ("boreal forest", (2, 3, 8)),
    ("tropical forest", (4, 6)),
    ("shrubland", (9, 10, 11)),
    ("tundra grass", (12,)),
    ("grassland", (13, 14)),
    ("cropland", tuple(range(15, 64))),
)
"""A cell belongs to the biome whose plants cover most of it."""


@dataclass(frozen=True)
class GroupDrift:
    """Drift of ecosystem carbon in one part of the land."""

    kind: str
    name: str
    land: float
    mean: float
    share: float


def plant_name(plant: int) -> str:
    """A plant type in words."""
    return PLANTS[plant] if plant < len(PLANTS) else f"plant type {plant}"


def belt_masks(cells: Cells) -> dict[str, NDArray[np.bool_]]:
    """Cells of each belt of latitude."""
    away = np.abs(cells.latitude)
    return {name: (away >= low) & (away < high) for name, low, high in BELTS}


def biome_masks(cells: Cells, patches: Patches) -> dict[str, NDArray[np.bool_]]:
    """Cells of each biome; a plant type without a biome of its own counts as cropland."""
    biome_of = np.full(64, len(BIOMES) - 1)
    for number, (_, plants) in enumerate(BIOMES):
        biome_of[list(plants)] = number
    cover = np.zeros((len(BIOMES), cells.land.size))
    np.add.at(cover, (biome_of[np.minimum(patches.plant, 63)], patches.cell), patches.weight)
    prevailing = cover.argmax(axis=0)
    return {name: prevailing == number for number, (name, _) in enumerate(BIOMES)}


def group_drifts(measured: Measured, cells: Cells, patches: Patches | None, limit: float) -> list[GroupDrift]:
    """Drift by belt, and by biome where the patch tape tells the plants."""
    kinds = [("latitude", belt_masks(cells))]
    if patches is not None:
        kinds.append(("biome", biome_masks(cells, patches)))
    found = []
    for kind, masks in kinds:
        for name, mask in masks.items():
            land = np.where(mask & np.isfinite(measured.change), cells.land, 0.0)
            if land.sum() > 0.0:
                drift = land_mean(measured.change, land)
                share = share_above(measured.change, land, limit)
                found.append(GroupDrift(kind, name, float(land.sum()), drift, share))
    return found
