"""The network: encoders by kind of data, one token a plant type and a layer, a transformer, linear heads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

ABSENT: Final = -1.0e9
"""Added to the attention of plant types that are absent."""


class TokenBatch(NamedTuple):
    """Inputs of a batch of cells; plant types may be packed in any order."""

    plant: Float[Array, "cell plant number"]
    present: Bool[Array, "cell plant"]
    layer: Float[Array, "cell layer number"]
    climate: Float[Array, "cell number"]
    ground: Float[Array, "cell number"]


class Outputs(NamedTuple):
    """Raw outputs per token, zero in a new network; ``summary``: what was learned of each cell."""

    plant: Float[Array, "cell plant output"]
    layer: Float[Array, "cell layer output"]
    ground: Float[Array, "cell output"]
    summary: Float[Array, "cell width"]


@dataclass(frozen=True)
class Shape:
    """Sizes of a network: numbers per kind of token, width, depth, heads of attention, outputs."""

    plant: int
    layer: int
    climate: int
    ground: int
    plant_out: int
    layer_out: int
    ground_out: int
    width: int = 48
    depth: int = 2
    heads: int = 4


def single(values: np.ndarray) -> Array:
    """Single precision on the device."""
    return jnp.asarray(values, jnp.float32)


class Linear(eqx.Module):
    """y = x W + b over the last axis."""

    weight: Array
    bias: Array

    def __init__(self, inputs: int, outputs: int, draw: np.random.Generator, scale: float = 1.0) -> None:
        weight = scale / np.sqrt(inputs) * draw.normal(size=(inputs, outputs))
        self.weight, self.bias = single(weight), single(np.zeros(outputs))

    def __call__(self, values: Array) -> Array:
        return values @ self.weight + self.bias


class Norm(eqx.Module):
    """Mean 0 and spread 1 over the last axis, then scale and offset."""

    scale: Array
    offset: Array

    def __init__(self, width: int) -> None:
        self.scale, self.offset = single(np.ones(width)), single(np.zeros(width))

    def __call__(self, values: Array) -> Array:
        centred = values - values.mean(axis=-1, keepdims=True)
        variance = jnp.mean(centred * centred, axis=-1, keepdims=True)
        return centred * jax.lax.rsqrt(variance + 1e-5) * self.scale + self.offset


class Encoder(eqx.Module):
    """Two layers from the numbers of one kind of token to the common width."""

    first: Linear
    second: Linear

    def __init__(self, inputs: int, width: int, draw: np.random.Generator) -> None:
        self.first, self.second = Linear(inputs, 2 * width, draw), Linear(2 * width, width, draw)

    def __call__(self, values: Array) -> Array:
        return self.second(jax.nn.gelu(self.first(values)))


class Block(eqx.Module):
    """Attention among all tokens of a cell, then two layers for each token (pre-norm residual form)."""

    mixing: Linear
    joining: Linear
    wide: Linear
    narrow: Linear
    before: Norm
    between: Norm
    heads: int = eqx.field(static=True)

    def __init__(self, width: int, heads: int, draw: np.random.Generator) -> None:
        self.mixing, self.joining = Linear(width, 3 * width, draw), Linear(width, width, draw, 0.3)
        self.wide, self.narrow = Linear(width, 2 * width, draw), Linear(2 * width, width, draw, 0.3)
        self.before, self.between, self.heads = Norm(width), Norm(width), heads

    def __call__(self, tokens: Array, penalty: Array) -> Array:
        tokens = tokens + self.joining(self.attended(self.before(tokens), penalty))
        return tokens + self.narrow(jax.nn.gelu(self.wide(self.between(tokens))))

    def attended(self, tokens: Array, penalty: Array) -> Array:
        """softmax(q k / sqrt(width of a head) + penalty) v for every head."""
        cells, count, width = tokens.shape
        parts = self.mixing(tokens).reshape(cells, count, 3, self.heads, width // self.heads)
        query, key, value = (parts[:, :, number].transpose(0, 2, 1, 3) for number in range(3))
        score = query @ key.transpose(0, 1, 3, 2) / jnp.sqrt(float(width // self.heads)).astype(jnp.float32)
        weights = jax.nn.softmax(score + penalty[:, None, None, :], axis=-1)
        return (weights @ value).transpose(0, 2, 1, 3).reshape(cells, count, width)


class Network(eqx.Module):
    """Tokens of a cell in, raw outputs per plant type, layer and cell out.

    The kind of a token is told by its encoder alone; tokens of one kind differ by their numbers only, so
    that the order of plant types has no meaning. Heads start at zero: a new network answers zero.
    """

    plant: Encoder
    layer: Encoder
    climate: Encoder
    ground: Encoder
    blocks: tuple[Block, ...]
    last: Norm
    plant_head: Linear
    layer_head: Linear
    ground_head: Linear

    def __init__(self, shape: Shape, seed: int) -> None:
        draw = np.random.default_rng(seed)
        self.plant = Encoder(shape.plant, shape.width, draw)
        self.layer = Encoder(shape.layer, shape.width, draw)
        self.climate = Encoder(shape.climate, shape.width, draw)
        self.ground = Encoder(shape.ground, shape.width, draw)
        self.plant_head = Linear(shape.width, shape.plant_out, draw, 0.0)
        self.layer_head = Linear(shape.width, shape.layer_out, draw, 0.0)
        self.ground_head = Linear(2 * shape.width, shape.ground_out, draw, 0.0)
        self.blocks = tuple(Block(shape.width, shape.heads, draw) for _ in range(shape.depth))
        self.last = Norm(shape.width)

    def __call__(self, batch: TokenBatch) -> Outputs:
        plants, layers = batch.plant.shape[1], batch.layer.shape[1]
        single = [self.climate(batch.climate)[:, None], self.ground(batch.ground)[:, None]]
        tokens = jnp.concatenate([*single, self.layer(batch.layer), self.plant(batch.plant)], axis=1)
        absent = jnp.where(batch.present, 0.0, ABSENT).astype(jnp.float32)
        penalty = jnp.pad(absent, ((0, 0), (tokens.shape[1] - plants, 0)))
        for block in self.blocks:
            tokens = block(tokens, penalty)
        tokens = self.last(tokens)
        layer, plant = tokens[:, 2 : 2 + layers], tokens[:, 2 + layers :]
        summary = jnp.concatenate([tokens[:, 1], layer.mean(axis=1)], axis=-1)
        plant_out = jnp.where(batch.present[:, :, None], self.plant_head(plant), 0.0)
        return Outputs(plant_out, self.layer_head(layer), self.ground_head(summary), summary)
