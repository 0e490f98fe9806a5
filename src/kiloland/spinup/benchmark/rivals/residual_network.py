"""A plain network on log ratios: two hidden layers with a skip from the inputs, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from kiloland.spinup.benchmark.rivals.log_ratio import Fitted, Samples, Scaling, scaling_of
from kiloland.spinup.benchmark.rivals.statistical import LARGEST_INPUT

Float = NDArray[np.float64]

BATCH = 128
BLOCK = 8192
"""Samples that are predicted at once."""
PATIENCE = 15


class Network(eqx.Module):
    """r = W x + V f(x), f a network of two hidden layers."""

    hidden: eqx.nn.MLP
    skip: eqx.nn.Linear

    def __init__(self, inputs: int, outputs: int, width: int, key: jax.Array) -> None:
        first, second = jax.random.split(key)
        self.hidden = eqx.nn.MLP(inputs, outputs, width, 2, jax.nn.gelu, key=first)
        self.skip = eqx.nn.Linear(inputs, outputs, key=second)

    def __call__(self, inputs: jax.Array) -> jax.Array:
        return self.hidden(inputs) + self.skip(inputs)


@dataclass(frozen=True)
class FittedNetwork:
    """Network and the scaling of its inputs and outputs, both of the training samples."""

    network: Network
    inputs: Scaling
    outputs: Scaling

    def predict(self, inputs: Float) -> Float:
        apply = eqx.filter_jit(lambda network, block: jax.vmap(network)(block))
        blocks = np.array_split(inputs, max(1, -(-inputs.shape[0] // BLOCK)))
        scaled = np.concatenate(
            [np.asarray(apply(self.network, self.prepared(block)), np.float64) for block in blocks]
        )
        return scaled * self.outputs.spread + self.outputs.mean

    def prepared(self, inputs: Float) -> jax.Array:
        return single(np.clip(self.inputs(inputs), -LARGEST_INPUT, LARGEST_INPUT))


@dataclass(frozen=True)
class ResidualNetwork:
    """Adam with a cosine decay, stopped when the validation cells gain no more."""

    name: str = "residual network"
    by_layer: bool = False
    settings: ClassVar[tuple[dict[str, Any], ...]] = (
        {"width": 256, "rate": 1.0e-3},
        {"width": 128, "rate": 3.0e-3},
        {"width": 512, "rate": 5.0e-4},
    )

    def fit(
        self, train: Samples, validation: Samples, setting: dict[str, Any], seed: int, epochs: int
    ) -> Fitted:
        scaling = scaling_of(train.inputs)
        target = output_scaling(train.ratio)
        network = Network(train.inputs.shape[1], train.ratio.shape[1], setting["width"], jax.random.key(seed))
        fitted = FittedNetwork(network, scaling, target)
        x, y = fitted.prepared(train.inputs), single(target(train.ratio))
        held, expected = fitted.prepared(validation.inputs), single(target(validation.ratio))
        steps = max(1, x.shape[0] // BATCH)
        schedule = optax.cosine_decay_schedule(setting["rate"], epochs * steps)
        optimiser = optax.adam(schedule)
        state = optimiser.init(eqx.filter(network, eqx.is_array))
        best, best_network, since = np.inf, network, 0
        draw = np.random.default_rng(seed)
        for _ in range(epochs):
            order = draw.permutation(x.shape[0])
            for rows in np.array_split(order[: steps * BATCH], steps):
                network, state = step(network, state, optimiser, x[rows], y[rows])
            error = float(loss(network, held, expected))
            since = 0 if error < best else since + 1
            if error < best:
                best, best_network = error, network
            if since > PATIENCE:
                break
        return FittedNetwork(best_network, scaling, target)


def single(values: Float) -> jax.Array:
    """Single precision, as everywhere inside a network."""
    return jnp.asarray(values, jnp.float32)


def output_scaling(ratio: Float) -> Scaling:
    """Mean and spread of the usable ratios of each output."""
    usable = np.isfinite(ratio)
    number = np.maximum(usable.sum(axis=0), 1)
    mean = np.where(usable, ratio, 0.0).sum(axis=0) / number
    spread = np.sqrt(np.where(usable, np.square(ratio - mean), 0.0).sum(axis=0) / number)
    return Scaling(mean, np.where(spread > 1.0e-9, spread, 1.0))


def loss(network: Network, inputs: jax.Array, ratio: jax.Array) -> jax.Array:
    """Mean Huber loss over the ratios that are numbers."""
    usable = jnp.isfinite(ratio)
    error = jax.vmap(network)(inputs) - jnp.where(usable, ratio, 0.0)
    return jnp.sum(jnp.where(usable, optax.huber_loss(error), 0.0)) / jnp.maximum(jnp.sum(usable), 1)


@eqx.filter_jit
def step(
    network: Network,
    state: optax.OptState,
    optimiser: optax.GradientTransformation,
    inputs: jax.Array,
    ratio: jax.Array,
) -> tuple[Network, optax.OptState]:
    """One step of the optimiser."""
    gradient = eqx.filter_grad(loss)(network, inputs, ratio)
    change, state = optimiser.update(gradient, state)
    return eqx.apply_updates(network, change), state
