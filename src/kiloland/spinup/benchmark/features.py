"""What the statistical rivals see: one table per plant type and one per cell with its profile.

Climate by mean, range and first harmonic of each month's means; pools and fluxes by signed logarithms, since
they span orders of magnitude. No place, no number of a cell, no order of a list.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.benchmark.world import World

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Features:
    """``cell`` [cell, number], ``patch`` [cell, plant type, number], ``layer`` [cell, layer, number]."""

    cell: Float
    patch: Float
    layer: Float

    def of_patches(self, cells: Int) -> Float:
        """[cell, plant type, number]: the slot's own numbers, its type as switches, then its cell's."""
        own = self.patch[cells]
        switches = np.broadcast_to(np.eye(own.shape[1]), (cells.size, own.shape[1], own.shape[1]))
        return np.concatenate([own, switches, _repeated(self.cell[cells], own.shape[1])], axis=2)

    def of_layers(self, cells: Int) -> Float:
        """[cell, layer, number]: the layer's own numbers, its depth, then its cell's."""
        own = self.layer[cells]
        depth = np.broadcast_to(np.arange(own.shape[1])[None, :, None], (cells.size, own.shape[1], 1))
        return np.concatenate([own, depth, _repeated(self.cell[cells], own.shape[1])], axis=2)

    def of_profiles(self, cells: Int) -> Float:
        """[cell, number]: all layers of a cell side by side, then the cell's own numbers."""
        return np.concatenate([self.layer[cells].reshape(cells.size, -1), self.cell[cells]], axis=1)


def features_of(world: World) -> Features:
    """The tables of a data set; entries that are no number (absent plant types) become zero."""
    slots = {"patch": world.cover.shape[1], "layer": _layers(world)}
    cell: list[Float] = []
    patch: list[Float] = [world.cover[:, :, None]]
    layer: list[Float] = []
    for name, values in world.known.items():
        kind = name.partition("_")[0]
        if kind == "operator":
            continue
        if kind == "forcing":
            cell.append(climate(values))
        elif values.ndim == 1:
            cell.append(signed_log(values)[:, None] if kind == "flux" else values[:, None])
        elif values.ndim == 2 and values.shape[1] == slots["patch"]:
            patch.append(signed_log(values)[:, :, None])
        elif values.ndim == 2 and values.shape[1] == slots["layer"]:
            layer.append(signed_log(values)[:, :, None])
    for name, values in world.before.items():
        if values.ndim == 2:
            (layer if world.is_layered(name) else patch).append(signed_log(values)[:, :, None])
    return Features(*(np.nan_to_num(_joined(parts, world)) for parts in (cell, patch, layer)))


def signed_log(values: Float) -> Float:
    """sign(v) ln(1 + |v| / s), s the median size of what is not zero, so that rates and stocks look alike."""
    size = np.abs(values)
    usual = size[np.isfinite(size) & (size > 0.0)]
    scale = float(np.median(usual)) if usual.size else 1.0
    return np.sign(values) * np.log1p(size / scale)


def climate(monthly: Float) -> Float:
    """[cell, 5]: mean, lowest and highest month, and the size and half-year part of the annual course.

    A record of several years is first averaged to twelve months.
    """
    year = monthly.reshape(monthly.shape[0], -1, 12).mean(axis=1)
    angle = 2.0 * np.pi * (np.arange(12) + 0.5) / 12.0
    annual = np.hypot(year @ np.cos(angle), year @ np.sin(angle)) / 6.0
    half_year = np.hypot(year @ np.cos(2.0 * angle), year @ np.sin(2.0 * angle)) / 6.0
    return np.stack([year.mean(axis=1), year.min(axis=1), year.max(axis=1), annual, half_year], axis=1)


def _joined(parts: list[Float], world: World) -> Float:
    return np.concatenate(parts, axis=-1) if parts else np.zeros((world.cells, 0))


def _layers(world: World) -> int:
    return next((world.before[name].shape[1] for name in world.before if world.is_layered(name)), 0)


def _repeated(values: Float, slots: int) -> Float:
    return np.broadcast_to(values[:, None, :], (values.shape[0], slots, values.shape[1]))
