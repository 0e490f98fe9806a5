"""What a row of the table has to do: learn on some cells, predict others, within a budget."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.benchmark.features import Features
from kiloland.spinup.benchmark.splits import Split
from kiloland.spinup.benchmark.world import World

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Budget:
    """The same for every row that learns.

    ``trials`` settings are fitted to ``trial_cells`` of the training cells, and the one that does best on the
    validation cells is fitted to all training cells, for at most ``epochs`` passes where there are passes.
    """

    trials: int = 2
    trial_cells: int = 1000
    epochs: int = 40


@dataclass(frozen=True)
class Task:
    """One split of one world with one seed; ``features`` are those of the world."""

    world: World
    features: Features
    split: Split
    seed: int
    targets: tuple[str, ...]
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True)
class Prediction:
    """Pools [test cell, slot], and what is worth telling: seconds, settings chosen, share of fallback."""

    pools: Mapping[str, Float]
    facts: Mapping[str, Any] = field(default_factory=dict)


def trial_split(split: Split, budget: Budget) -> Split:
    """The cells that settings are tried on."""
    if split.train.size <= budget.trial_cells:
        return split
    few = np.random.default_rng([split.seed, 7]).choice(split.train, budget.trial_cells, replace=False)
    return replace(split, train=np.sort(few))


class Rival(Protocol):
    """A row of the table."""

    @property
    def name(self) -> str:
        """What the table calls it."""
        ...

    def predict(self, task: Task) -> Prediction:
        """Pools of the test cells; sees the truth of the training and validation cells only."""
        ...


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self._start, 1)
