"""Training: epochs over packed batches, whole checkpoints, the same bits after an interruption."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.spinup.dataset.table import CellTable
from kiloland.spinup.learn.closures import Base, closure_answer
from kiloland.spinup.learn.direct import LogScale, direct_answer, direct_base
from kiloland.spinup.learn.features import FeatureSet
from kiloland.spinup.learn.fitting import fitted_judge
from kiloland.spinup.learn.judge import no_judge
from kiloland.spinup.learn.loss import Scales, Truth, loss, true_pools
from kiloland.spinup.learn.model import Architecture, Model, named_leaves, network_shape, with_leaves
from kiloland.spinup.learn.network import Network, TokenBatch
from kiloland.spinup.learn.problem import WIDTHS, Problem, base_batch, make_problem, token_batch
from kiloland.spinup.learn.variables import CARBON
from kiloland.spinup.learn.weights import read_arrays, write_arrays

Int = NDArray[np.int64]
Report = Callable[[int, int, str], None]
"""Called after each epoch with epochs done, epochs in all, and a line."""

CHECKPOINT: Final = "spinup_checkpoint"
WARMING: Final = 2.0
"""Epochs of rising steps."""
GRADIENT: Final = optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam())


@dataclass(frozen=True)
class Settings:
    """What a training depends on besides the data; the same settings, data and split give the same bits."""

    seed: int = 0
    architecture: Architecture = Architecture.CLOSURE
    epochs: int = 40
    batch: int = 64
    rate: float = 3.0e-3
    weight_decay: float = 1.0e-3
    width: int = 96
    depth: int = 2


FINE_TUNING: Final = Settings(epochs=20, rate=1.0e-3)
"""Settings for continuing from other weights."""


class Example(NamedTuple):
    """One batch: inputs, base and truth."""

    tokens: TokenBatch
    base: Base
    truth: Truth


def small(values: NDArray[np.float64]) -> jax.Array:
    """Single precision."""
    return jnp.asarray(values, jnp.float32)


@dataclass(frozen=True)
class Examples:
    """All cells of a part of the data, with their truth."""

    problem: Problem
    plant: NDArray[np.float64]
    layer: NDArray[np.float64]
    logs: LogScale | None
    """Given for the direct architecture, whose base is the same everywhere."""

    def example(self, rows: Int, width: int) -> Example:
        """A batch of cells with plant types packed into ``width`` places."""
        tokens, slots = token_batch(self.problem, rows, width)
        base = base_batch(self.problem, rows, slots)
        if self.logs is not None:
            base = direct_base(base, self.logs, tokens.present)
        plant = np.take_along_axis(self.plant[rows], slots[:, :, None], axis=1)
        return Example(tokens, base, Truth(small(plant), small(self.layer[rows])))

    def widths(self) -> NDArray[np.int64]:
        """The packed width that each cell needs."""
        number = self.problem.inputs.present.sum(axis=1)
        return np.asarray([next(w for w in WIDTHS if w >= n) for n in number], np.int64)

    def pieces(self, size: int, order: Int) -> Iterator[tuple[Int, int]]:
        """All cells in this order by packed width; the last of a width is filled up with others."""
        widths = self.widths()[order]
        for width in WIDTHS:
            rows = order[widths == width]
            for start in range(0, rows.size, size):
                chosen = np.concatenate([rows[start : start + size], rows])
                yield np.resize(chosen, size), width


def train(
    table: CellTable,
    train_cells: Int,
    validation_cells: Int,
    settings: Settings,
    *,
    start: Model | None = None,
    checkpoint: Path | None = None,
    report: Report | None = None,
    notes: dict[str, Any] | None = None,
) -> Model:
    """Train on some cells, keep the weights that are best on others; no other cell is looked at.

    ``start``: weights to go on from, with their scalers (fine-tuning). ``checkpoint``: file that is renewed
    after each epoch; a training that finds it goes on from there, bit for bit as if it had not stopped.
    Raises InputError where a part is empty or the checkpoint is of another training.
    """
    for part, cells in (("training", train_cells), ("validation", validation_cells)):
        if cells.size == 0:
            raise InputError(f"the split has no {part} cells")
    chosen = table.take(np.sort(train_cells))
    model = start or new_model(chosen, settings)
    settings = dataclasses.replace(settings, architecture=model.architecture)
    logs = model.logs if model.architecture is Architecture.DIRECT else None
    examples = prepared(chosen, model, logs)
    validation = prepared(table.take(np.sort(validation_cells)), model, logs)
    network = fitted_network(model, examples, validation, settings, checkpoint, report)
    model = dataclasses.replace(model, network=network, notes={**(notes or {}), **described(settings)})
    return dataclasses.replace(model, judge=fitted_judge(model, table, train_cells, validation_cells))


def new_model(table: CellTable, settings: Settings) -> Model:
    """An untrained model with scalers fitted on the training cells."""
    features = FeatureSet.fitted(table)
    plant, layer = true_pools(table)
    shape = network_shape(features, settings.architecture, settings.width, settings.depth)
    return Model(
        settings.architecture,
        shape,
        Network(shape, settings.seed),
        features,
        Scales.fitted(plant, layer),
        LogScale.fitted(plant, layer),
        no_judge(len(CARBON)),
        {},
    )


def prepared(table: CellTable, model: Model, logs: LogScale | None) -> Examples:
    """Cells ready for batches."""
    plant, layer = true_pools(table)
    return Examples(make_problem(table, model.features), plant, layer, logs)


def described(settings: Settings) -> dict[str, Any]:
    """Settings as plain values."""
    return {**dataclasses.asdict(settings), "architecture": settings.architecture.value}


class State(NamedTuple):
    """What training carries from epoch to epoch."""

    network: Network
    optimiser: Any
    best: Network
    best_loss: Any
    epoch: Any


def fitted_network(
    model: Model,
    examples: Examples,
    validation: Examples,
    settings: Settings,
    checkpoint: Path | None,
    report: Report | None,
) -> Network:
    """The weights with the least loss on the validation cells."""
    scales, logs = jax.tree.map(jnp.asarray, (model.scales, model.logs))
    direct = settings.architecture is Architecture.DIRECT
    network = model.network
    memory = started(eqx.filter(network, eqx.is_array))
    state = State(network, memory, network, jnp.asarray(np.inf, jnp.float64), jnp.asarray(0))
    token = training_token(model, examples, settings)
    if checkpoint is not None and checkpoint.exists():
        state = read_checkpoint(checkpoint, state, token)
    everything = np.arange(validation.problem.cells)
    for epoch in range(int(state.epoch), settings.epochs):
        order = np.random.default_rng([settings.seed, epoch]).permutation(examples.problem.cells)
        network, memory = state.network, state.optimiser
        batches = list(examples.pieces(settings.batch, order))
        for number, (rows, width) in enumerate(batches):
            rate = jnp.asarray(learning_rate(settings, epoch + number / len(batches)), jnp.float32)
            example = examples.example(rows, width)
            network, memory = step(
                network, memory, example, scales, logs, rate, settings.weight_decay, direct
            )
        losses = [
            float(cost(network, example, scales, logs, direct))
            for example in starmap(validation.example, validation.pieces(settings.batch, everything))
        ]
        now = float(np.mean(losses))
        if not np.isfinite(now):
            raise InputError(
                "the training lost its way: the loss is no number", where=f"epoch {epoch + 1}", found=now
            )
        better = now < float(state.best_loss)
        best, least = (network, now) if better else (state.best, float(state.best_loss))
        state = State(network, memory, best, jnp.asarray(least, jnp.float64), jnp.asarray(epoch + 1))
        if checkpoint is not None:
            write_checkpoint(checkpoint, state, token)
        if report is not None:
            report(epoch + 1, settings.epochs, f"validation loss {now:.5f}, best {least:.5f}")
    return state.best


def learning_rate(settings: Settings, epoch: float) -> float:
    """Rises over two epochs, then falls along half a cosine to a hundredth."""
    if epoch < WARMING:
        return settings.rate * (0.1 + 0.9 * epoch / WARMING)
    share = (epoch - WARMING) / max(settings.epochs - WARMING, 1.0)
    return settings.rate * (0.01 + 0.99 * 0.5 * (1.0 + float(np.cos(np.pi * min(share, 1.0)))))


def measured(network: Network, example: Example, scales: Any, logs: Any, direct: bool) -> jax.Array:
    """Loss of a batch."""
    outputs = network(example.tokens)
    answer = direct_answer(outputs, logs) if direct else closure_answer(outputs, example.base)
    return loss(answer, example.base, example.truth, scales)


cost = eqx.filter_jit(measured)
started = jax.jit(GRADIENT.init)


@eqx.filter_jit
def step(
    network: Network,
    memory: Any,
    example: Example,
    scales: Any,
    logs: Any,
    rate: jax.Array,
    decay: float,
    direct: bool,
) -> tuple[Network, Any]:
    """One step of Adam with decoupled decay of weights (Loshchilov and Hutter 2019).

    A batch whose gradient is no number changes nothing: one column at the edge of single precision must not
    end a training. Where all batches are so, the loss stands still.
    """
    slope = eqx.filter_grad(measured)(network, example, scales, logs, direct)
    sound = jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(slope)]).all()
    slope = jax.tree.map(lambda leaf: jnp.where(sound, leaf, 0.0), slope)
    change, moved_memory = GRADIENT.update(slope, memory)
    weights = eqx.filter(network, eqx.is_array)
    update = jax.tree.map(
        lambda moved, weight: jnp.where(sound, -rate * (moved + decay * weight), 0.0), change, weights
    )
    memory = jax.tree.map(lambda new, old: jnp.where(sound, new, old), moved_memory, memory)
    return eqx.apply_updates(network, update), memory


def training_token(model: Model, examples: Examples, settings: Settings) -> str:
    """Hash of what a training starts from; a checkpoint belongs to one training only."""
    digest = hashlib.sha256(json.dumps(described(settings), sort_keys=True).encode())
    for leaf in named_leaves(model.network).values():
        digest.update(leaf.tobytes())
    for array in (examples.plant, examples.layer, examples.problem.inputs.layer):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write_checkpoint(path: Path, state: State, token: str) -> None:
    """Everything that the next epoch depends on."""
    write_arrays(path, {"kind": CHECKPOINT, "token": token}, checkpoint_leaves(state))


def checkpoint_leaves(state: State) -> dict[str, NDArray[Any]]:
    """Arrays of the state; an infinite best loss is kept as the largest number."""
    finite = jnp.minimum(state.best_loss, float(np.finfo(np.float64).max))
    return named_leaves(state._replace(best_loss=finite))


def read_checkpoint(path: Path, state: State, token: str) -> State:
    """The state of the checkpoint. Raises InputError where it belongs to another training."""
    header, arrays = read_arrays(path)
    if header.get("kind") != CHECKPOINT or header.get("token") != token:
        raise InputError(
            "is a checkpoint of another training",
            file=path,
            hint="Remove it, or give the data, split, seed and settings that it was made with",
        )
    restored: State = with_leaves(state, arrays, path)
    return restored
