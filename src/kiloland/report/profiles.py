"""Profiles of layered variables over depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.report.dates import record_of, time_text
from kiloland.report.fields import (
    Axes,
    Choice,
    Values,
    axes_of,
    cell_mean,
    numbers_at,
    title_of,
    units_of,
)
from kiloland.report.figure import PADDING, SMALL, looks, save
from kiloland.report.layers import depths
from kiloland.report.series import cell_index, cell_weights, mean_and_spread, one_cell_each

MOST_TIMES = 6
MOST_SPREADS = 2
"""Bands of more profiles than this would hide one another."""
DEPTH_TICKS = (0.0, 0.1, 0.3, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0)


@dataclass(frozen=True)
class Profile:
    """One line: values over the layers that have a depth, and the spread of the cells (None for one cell)."""

    label: str
    depth: Values
    values: Values
    low: Values | None
    high: Values | None


def profile_file(
    path: Path, variable: str, output: Path, choice: Choice | None = None, cell: int | None = None
) -> Path:
    """Draw a variable over depth at one time or at up to six of the file; returns the path of the PNG.

    Raises ``InputError`` (variable missing or without layers) and ``OutputError``.
    """
    with open_dataset(path) as dataset:
        profiles = profiles_of(dataset, variable, choice or Choice(), cell)
        item = dataset[variable]
        long_name = str(item.attributes.get("long_name", variable))
        words = title_of(long_name, variable), units_of(item)
    place = place_text(profiles, cell)
    with looks():
        return save(draw_profiles(profiles, *words, place), output)


def place_text(profiles: Sequence[Profile], cell: int | None) -> str:
    """What the lines stand for."""
    if cell is not None:
        return f"cell {cell}"
    if profiles[0].low is None:
        return "the only cell"
    return "mean of the cells" + (", 10th to 90th percentile" if len(profiles) <= MOST_SPREADS else "")


def profiles_of(dataset: Dataset, name: str, choice: Choice, cell: int | None) -> list[Profile]:
    """The profiles of the chosen records: the one asked for, else up to six over the whole file."""
    variable = dataset[name]
    axes = axes_of(dataset, variable)
    found = [(dim, nodes) for dim in axes.levels if (nodes := depths(dataset, dim)) is not None]
    if not found:
        raise InputError(
            "has no layers of known depth",
            file=dataset.path,
            variable=name,
            found=f"({', '.join(variable.dims)})",
        )
    dim, nodes = found[0]
    others = {other: 0 for other in axes.levels if other != dim}
    position = None if cell is None else cell_index(dataset, cell)
    profiles = []
    for record in chosen_records(dataset, axes, choice.time):
        label = (
            ""
            if record is None or axes.time is None
            else time_text(dataset, axes.time, record, variable.attributes)
        )
        rows = [
            statistics(dataset, name, axes, record, {**others, dim: layer}, choice, position)
            for layer in np.flatnonzero(np.isfinite(nodes)).tolist()
        ]
        table = np.array(rows)
        spread = table.shape[1] == 3
        profiles.append(
            Profile(
                label,
                nodes[np.isfinite(nodes)],
                table[:, 0],
                table[:, 1] if spread else None,
                table[:, 2] if spread else None,
            )
        )
    return profiles


def chosen_records(dataset: Dataset, axes: Axes, wanted: str | None) -> list[int | None]:
    """The record asked for; without a wish some that are evenly spread, the last one included."""
    if axes.time is None:
        return [None]
    if wanted is not None:
        return [record_of(dataset, axes.time, wanted)]
    number = dataset.dimensions[axes.time]
    spread = np.unique(np.rint(np.linspace(0, number - 1, min(number, MOST_TIMES))).astype(int))
    return [int(record) for record in spread]


def statistics(
    dataset: Dataset,
    name: str,
    axes: Axes,
    record: int | None,
    layers: dict[str, int],
    choice: Choice,
    cell: int | None,
) -> Values:
    """Mean and spread of the cells in one layer, or the value of one cell."""
    values = numbers_at(dataset[name], axes, record, layers)
    average = cell_mean(dataset, dataset[name], axes, choice)
    if average is not None:
        values = average(values)
    if cell is not None:
        return one_cell_each(dataset, values, [cell])
    found = mean_and_spread(values, cell_weights(dataset, values.size))
    return found if values.size > 1 else found[:1]


def draw_profiles(profiles: Sequence[Profile], title: str, units: str, place: str) -> Figure:
    """Values to the right, depth downwards on an axis that gives the upper layers room."""
    figure = Figure(figsize=(6.2, 6.0), layout=ConstrainedLayoutEngine(w_pad=PADDING, h_pad=PADDING))
    axes = figure.subplots()
    shades = ["C0"]
    if len(profiles) > 1:
        shades = list(matplotlib.colormaps["viridis"](np.linspace(0.0, 0.88, len(profiles))))
    for profile, colour in zip(profiles, shades, strict=True):
        axes.plot(
            profile.values,
            profile.depth,
            color=colour,
            marker="o",
            markersize=3.5,
            linewidth=1.6,
            label=profile.label,
        )
        if profile.low is not None and profile.high is not None and len(profiles) <= MOST_SPREADS:
            axes.fill_betweenx(profile.depth, profile.low, profile.high, color=colour, alpha=0.2, linewidth=0)
    used = [p.depth[np.isfinite(p.values)].max(initial=0.1) for p in profiles]
    deepest = float(max(used)) * 1.08
    axes.set_yscale("function", functions=(lambda d: np.sqrt(np.maximum(d, 0.0)), np.square))
    axes.set_ylim(deepest, 0.0)
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in DEPTH_TICKS if tick <= deepest]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylabel("depth (m)")
    axes.set_xlabel(units or "no unit")
    axes.ticklabel_format(axis="x", useOffset=False, style="sci", scilimits=(-3, 5))
    axes.set_title(f"{title}\n", fontsize=11)
    axes.text(0.0, 1.015, place, transform=axes.transAxes, fontsize=9, color="#333333")
    if any(profile.label for profile in profiles):
        axes.legend(fontsize=SMALL, frameon=False, loc="best")
    return figure
