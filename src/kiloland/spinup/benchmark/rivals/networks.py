"""Rows of the package's own networks: closures with the solver, and the article's way in one shot."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from kiloland.spinup.benchmark.lines import OURS
from kiloland.spinup.benchmark.scores import holds_something, log_error
from kiloland.spinup.benchmark.splits import Split
from kiloland.spinup.benchmark.task import Clock, Prediction, Task, trial_split
from kiloland.spinup.benchmark.world import World
from kiloland.spinup.learn.model import Architecture, Model, read_model, write_model
from kiloland.spinup.learn.predict import Method, predict_cells
from kiloland.spinup.learn.training import FINE_TUNING, Settings, train
from kiloland.spinup.tables import HEADLINE

SETTINGS: Final[tuple[dict[str, Any], ...]] = (
    {"rate": 3.0e-3, "width": 96},
    {"rate": 1.0e-3, "width": 96},
    {"rate": 3.0e-3, "width": 64},
)


@dataclass(frozen=True)
class OwnNetwork:
    """A network of ``kiloland.spinup.learn``; ``folder`` keeps the weights and unfinished trainings."""

    name: str
    architecture: Architecture
    folder: Path

    def predict(self, task: Task) -> Prediction:
        """Choose the setting as every other row does, train, predict."""
        clock = Clock()
        model = self.model(task)
        trained = clock.seconds
        answer = predict_cells(model, task.world.table.take(task.split.test))
        pools = {name: answer.pools[name] for name in task.targets if name in answer.pools}
        used = {method.name.lower(): int((answer.method == method).sum()) for method in Method}
        facts = {"cells by method": used, "operator refused": int((answer.distrust > 1.0).sum())}
        return Prediction(pools, {**facts, "seconds": clock.seconds, "seconds of training": trained})

    def model(self, task: Task) -> Model:
        """The trained network of a task, from its file where it was trained before."""
        path = self.path(task)
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            checkpoint = path.with_suffix(".checkpoint")
            model = self.trained(task, task.split, self.chosen(task), checkpoint)
            write_model(path, model)
            checkpoint.unlink(missing_ok=True)
        return read_model(path)

    def path(self, task: Task) -> Path:
        """The file of the weights, named by all that they depend on."""
        depends = (
            task.world.sha256,
            task.split.sha256,
            task.seed,
            asdict(task.budget),
            self.architecture.value,
        )
        digest = hashlib.sha256(json.dumps(depends).encode()).hexdigest()[:16]
        return self.folder / f"{self.architecture.value}-{digest}.weights"

    def chosen(self, task: Task) -> dict[str, Any]:
        """The setting with the smallest error of the headline variables on the validation cells."""
        settings = SETTINGS[: task.budget.trials]
        if len(settings) == 1:
            return settings[0]
        few = trial_split(task.split, task.budget)
        errors = [
            headline_error(task.world, self.trained(task, few, setting), task.split) for setting in settings
        ]
        return settings[int(np.argmin(errors))]

    def trained(
        self, task: Task, split: Split, setting: dict[str, Any], checkpoint: Path | None = None
    ) -> Model:
        """A model of these cells."""
        settings = Settings(
            seed=task.seed, architecture=self.architecture, epochs=task.budget.epochs, **setting
        )
        table = task.world.table
        return train(table, split.train, split.validation, settings, checkpoint=checkpoint)


def ours(folder: Path) -> OwnNetwork:
    """Closures that the solver turns into pools."""
    return OwnNetwork(OURS, Architecture.CLOSURE, folder)


def one_shot_network(folder: Path) -> OwnNetwork:
    """The article's way: every pool from one pass of the network."""
    return OwnNetwork("one-shot network", Architecture.DIRECT, folder)


def fine_tuned(model: Model, task: Task) -> Model:
    """The model after some passes over the training cells of another world."""
    settings = Settings(
        seed=task.seed,
        epochs=min(FINE_TUNING.epochs, task.budget.epochs),
        rate=FINE_TUNING.rate,
        width=model.shape.width,
        depth=model.shape.depth,
    )
    return train(task.world.table, task.split.train, task.split.validation, settings, start=model)


def headline_error(world: World, model: Model, split: Split) -> float:
    """Mean over the headline variables of the median error of their logarithm on the validation cells."""
    pools = predict_cells(model, world.table.take(split.validation)).pools
    errors = []
    for name in HEADLINE:
        truth = world.truth[name][split.validation]
        there = holds_something(truth, world.weight(name)[split.validation])
        errors.append(log_error(pools[name][there], truth[there]))
    return float(np.mean(errors))
