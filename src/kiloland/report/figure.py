"""The common looks of all pictures, and how they are saved."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import write_bytes

DOTS_PER_INCH = 150
LOOKS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "axes.titlesize": 12.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.6,
    "figure.facecolor": "white",
    "axes.prop_cycle": cycler(
        color=["#1f5a94", "#d1642a", "#3c8d5a", "#8a4f9e", "#b0413e", "#6b6b6b", "#c2a12b", "#2b9db0"]
    ),
}
MISSING_COLOUR = "#b5b5b5"
SMALL = 8.5
PADDING = 0.12
"""Inches between the frame of a picture and what is in it."""


@contextmanager
def looks() -> Iterator[None]:
    """Draw with the package's settings, whatever the user's own are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        for name, value in LOOKS.items():
            matplotlib.rcParams[name] = value  # type: ignore[index]
        yield


def png(figure: Figure) -> bytes:
    """The picture as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": "kiloland"})
    return buffer.getvalue()


def save(figure: Figure, path: Path) -> Path:
    """Write the picture atomically.

    Raises ``InputError`` for a name that is not of a PNG file, ``OutputError`` where writing fails.
    """
    if path.suffix.lower() != ".png":
        raise InputError("pictures are PNG files", file=path, expected="a name that ends in .png")
    write_bytes(path, png(figure))
    return path


def robust_limits(values: NDArray[np.float64]) -> tuple[float, float]:
    """Limits that hold the middle 96 % of the numbers, widened where they are all the same.

    The whole range is taken where it is at most half as wide again.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(finite, [2.0, 98.0]))
    least, most = float(finite.min()), float(finite.max())
    if most - least <= 1.5 * (high - low):
        low, high = least, most
    if low == high:
        low, high = least, most
    if low == high:
        margin = abs(low) * 0.05 or 1.0
        return low - margin, high + margin
    return low, high


def number_text(value: float) -> str:
    """A number with four significant digits, never ``-0``."""
    return f"{value + 0.0:.4g}"
