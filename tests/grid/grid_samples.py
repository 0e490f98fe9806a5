"""A small piece of the Daymet grid near the Bering Strait, with an island and a strait of water."""

from __future__ import annotations

import numpy as np

from kiloland.grid import DaymetGrid, LandMask

# The dateline crosses these 60 x 80 cells.
PIECE = DaymetGrid(60, 80, left=-3_290_750.0, top=4_290_500.0)


def strait_mask() -> LandMask:
    """Land but for columns 30 to 39; a single island cell in row 10, column 35."""
    land = np.ones((PIECE.rows, PIECE.columns), dtype=bool)
    land[:, 30:40] = False
    land[10, 35] = True
    return LandMask(land.ravel())


MASK = strait_mask()
ISLAND = 10 * PIECE.columns + 35
