"""Pictures of a spinup: predicted against true, and profiles of soil carbon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from kiloland.report.figure import PADDING, SMALL
from kiloland.report.profiles import Profile, draw_profiles

Float = NDArray[np.float64]

MOST_DOTS = 20000
"""Dots of a scatter; more are thinned evenly, which says nothing new and costs much."""
PANELS = 3


@dataclass(frozen=True)
class Pair:
    """Predicted and true entries of one pool that are not empty, with the words of the panel."""

    title: str
    units: str
    predicted: Float
    truth: Float
    note: str


def draw_scatters(pairs: Sequence[Pair]) -> Figure:
    """One panel a pool on logarithmic axes, with the line of equality."""
    rows = -(-len(pairs) // PANELS)
    figure = Figure(
        figsize=(9.6, 0.4 + 3.2 * rows), layout=ConstrainedLayoutEngine(w_pad=PADDING, h_pad=PADDING)
    )
    panels = figure.subplots(rows, PANELS, squeeze=False).reshape(-1)
    for axes, pair in zip(panels, pairs, strict=False):
        draw_scatter(axes, pair)
    for axes in panels[len(pairs) :]:
        axes.set_axis_off()
    return figure


def draw_scatter(axes: Any, pair: Pair) -> None:
    """One panel."""
    step = max(1, -(-pair.truth.size // MOST_DOTS))
    truth, predicted = np.abs(pair.truth[::step]), np.abs(pair.predicted[::step])
    shown = (truth > 0.0) & (predicted > 0.0)
    axes.scatter(truth[shown], predicted[shown], s=4, alpha=0.35, linewidths=0, color="C0", rasterized=True)
    if shown.any():
        # What is predicted far below the smallest true entry lies on the frame.
        low, high = float(truth[shown].min()) / 1.5, float(max(truth.max(), predicted.max())) * 1.5
        axes.plot([low, high], [low, high], color="#444444", linewidth=0.9)
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(pair.title, fontsize=10)
    axes.set_xlabel(f"true ({pair.units})", fontsize=SMALL)
    axes.set_ylabel("predicted", fontsize=SMALL)
    axes.tick_params(labelsize=SMALL)
    axes.text(0.04, 0.95, pair.note, transform=axes.transAxes, va="top", fontsize=SMALL)


def draw_soil_profiles(profiles: Mapping[str, Float], depth: Float, title: str, units: str) -> Figure:
    """Mean profiles of several states, depth downwards."""
    lines = [Profile(label, depth, values, None, None) for label, values in profiles.items()]
    return draw_profiles(lines, title, units, "area-weighted mean over the columns")
