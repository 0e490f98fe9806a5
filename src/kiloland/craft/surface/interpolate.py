"""Places of targets among the cells of a grid: the four and the sixteen around them; majorities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.surface.source import SourceGrid
from kiloland.craft.surface.weights import Weights
from kiloland.grid.base import FloatArray


def bilinear(
    grid: SourceGrid, longitude: FloatArray, latitude: FloatArray
) -> tuple[NDArray[np.int64], FloatArray]:
    """The four centres around targets ``[4, target]`` and their weights (1-u)(1-v), u(1-v), (1-u)v, uv.

    u and v are the shares of the way to the next column and row, in degrees. Beyond the outermost centres
    the outermost value counts up to half a cell; farther out all weights are 0.
    """
    row, column = grid.position(longitude, latitude)
    edge = 1e-9
    outside = (row < -0.5 - edge) | (row > grid.rows - 0.5 + edge)
    if not grid.cyclic:
        outside |= (column < -0.5 - edge) | (column > grid.columns - 0.5 + edge)
        column = np.clip(column, 0.0, grid.columns - 1.0)
    row = np.clip(row, 0.0, grid.rows - 1.0)
    south, west = np.floor(row), np.floor(column)
    v, u = row - south, column - west
    rows = [south.astype(np.int64), np.minimum(south + 1, grid.rows - 1).astype(np.int64)]
    first, second = west.astype(np.int64), west.astype(np.int64) + 1
    if grid.cyclic:
        columns = [np.mod(first, grid.columns), np.mod(second, grid.columns)]
    else:
        columns = [first, np.minimum(second, grid.columns - 1)]
    corners = np.stack([rows[j] * grid.columns + columns[i] for j in (0, 1) for i in (0, 1)])
    shares = np.stack([a * b for b in (1.0 - v, v) for a in (1.0 - u, u)])
    return corners, np.where(outside, 0.0, shares)


def majority(layer: FloatArray, weights: Weights) -> FloatArray:
    """The code with the greatest share of each target; the lowest code of equal ones."""
    codes = np.unique(layer[weights.used])
    best, winner = np.zeros(weights.targets), np.full(weights.targets, codes[0])
    for code in codes:
        share = weights.apply((layer == code).astype(np.float64))
        more = share > best + 1e-12
        best, winner = np.where(more, share, best), np.where(more, code, winner)
    return winner


def sixteen(
    grid: SourceGrid, longitude: FloatArray, latitude: FloatArray
) -> tuple[NDArray[np.int64], FloatArray, FloatArray]:
    """The 4 × 4 cells around targets ``[16, target]`` (-1 beyond the grid), and how far they are.

    Distances are in columns and rows, positive to the east and to the north, from -2 to 2.
    """
    row, column = grid.position(longitude, latitude)
    south, west = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
    step = np.arange(-1, 3)
    rows = (south + np.repeat(step, 4)[:, None]).astype(np.int64)
    columns = (west + np.tile(step, 4)[:, None]).astype(np.int64)
    east, north = columns - column, rows - row
    turned = np.mod(columns, grid.columns) if grid.cyclic else columns
    inside = (rows >= 0) & (rows < grid.rows) & (turned >= 0) & (turned < grid.columns)
    return np.where(inside, rows * grid.columns + turned, -1), east, north
