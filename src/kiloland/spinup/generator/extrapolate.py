"""Extrapolation along a slow mode, cell by cell (Aitken's rule for vectors).

Where the steps of pseudo-time r_k = g(x_k) - x_k of a cell keep their direction and shrink by a ratio q, what
is left to go is a geometric series, and the next state is

    g(x_k) + r_k q / (1 - q),     q = <r_k, r_{k-1}> / <r_{k-1}, r_{k-1}>

Slow loops through the whole ecosystem (a nutrient that is lost and gained a little each year) so need tens of
steps, not hundreds. Where r = 0 the state stays: the fixed point is untouched. A cell whose steps do not
agree, or that has just jumped, takes the plain step. The norm is in grams of carbon; nitrogen and phosphorus
count with typical C:N and C:P.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.spinup.generator.climate import FloatArray
from kiloland.spinup.generator.constants import LAYERS, THICKNESS
from kiloland.spinup.generator.state import WorldState

REST = 3
"""Steps between two extrapolations: what is fast must settle first."""
ALIGNED = 0.97
"""Least cosine between two steps."""
LARGEST_GAIN = 8.0
LARGEST_RATIO = 1.5
"""A pool changes by at most this factor relative to the step without extrapolation."""
CARBON_PER_N, CARBON_PER_P = 15.0, 300.0


def leaves(state: WorldState) -> list[FloatArray]:
    """The pools that are extrapolated."""
    soil, plants = state.soil, state.plants
    parts = (
        soil.carbon,
        soil.nitrogen,
        soil.phosphorus,
        soil.ammonium,
        soil.nitrate,
        soil.solution,
        soil.labile,
        soil.secondary,
        plants.tissue,
        plants.leaf_storage,
        plants.froot_storage,
        plants.npool,
        plants.ppool,
        plants.retransn,
        plants.retransp,
        plants.year_npp,
    )
    return [np.asarray(part) for part in parts]


def weights(state: WorldState, cover: FloatArray) -> list[FloatArray]:
    """Factors that make grams of carbon per m2 of each of ``leaves``."""
    dz = THICKNESS[:LAYERS, None]
    n, p = CARBON_PER_N, CARBON_PER_P
    soil = [dz, dz * n, dz * p, dz * n, dz * n, dz * p, dz * p, 0.1 * dz * p]
    return [*soil, cover, cover, cover, cover * n, cover * p, cover * n, cover * p, 0.1 * cover]


class Extrapolation:
    """The memory of the last step of a block."""

    def __init__(self, cover: FloatArray) -> None:
        self.cover = cover
        self.last: FloatArray | None = None
        self.age = np.zeros(cover.shape[-1], int)

    def next(self, before: WorldState, image: WorldState) -> WorldState:
        """The state to go on from: ``before`` the step, ``image`` after it."""
        images = leaves(image)
        steps = [new - old for new, old in zip(images, leaves(before), strict=True)]
        residual = self.flat(steps, before)
        last, self.last = self.last, residual
        self.age += 1
        if last is None:
            return image
        gain = self.gain(last, residual)
        self.age = np.where(gain > 0.0, 0, self.age)
        result = []
        for own, step in zip(images, steps, strict=True):
            ends = own / LARGEST_RATIO, own * LARGEST_RATIO
            result.append(np.clip(own + gain * step, np.minimum(*ends), np.maximum(*ends)))
        return with_leaves(image, result)

    def gain(self, last: FloatArray, residual: FloatArray) -> FloatArray:
        """q / (1 - q) of each cell; 0 where it takes the plain step."""
        inner, norm = products(last, residual), products(residual, residual)
        before = np.maximum(products(last, last), 1e-30)
        cosine = inner / np.sqrt(before * np.maximum(norm, 1e-30))
        ratio = inner / before
        ready = (self.age >= REST) & (cosine > ALIGNED) & (ratio > 0.3)
        # A mode that still grows is followed as far as is allowed.
        value = np.where(ratio < 1.0, ratio / np.maximum(1.0 - ratio, 1e-6), LARGEST_GAIN)
        return np.where(ready, np.minimum(value, LARGEST_GAIN), 0.0)

    def flat(self, parts: list[FloatArray], state: WorldState) -> FloatArray:
        """A list of leaves in grams of carbon, ``entry cell``."""
        cells = self.cover.shape[-1]
        scaled = [part * factor for part, factor in zip(parts, weights(state, self.cover), strict=True)]
        return np.concatenate([part.reshape(-1, cells) for part in scaled])


def products(left: FloatArray, right: FloatArray) -> FloatArray:
    """Inner products by cell, in a fixed order of sums."""
    return np.asarray(np.add.reduce(left * right, axis=0))


def with_leaves(state: WorldState, values: list[FloatArray]) -> WorldState:
    """The state with other pools, in the order of ``leaves``."""
    new: list[jax.Array] = [jnp.asarray(value) for value in values]
    soil = replace(
        state.soil,
        carbon=new[0],
        nitrogen=new[1],
        phosphorus=new[2],
        ammonium=new[3],
        nitrate=new[4],
        solution=new[5],
        labile=new[6],
        secondary=new[7],
    )
    plants = replace(
        state.plants,
        tissue=new[8],
        leaf_storage=new[9],
        froot_storage=new[10],
        npool=new[11],
        ppool=new[12],
        retransn=new[13],
        retransp=new[14],
        year_npp=new[15],
    )
    return WorldState(soil, plants)
