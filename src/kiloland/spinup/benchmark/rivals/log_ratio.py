"""Learning the logarithm of equilibrium over short run, r = ln(Y / X), pool by pool, above a trace e.

What the short run holds nothing of (absent plant types, tissues that a type does not have) stays empty:
Y = X exp(r) keeps sign and zeros, so that a statistical rival is not punished for structure it was told.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.benchmark.task import Clock, Prediction, Task, trial_split
from kiloland.spinup.benchmark.world import World

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Samples:
    """``inputs`` [sample, feature]; ``ratio`` [sample, output], NaN where there is nothing to learn."""

    inputs: Float
    ratio: Float


class Fitted(Protocol):
    """A trained regressor."""

    def predict(self, inputs: Float) -> Float:
        """[sample, output]."""
        ...


class Regressor(Protocol):
    """A way to learn; ``settings`` are tried in this order, as many as the budget has trials."""

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> Sequence[dict[str, Any]]: ...

    @property
    def by_layer(self) -> bool:
        """Whether a sample is one layer of a cell; else it is the whole profile."""
        ...

    def fit(
        self, train: Samples, validation: Samples, setting: dict[str, Any], seed: int, epochs: int
    ) -> Fitted: ...


@dataclass(frozen=True)
class LogRatio:
    """A row of the table from a regressor; ``names``: pools that it is fitted to, all where none is named."""

    regressor: Regressor
    names: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.regressor.name

    def predict(self, task: Task) -> Prediction:
        """Fit plant types and soil apart; choose the setting by the squared error on the validation cells."""
        clock = Clock()
        if self.names:
            task = replace(task, targets=tuple(name for name in task.targets if name in self.names))
        pools: dict[str, Float] = {}
        facts: dict[str, Any] = {}
        shapes: tuple[tuple[str, Shape], ...] = (
            ("plants", Patches(task)),
            ("soil", Layers(task) if self.regressor.by_layer else Profiles(task)),
        )
        for group, shape in shapes:
            if not shape.names:
                continue
            setting = self.chosen(task, shape)
            train = shape.samples(task.split.train)
            validation = shape.samples(task.split.validation)
            fitted = self.regressor.fit(train, validation, setting, task.seed, task.budget.epochs)
            low, high = limits(train.ratio)
            test = task.split.test
            pools |= shape.pools(test, np.clip(fitted.predict(shape.inputs(test)), low, high))
            facts[group] = setting
        return Prediction(pools, {**facts, "seconds": clock.seconds})

    def chosen(self, task: Task, shape: Shape) -> dict[str, Any]:
        """The setting that does best on the validation cells."""
        settings = self.regressor.settings[: task.budget.trials]
        if len(settings) == 1:
            return settings[0]
        train = shape.samples(trial_split(task.split, task.budget).train)
        validation = shape.samples(task.split.validation)
        errors = []
        for setting in settings:
            fitted = self.regressor.fit(train, validation, setting, task.seed, task.budget.epochs)
            errors.append(np.nanmean(np.square(fitted.predict(validation.inputs) - validation.ratio)))
        return settings[int(np.argmin(errors))]


@dataclass(frozen=True)
class Shape(ABC):
    """How cells become samples; ``layered``: whether of soil pools."""

    task: Task
    layered: ClassVar[bool] = False

    @property
    def names(self) -> tuple[str, ...]:
        world = self.task.world
        return tuple(name for name in self.task.targets if world.is_layered(name) == self.layered)

    @abstractmethod
    def inputs(self, cells: Int) -> Float:
        """[sample, feature]."""

    @abstractmethod
    def outputs(self, of: Callable[[str], Float], cells: Int) -> Float:
        """[sample, output] from arrays [cell, slot] of each pool."""

    @abstractmethod
    def pools(self, cells: Int, ratio: Float) -> dict[str, Float]:
        """Pools [cell, slot] from the ratios."""

    def samples(self, cells: Int) -> Samples:
        """What the cells teach."""
        return Samples(self.inputs(cells), self.outputs(lambda name: log_ratio(self.task.world, name), cells))

    def scaled(self, name: str, cells: Int, ratio: Float) -> Float:
        """sign(X) max((|X| + e) exp(r) - e, 0), nothing where the slot is absent."""
        before = np.nan_to_num(self.task.world.before[name][cells])
        small = trace_of(self.task.world, name)
        size = np.maximum((np.abs(before) + small) * np.exp(ratio) - small, 0.0)
        return np.where(self.task.world.weight(name)[cells] > 0.0, np.sign(before) * size, 0.0)


class Patches(Shape):
    """A sample is a plant type that is present on a cell."""

    layered: ClassVar[bool] = False

    def present(self, cells: Int) -> Bool:
        return self.task.world.cover[cells] > 0.0

    def inputs(self, cells: Int) -> Float:
        return self.task.features.of_patches(cells)[self.present(cells)]

    def outputs(self, of: Callable[[str], Float], cells: Int) -> Float:
        return np.stack([of(name)[cells][self.present(cells)] for name in self.names], axis=1)

    def pools(self, cells: Int, ratio: Float) -> dict[str, Float]:
        present = self.present(cells)
        pools = {}
        for position, name in enumerate(self.names):
            full = np.zeros(present.shape)
            full[present] = ratio[:, position]
            pools[name] = self.scaled(name, cells, full)
        return pools


class Profiles(Shape):
    """A sample is a cell; the outputs are the layers of all pools side by side."""

    layered: ClassVar[bool] = True

    def inputs(self, cells: Int) -> Float:
        return self.task.features.of_profiles(cells)

    def outputs(self, of: Callable[[str], Float], cells: Int) -> Float:
        return np.concatenate([of(name)[cells] for name in self.names], axis=1)

    def pools(self, cells: Int, ratio: Float) -> dict[str, Float]:
        parts = np.split(ratio, len(self.names), axis=1)
        return {name: self.scaled(name, cells, part) for name, part in zip(self.names, parts, strict=True)}


class Layers(Shape):
    """A sample is one layer of a cell."""

    layered: ClassVar[bool] = True

    def inputs(self, cells: Int) -> Float:
        table = self.task.features.of_layers(cells)
        return table.reshape(-1, table.shape[2])

    def outputs(self, of: Callable[[str], Float], cells: Int) -> Float:
        return np.stack([of(name)[cells].reshape(-1) for name in self.names], axis=1)

    def pools(self, cells: Int, ratio: Float) -> dict[str, Float]:
        return {
            name: self.scaled(name, cells, ratio[:, position].reshape(cells.size, -1))
            for position, name in enumerate(self.names)
        }


def log_ratio(world: World, name: str) -> Float:
    """r = ln((|Y| + e) / (|X| + e)) [cell, slot], NaN where the short run holds nothing or signs differ."""
    before, truth = world.before[name], world.truth[name]
    usable = np.isfinite(before) & np.isfinite(truth) & (before != 0.0) & (before * truth >= 0.0)
    small = trace_of(world, name)
    ratio = np.log((np.abs(np.nan_to_num(truth)) + small) / (np.abs(np.nan_to_num(before)) + small))
    return np.where(usable, ratio, np.nan)


def trace_of(world: World, name: str) -> float:
    """What counts as next to nothing of a pool: a thousandth of the mean of the short run.

    The logarithm of a plant that dies would else be learned at the cost of all that live.
    """
    size = np.abs(world.before[name])
    there = np.isfinite(size) & (size > 0.0)
    return 1.0e-3 * float(size[there].mean()) if there.any() else 1.0


def limits(ratio: Float) -> tuple[Float, Float]:
    """The range of each output in training; nothing is extrapolated beyond it."""
    empty = ~np.isfinite(ratio).any(axis=0)
    low = np.nanmin(np.where(empty, 0.0, ratio), axis=0)
    high = np.nanmax(np.where(empty, 0.0, ratio), axis=0)
    return low, high


@dataclass(frozen=True)
class Scaling:
    """Mean and spread of each feature on the training samples alone."""

    mean: Float
    spread: Float

    def __call__(self, inputs: Float) -> Float:
        return (inputs - self.mean) / self.spread


def scaling_of(inputs: Float) -> Scaling:
    """Constant features get the spread one. Standardised values are held within ten spreads elsewhere."""
    spread = inputs.std(axis=0)
    return Scaling(inputs.mean(axis=0), np.where(spread > 1.0e-12, spread, 1.0))
