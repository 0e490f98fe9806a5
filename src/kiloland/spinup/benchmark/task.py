"""What a row of the table has to do: learn on some cells, predict others, within a budget."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.benchmark.features import Features
from kiloland.spinup.benchmark.splits import Split
from kiloland.spinup.benchmark.world import World

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Budget:
    """The same for every row that learns: how many settings are tried, and minutes of training for each."""

    trials: int = 2
    minutes: float = 3.0


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
