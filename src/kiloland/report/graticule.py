"""Meridians and parallels on a map in projection coordinates, with their labels at its frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.grid import DaymetGrid

Float = NDArray[np.float64]
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0)
LINE = {"color": "#555555", "linewidth": 0.5, "alpha": 0.55, "linestyle": (0, (4, 3))}


@dataclass(frozen=True)
class Line:
    """One meridian or parallel: its label and its points in the map's coordinates."""

    label: str
    x: Float
    y: Float
    meridian: bool


def degrees_text(value: float, letters: str) -> str:
    """``164°W``: ``letters`` are those of positive and negative values.

    >>> degrees_text(196.0 - 360.0, "EW"), degrees_text(64.5, "NS"), degrees_text(0.0, "NS")
    ('164°W', '64.5°N', '0°')
    """
    size = f"{abs(value):.6g}"
    return f"{size}°" + ("" if value == 0 else letters[int(value < 0)])


def longitude_text(longitude: float) -> str:
    """A longitude of either convention as east or west of Greenwich."""
    centred = (longitude + 180.0) % 360.0 - 180.0
    return degrees_text(180.0 if centred == -180.0 else round(centred, 6), "EW")


def latitude_text(latitude: float) -> str:
    return degrees_text(round(latitude, 6), "NS")


def nice_step(span: float, lines: int = 5) -> float:
    """The round step that gives about this many lines in a span (degrees)."""
    return min(STEPS, key=lambda step: abs(np.log(span / step / lines)) if span > 0 else step)


def round_values(low: float, high: float, step: float) -> Float:
    """Multiples of the step inside a range."""
    return np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1, dtype=np.float64) * step


def lines_of(grid: DaymetGrid, edges: tuple[float, float, float, float]) -> list[Line]:
    """The lines that cross a window (west, east, south, north in m) of the projection."""
    west, east, south, north = edges
    u, v = np.meshgrid(np.linspace(west, east, 41), np.linspace(south, north, 41))
    longitude, latitude = grid.to_longitude_latitude(u.ravel(), v.ravel())
    low_lon, high_lon = float(longitude.min()), float(longitude.max())
    low_lat, high_lat = float(latitude.min()), float(latitude.max())
    along = np.linspace(0.0, 1.0, 401)
    lines = []
    for value in round_values(low_lon, high_lon, nice_step(high_lon - low_lon)):
        x, y = grid.to_xy(np.full(along.size, value), low_lat + along * (high_lat - low_lat))
        lines.append(Line(longitude_text(value), x, y, True))
    for value in round_values(low_lat, high_lat, nice_step(high_lat - low_lat)):
        x, y = grid.to_xy(low_lon + along * (high_lon - low_lon), np.full(along.size, value))
        lines.append(Line(latitude_text(value), x, y, False))
    return lines


def crossing(line: Line, side: str, edges: tuple[float, float, float, float]) -> tuple[float, float] | None:
    """Where a line leaves the frame through one side; None where it does not."""
    west, east, south, north = edges
    at = {"left": west, "right": east, "bottom": south, "top": north}[side]
    across, along = (line.x, line.y) if side in ("left", "right") else (line.y, line.x)
    low, high = (south, north) if side in ("left", "right") else (west, east)
    for i in np.flatnonzero((across[:-1] - at) * (across[1:] - at) <= 0):
        if across[i] == across[i + 1]:
            continue
        part = (at - across[i]) / (across[i + 1] - across[i])
        place = float(along[i] + part * (along[i + 1] - along[i]))
        if low < place < high:
            return (at, place) if side in ("left", "right") else (place, at)
    return None


SIDES = {True: ("bottom", "top", "left", "right"), False: ("left", "right", "top", "bottom")}
ALIGN = {
    "left": ({"ha": "right", "va": "center"}, (-4, 0)),
    "right": ({"ha": "left", "va": "center"}, (4, 0)),
    "bottom": ({"ha": "center", "va": "top"}, (0, -4)),
    "top": ({"ha": "center", "va": "bottom"}, (0, 4)),
}


def draw_graticule(
    axes: Any, grid: DaymetGrid, edges: tuple[float, float, float, float], size: float
) -> None:
    """Draw the lines and label each once: meridians below or above, parallels left or right where possible.

    Labels that would lie on one another are left out.
    """
    west, east, south, north = edges
    used: list[tuple[str, float]] = []
    gaps = {"left": (north - south) / 18, "right": (north - south) / 18}
    gaps |= {"bottom": (east - west) / 9, "top": (east - west) / 9}
    for line in lines_of(grid, edges):
        axes.plot(line.x, line.y, **LINE)
        for side in SIDES[line.meridian]:
            place = crossing(line, side, edges)
            if place is None:
                continue
            along = place[1] if side in ("left", "right") else place[0]
            if any(other == side and abs(along - there) < gaps[side] for other, there in used):
                continue
            used.append((side, along))
            how, offset = ALIGN[side]
            axes.annotate(
                line.label,
                place,
                xytext=offset,
                textcoords="offset points",
                fontsize=size,
                color="#333333",
                **how,
            )
            break
