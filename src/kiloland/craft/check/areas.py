"""Areas of a domain against the true ones, and what a wrong area is, by its ratio to the true one."""

from __future__ import annotations

from typing import Final

import numpy as np

from kiloland.craft.check.cells import FloatArray
from kiloland.grid.base import KM2_PER_RADIAN2, nearest_turn

TRUE_WITHIN: Final = 0.01
"""Share by which an area may miss the true one of its cell."""
CORNERS_WITHIN: Final = 0.1
"""The same where only corners tell the true area."""
ALIKE: Final = 0.05
"""Share within which an area is recognised as another quantity."""


def name_of_area(area: FloatArray, true: FloatArray, latitude: FloatArray, halves: FloatArray | None) -> str:
    """What the wrong areas are.

    ``area`` as on file, ``true`` [radian2], ``latitude`` [degrees], ``halves`` = (dlon/180)(dlat/180) by the
    corners, all ``[cell]`` and of wrong cells only.
    """
    if not np.isfinite(area).any():
        return "no number: the arc cosine of a sum above 1"
    degrees2 = np.degrees(1.0) ** 2
    one = np.ones_like(true)
    candidates = (
        ("pi: the arc cosine of a clipped sum", np.pi * one),
        ("1 for every cell: the nominal km2", one),
        (
            "radian2 of the nominal 1 km2: the scale factor of the projection is ignored",
            one / KM2_PER_RADIAN2,
        ),
        ("km2 instead of radian2", true * KM2_PER_RADIAN2),
        ("m2 instead of radian2", true * KM2_PER_RADIAN2 * 1e6),
        ("degree2 instead of radian2", true * degrees2),
        ("degree2 without the cosine of latitude", true * degrees2 / np.cos(np.radians(latitude))),
        ("(dlon/180)(dlat/180): no cosine of latitude, halves of turns instead of radians", halves),
    )
    for name, wrong in candidates:
        if wrong is not None and abs(float(np.nanmedian(area / wrong)) - 1.0) < ALIKE:
            spread = float(np.nanmax(np.abs(area / wrong - 1.0)))
            if spread < 4 * ALIKE:
                return name
    return "not the area of the cell"


def halves_of_turns(
    vertex_longitude: FloatArray, vertex_latitude: FloatArray, longitude: FloatArray
) -> FloatArray:
    """(dlon/180)(dlat/180) of cells by their corners ``[4, cell]``: mean width and height in degrees."""
    east = nearest_turn(vertex_longitude, longitude)
    width = 0.5 * ((east[1] - east[0]) + (east[2] - east[3]))
    height = 0.5 * ((vertex_latitude[3] - vertex_latitude[0]) + (vertex_latitude[2] - vertex_latitude[1]))
    return np.asarray(np.abs(width / 180.0) * np.abs(height / 180.0))
