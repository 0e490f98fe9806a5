"""How fast the crafting commands are and what memory they take: the numbers that a plan rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PROCESS: Final = 200.0e6
"""Memory [bytes] of a process with its libraries."""
FORCING_PROCESS: Final = 250.0e6
"""The same where the compiled kernel of the forcing is loaded."""
MASK_BYTES: Final = 3
"""Bytes for each cell of the whole grid while a land mask is read."""
DOMAIN_CELL: Final = 160
"""Bytes of a cell of a domain in memory."""
GEOMETRY_CELL: Final = 220
"""Bytes of a cell while its geometry is worked out."""
WEIGHT_BYTES: Final = {
    "nearest": 4,
    "linear": 48,
    "conservative": 20,
    "majority": 20,
    "elevation": 48,
    "spline": 128,
}
"""Bytes of the weights of a cell, by method."""
SURFACE_CELL: Final = 120
"""Bytes of a cell for the shares that are brought to their sums, besides the domain and the weights."""
FORCING_CELL: Final = 10
"""Bytes of a cell that the forcing keeps: checksums of the pieces of its files. All else is bounded by the
setting of the memory."""


@dataclass(frozen=True)
class Rates:
    """Work done in a second by one process, start not included.

    ``domain``: cells. ``surface``: values, that is cells times layers. ``downscale``: cell-years from daily
    values. ``convert``: values of three-hourly maps taken. ``copy``: bytes of copies. ``write``: bytes
    written to the disk, synced and verified.
    """

    domain: float
    surface: float
    downscale: float
    convert: float
    copy: float
    write: float
    measured: str


DEFAULT: Final = Rates(
    domain=1.0e6,
    surface=30.0e6,
    downscale=1000.0,
    convert=5.0e7,
    copy=4.5e8,
    write=4.5e8,
    measured="measured on two shared cores of an AMD EPYC, rounded down",
)
"""Rounded down from ``--measure`` on a busy machine and from ``benchmarks/results``."""
