"""Parts of a data set for training, validation and test, by what is held out."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.spinup.benchmark.splits import (
    TEST_SHARE,
    VALIDATION_SHARE,
    Split,
    block_split,
    coldest_split,
    random_split,
    write_split,
)
from kiloland.spinup.dataset.table import CellTable, DatasetFile

Int = NDArray[np.int64]


class SplitKind(Enum):
    """What the test cells differ in from the training cells."""

    RANDOM = "random"
    BLOCKS = "blocks"
    BIOME = "biome"
    COLDEST = "coldest"
    FORCING = "forcing"
    PARAMETER = "parameter"


def make_split(table: CellTable, kind: SplitKind, seed: int) -> Split:
    """The split of a data set.

    ``blocks``: whole blocks of 15 degrees; ``biome``: whole biomes until a fifth of the cells; ``coldest``:
    the fifth with the lowest mean temperature; ``forcing``: the fifth with the least precipitation;
    ``parameter``: whole members (parameter files) until a fifth. Raises InputError where nothing could be
    held out.
    """
    if kind is SplitKind.RANDOM:
        return random_split(table.cells, seed)
    if kind is SplitKind.BLOCKS:
        return block_split(table["latitude"], table["longitude"], seed)
    if kind is SplitKind.COLDEST:
        return coldest_split(table["forcing_TBOT"].mean(axis=1), seed)
    if kind is SplitKind.FORCING:
        water = (table["forcing_RAIN"] + table["forcing_SNOW"]).mean(axis=1)
        return held_out("forcing", water <= np.quantile(water, TEST_SHARE), seed)
    group = table["biome" if kind is SplitKind.BIOME else "member"].astype(np.int64)
    return held_out(kind.value, some_groups(group, seed, kind.value), seed)


def some_groups(group: Int, seed: int, name: str) -> NDArray[np.bool_]:
    """Cells of whole groups, drawn until a fifth of the cells is in them; at least one group stays out."""
    numbers, counts = np.unique(group, return_counts=True)
    if numbers.size < 2:
        raise InputError(
            f"all cells are of one {name}: nothing can be held out", found=f"{numbers.size} group"
        )
    order = np.random.default_rng([seed, 77]).permutation(numbers.size)
    before = np.cumsum(counts[order]) - counts[order]
    chosen = before < TEST_SHARE * group.size
    chosen[-1] = False
    return np.isin(group, numbers[order[chosen]])


def held_out(name: str, test: NDArray[np.bool_], seed: int) -> Split:
    """A split with these test cells; validation is drawn evenly from the others."""
    cells = test.size
    others = np.random.default_rng([seed, 78]).permutation(np.flatnonzero(~test))
    validation = max(1, round(VALIDATION_SHARE * cells))
    return Split(
        name,
        seed,
        cells,
        np.sort(others[validation:]),
        np.sort(others[:validation]),
        np.flatnonzero(test).astype(np.int64),
    )


def write_dataset_split(dataset: Path, kind: SplitKind, seed: int, output: Path) -> Split:
    """Write the split of a data set as JSON with its hash."""
    needed = ("latitude", "longitude", "biome", "member", "forcing_TBOT", "forcing_RAIN", "forcing_SNOW")
    with DatasetFile(dataset) as file:
        split = make_split(file.read(names=[name for name in needed if name in file.columns]), kind, seed)
    write_split(output, split)
    return split
