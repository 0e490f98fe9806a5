"""Rows that learn nothing: the short run as it is, and its scaling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kiloland.spinup.benchmark.task import Prediction, Task
from kiloland.spinup.restart.acceleration import Scale, default_factors
from kiloland.spinup.tables import POOLS


@dataclass(frozen=True)
class Persistence:
    """Equilibrium = what the accelerated run holds, with ELM's own factors and no averaged scalar."""

    name: str = "persistence"

    def predict(self, task: Task) -> Prediction:
        scale = Scale(default_factors(), accelerated=True, divides=False)
        test = task.split.test
        return Prediction(
            {
                name: np.nan_to_num(task.world.before[name][test]) / scale.factor(POOLS[name], np.ones(1))
                for name in task.targets
            }
        )


@dataclass(frozen=True)
class Scaling:
    """Equilibrium = the accelerated run in natural scale: stored * factor / averaged scalar."""

    name: str = "scaling"

    def predict(self, task: Task) -> Prediction:
        test = task.split.test
        return Prediction({name: np.nan_to_num(task.world.before[name][test]) for name in task.targets})
