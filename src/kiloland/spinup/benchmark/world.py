"""A data set in memory as the benchmark needs it: pools before and at equilibrium, weights, what is known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.spinup.benchmark.scores import Score, holds_something, pooled, score
from kiloland.spinup.cascade import layers
from kiloland.spinup.dataset.table import CellTable, read_dataset
from kiloland.spinup.tables import CASCADE, POOLS

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

BEFORE: Final = "X_"
TRUTH: Final = "Y_"
SOLID_WOOD: Final = 2.5e5
"""gC m-3: half of the dry mass of wood. No layer of soil holds more."""
KNOWN: Final = ("flux", "patch", "tendency", "forcing", "surface", "operator")
"""First words of the variables of a data set that hold inputs, beside the pools."""


@dataclass(frozen=True)
class World:
    """Cells with their pools in the short run (``before``) and at equilibrium (``truth``), natural scale.

    Pools are [cell, plant type] or [cell, layer] (g m-2 or g m-3); ``area`` is land in m2, ``cover`` the
    share of the soil column of each plant type; ``known`` holds what every rival may see besides the pools.
    """

    path: Path
    sha256: str
    table: CellTable
    before: Mapping[str, Float]
    truth: Mapping[str, Float]
    known: Mapping[str, Float]
    cover: Float
    area: Float
    latitude: Float
    longitude: Float
    biome: Int
    member: Int

    @property
    def cells(self) -> int:
        return self.area.size

    @property
    def pools(self) -> tuple[str, ...]:
        """The variables that have a truth."""
        return tuple(self.truth)

    @property
    def plausible(self) -> Bool:
        """Cells in whose equilibrium no layer holds more carbon than solid wood.

        Where phosphorus is gone, wood debris of the model world piles up without a bound that nature sets.
        """
        carbon = [self.truth[f"{pool}c_vr"] for pool in CASCADE if f"{pool}c_vr" in self.truth]
        if not carbon:
            return np.ones(self.cells, bool)
        return np.asarray(np.sum(carbon, axis=0).max(axis=1) <= SOLID_WOOD)

    def is_layered(self, name: str) -> bool:
        """Whether the slots of a pool are soil layers."""
        return name.endswith("_vr")

    def weight(self, name: str) -> Float:
        """m2 (times m for layers) of each slot; zero where a plant type is absent."""
        if self.is_layered(name):
            return self.area[:, None] * layers().thickness[None, :]
        return self.area[:, None] * self.cover


def read_world(path: Path) -> World:
    """Read a data set of ``kiloland spinup dataset``.

    Raises ``InputError`` where it has no pool with both states or lacks the places of its cells.
    """
    table = read_dataset(path)
    both = [name for name in POOLS if BEFORE + name in table and TRUTH + name in table]
    if not both:
        raise InputError(
            "has no pool with its equilibrium",
            file=path,
            expected=f"variables {BEFORE}NAME and {TRUTH}NAME",
            hint="Make it with kiloland spinup dataset from a world that has a final state",
        )
    return World(
        path=path,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        table=table,
        before={name: table[BEFORE + name] for name in both},
        truth={name: table[TRUTH + name] for name in both},
        known=dict(known(table)),
        cover=np.nan_to_num(table["pft_cover"]) / 100.0,
        area=table["area"],
        latitude=table["latitude"],
        longitude=table["longitude"],
        biome=table["biome"].astype(np.int64),
        member=table["member"].astype(np.int64),
    )


def known(table: CellTable) -> Iterator[tuple[str, Float]]:
    """What no rival has to guess, by cell: fluxes, forcing, surface, operator, parameters of its member."""
    for name, column in table.columns.items():
        if column.dims[0] == "member":
            yield name, np.asarray(table[name], np.float64)[table["member"].astype(np.int64)]
        elif name.partition("_")[0] in KNOWN:
            yield name, np.asarray(table[name], np.float64)


def judged(world: World, predicted: Mapping[str, Float], cells: Int) -> tuple[dict[str, Float], Int]:
    """Predictions [test cell, slot] and cells without those whose truth is not plausible."""
    kept = world.plausible[cells]
    return {name: values[kept] for name, values in predicted.items()}, cells[kept]


def compare(
    world: World, predicted: Mapping[str, Float], cells: Int, names: Sequence[str]
) -> dict[str, Score]:
    """Scores of the predicted pools [test cell, slot] on the given cells."""
    return {
        name: score(predicted[name], world.truth[name][cells], world.weight(name)[cells], world.biome[cells])
        for name in names
        if name in predicted
    }


def pooled_score(world: World, predicted: Mapping[str, Float], cells: Int, names: Sequence[str]) -> float:
    """One R2 over several variables on the given cells."""
    given, expected = [], []
    for name in names:
        truth = world.truth[name][cells]
        filled = holds_something(truth, world.weight(name)[cells])
        given.append(predicted[name][filled])
        expected.append(truth[filled])
    return pooled(given, expected)
