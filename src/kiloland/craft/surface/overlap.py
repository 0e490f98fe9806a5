"""Areas that target cells share with source cells, on the sphere.

Cells are polygons in the plane of longitude and sine of latitude, in which areas are those of the sphere and
source cells are rectangles. Edges of target cells are straight there, the same for both cells on an edge, so
target cells neither overlap nor leave gaps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.surface.source import SourceGrid
from kiloland.grid.base import FloatArray


@dataclass(frozen=True)
class Overlaps:
    """Pairs of target and source cells with the area (radian²) they share, ordered by target."""

    target: NDArray[np.int64]
    source: NDArray[np.int64]
    area: FloatArray


def overlaps(
    grid: SourceGrid,
    longitude: FloatArray,
    latitude: FloatArray,
    vertex_longitude: FloatArray,
    vertex_latitude: FloatArray,
) -> Overlaps:
    """Shared areas of cells with centres ``[cell]`` and corners ``[4, cell]`` (degrees)."""
    centre = grid.position(longitude, latitude)[1]
    corner_column = centre + (vertex_longitude - longitude) / grid.longitude_step
    corner_row = (vertex_latitude - grid.south) / grid.latitude_step
    first_column, last_column = _cells_between(corner_column)
    first_row, last_row = _cells_between(corner_row)
    # The outermost rows of a grid around the Earth reach to the poles.
    first_row, last_row = np.clip(first_row, 0, grid.rows - 1), np.clip(last_row, 0, grid.rows - 1)
    width, height = last_column - first_column + 1, last_row - first_row + 1
    count = width * height
    target = np.repeat(np.arange(centre.size), count)
    place = np.arange(target.size) - np.repeat(np.cumsum(count) - count, count)
    row = first_row[target] + place // width[target]
    column = first_column[target] + place % width[target]
    radians = np.deg2rad(grid.longitude_step)
    x = radians * (corner_column - centre)
    sine = np.sin(np.deg2rad(latitude))
    y = np.sin(np.deg2rad(vertex_latitude)) - sine
    left = radians * (column - 0.5 - centre[target])
    bottom = np.sin(np.deg2rad(grid.edge_latitude(row))) - sine[target]
    top = np.sin(np.deg2rad(grid.edge_latitude(row + 1))) - sine[target]
    area = shared_area(x[:, target], y[:, target], left, left + radians, bottom, top)
    turned = np.mod(column, grid.columns) if grid.cyclic else column
    real = (area > 0.0) & (turned >= 0) & (turned < grid.columns)
    return Overlaps(target[real], (row * grid.columns + turned)[real], area[real])


def _cells_between(corners: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last cell along an axis that the corners ``[4, cell]`` reach into."""
    first = np.floor(corners.min(axis=0) + 0.5).astype(np.int64)
    last = np.ceil(corners.max(axis=0) + 0.5).astype(np.int64) - 1
    return first, np.maximum(first, last)


def shared_area(
    x: FloatArray, y: FloatArray, left: FloatArray, right: FloatArray, bottom: FloatArray, top: FloatArray
) -> FloatArray:
    """Area that polygons with corners ``[corner, pair]`` share with rectangles ``[pair]``.

    By Green's theorem it is |∮ (min(max(y, bottom), top) - bottom) dx| over the part of the outline between
    ``left`` and ``right``; along an edge the integrand is linear between the points where the edge crosses
    ``bottom`` and ``top``, so trapezoids are exact. Polygons may have any number of corners.
    """
    total = np.zeros(left.shape)
    for corner in range(x.shape[0]):
        x0, y0 = x[corner - 1], y[corner - 1]
        run, rise = x[corner] - x0, y[corner] - y0
        steep, flat = run == 0.0, rise == 0.0
        safe_run, safe_rise = np.where(steep, 1.0, run), np.where(flat, 1.0, rise)
        begin = np.clip((left - x0) / safe_run, 0.0, 1.0)
        end = np.clip((right - x0) / safe_run, 0.0, 1.0)
        begin, end = np.minimum(begin, end), np.maximum(begin, end)
        one = np.where(flat, begin, np.clip((bottom - y0) / safe_rise, begin, end))
        two = np.where(flat, begin, np.clip((top - y0) / safe_rise, begin, end))
        stops = (begin, np.minimum(one, two), np.maximum(one, two), end)
        height = [np.clip(y0 + stop * rise, bottom, top) - bottom for stop in stops]
        piece = sum(
            0.5 * (height[i] + height[i + 1]) * (stops[i + 1] - stops[i]) for i in range(len(stops) - 1)
        )
        total += np.where(steep, 0.0, run * piece)
    return np.abs(total)
