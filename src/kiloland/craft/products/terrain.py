"""Slope and aspect of a digital elevation model at its own resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kiloland.grid.base import WGS84_ECCENTRICITY_SQUARED, WGS84_SEMI_MAJOR_AXIS, FloatArray


@dataclass(frozen=True)
class Terrain:
    """Of every pixel ``[row, column]``: slope (degrees), sin(slope) cos(aspect), sin(slope) sin(aspect).

    The aspect is the direction that the pixel faces, downhill, clockwise from true north. NaN where one of
    the eight neighbours is missing.
    """

    slope: FloatArray
    north_facing: FloatArray
    east_facing: FloatArray


def terrain(elevation: FloatArray, ground: FloatArray) -> Terrain:
    """Slopes of the inner pixels of ``elevation`` ``[row + 2, column + 2]`` (m).

    Gradients along columns (a) and rows (b) by Horn (1981, Proc. IEEE 69, 14-47):
    z_a = [(z_ne + 2 z_e + z_se) - (z_nw + 2 z_w + z_sw)] / 8 for a step of one pixel, z_b likewise.
    ``ground`` ``[4, row, column]`` is the way on the ground (m) of one pixel: east and north along columns,
    east and north along rows. With g the gradient in metres east and north, J the matrix of the ways,
    J g = (z_a, z_b); tan(slope) = |g|; the pixel faces -g.
    """
    z = elevation
    east = z[:-2, 2:] + 2.0 * z[1:-1, 2:] + z[2:, 2:]
    west = z[:-2, :-2] + 2.0 * z[1:-1, :-2] + z[2:, :-2]
    last = z[2:, :-2] + 2.0 * z[2:, 1:-1] + z[2:, 2:]
    first = z[:-2, :-2] + 2.0 * z[:-2, 1:-1] + z[:-2, 2:]
    along, down = (east - west) / 8.0, (last - first) / 8.0
    along_east, along_north, down_east, down_north = ground
    determinant = along_east * down_north - along_north * down_east
    to_east = (along * down_north - along_north * down) / determinant
    to_north = (along_east * down - along * down_east) / determinant
    steep = np.hypot(to_east, to_north)
    length = np.sqrt(1.0 + steep**2)
    # Facing downhill: sin(slope) times the unit vector against the gradient is -g / sqrt(1 + |g|²).
    slope = np.where(np.isfinite(z[1:-1, 1:-1]), np.rad2deg(np.arctan(steep)), np.nan)
    return Terrain(slope, -to_north / length, -to_east / length)


def ground_ways(longitude: FloatArray, latitude: FloatArray) -> FloatArray:
    """Ways on WGS84 (m) between neighbours of places ``[row + 2, column + 2]`` (degrees), as for ``terrain``.

    Half the way from one neighbour to the other: N cos φ dλ east and M dφ north, N and M the radii of
    curvature at the place.
    """
    sine = np.sin(np.deg2rad(latitude[1:-1, 1:-1]))
    rest = 1.0 - WGS84_ECCENTRICITY_SQUARED * sine**2
    prime = WGS84_SEMI_MAJOR_AXIS / np.sqrt(rest) * np.cos(np.deg2rad(latitude[1:-1, 1:-1]))
    meridian = WGS84_SEMI_MAJOR_AXIS * (1.0 - WGS84_ECCENTRICITY_SQUARED) / rest**1.5
    ways = []
    for ahead, behind in (
        ((slice(1, -1), slice(2, None)), (slice(1, -1), slice(None, -2))),
        ((slice(2, None), slice(1, -1)), (slice(None, -2), slice(1, -1))),
    ):
        turn = (longitude[ahead] - longitude[behind] + 180.0) % 360.0 - 180.0
        ways.append(prime * np.deg2rad(turn) / 2.0)
        ways.append(meridian * np.deg2rad(latitude[ahead] - latitude[behind]) / 2.0)
    return np.stack(ways)
