"""Members of a model world as files, and their pools as slots of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.spinup.benchmark.world import World
from kiloland.spinup.dataset.build import member_files, run_folders
from kiloland.spinup.dataset.fields import PLANT_TYPES
from kiloland.spinup.dataset.run import RunFiles
from kiloland.spinup.pools import PoolSet
from kiloland.spinup.subgrid import SubgridKeys
from kiloland.spinup.tables import POOLS

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Member:
    """One run of a world: its folder, its files, and the rows of the data set that are its columns."""

    folder: Path
    files: RunFiles
    rows: Int


def members_of(world: World, folder: Path) -> list[Member]:
    """The members in the order of the data set.

    Raises ``InputError`` where the folder has another number of runs than the data set.
    """
    folders = run_folders(folder)
    numbers = np.unique(world.member)
    if len(folders) != numbers.size:
        raise InputError(
            "another number of members than in the data set",
            file=folder,
            found=len(folders),
            expected=numbers.size,
        )
    return [
        Member(one, member_files(one), np.flatnonzero(world.member == number))
        for number, one in enumerate(folders)
    ]


def slots_of(pools: PoolSet) -> dict[str, Float]:
    """Pools as [column, layer] and [column, plant type], columns in the order of the file."""
    return {
        name: in_slots(pools.keys, values) if POOLS[name].on_patches else values
        for name, values in pools.values.items()
        if POOLS[name].on_patches or POOLS[name].layered
    }


def in_slots(keys: SubgridKeys, values: Float) -> Float:
    """Values of patches as [column, plant type]; zero where there is no patch, crops beyond are left out."""
    made = np.zeros((keys.columns, PLANT_TYPES))
    usual = keys.pft_itypveg < PLANT_TYPES
    made[keys.pft_column[usual], keys.pft_itypveg[usual]] = values[usual]
    return made
