"""Time series of history fields: the mean over all cells with its spread, or single cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.report.dates import bounds, dates, is_average, model_years, time_name
from kiloland.report.fields import (
    Axes,
    Choice,
    Values,
    axes_of,
    cell_mean,
    chosen_layers,
    numbers_over,
    title_of,
    units_of,
)
from kiloland.report.figure import PADDING, SMALL, looks, save
from kiloland.report.layers import layer_text
from kiloland.report.time_axis import set_time_axis

BLOCK_VALUES = 1 << 22
"""Values of all layers that are read at once."""
SPREAD = (10.0, 90.0)
LEGEND_ROOM = 0.12
"""Share of the height of a panel that one row of its legend takes."""


@dataclass(frozen=True)
class Series:
    """One line: model years, values, and the lower and upper edge of the spread (None for one cell)."""

    label: str
    years: Values
    values: Values
    low: Values | None = None
    high: Values | None = None


@dataclass(frozen=True)
class Panel:
    """One variable: its words and its lines."""

    name: str
    long_name: str
    units: str
    details: str
    lines: list[Series] = field(default_factory=list)


def plot_files(
    paths: Sequence[Path],
    variables: Sequence[str],
    output: Path,
    choice: Choice | None = None,
    cells: Sequence[int] = (),
) -> Path:
    """Draw variables of one or several history files over time and write the PNG; returns its path.

    Raises ``InputError`` (variable, time or cell missing) and ``OutputError``.
    """
    choice = choice or Choice()
    panels = [panel_of(paths, name, fitted(paths, name, choice, variables), cells) for name in variables]
    with looks():
        return save(draw_panels(panels), output)


def fitted(paths: Sequence[Path], name: str, choice: Choice, variables: Sequence[str]) -> Choice:
    """The choice for one of several variables: layers and vegetation types only for those that have them."""
    if len(variables) == 1 or not paths:
        return choice
    with open_dataset(paths[0]) as dataset:
        axes = axes_of(dataset, dataset[name])
    patch_type = choice.patch_type if axes.space == ("pft",) else None
    return replace(choice, levels=choice.levels[: len(axes.levels)], patch_type=patch_type)


def panel_of(paths: Sequence[Path], name: str, choice: Choice, cells: Sequence[int]) -> Panel:
    """All lines of one variable: of every file, and of every cell where cells are asked for."""
    panel: Panel | None = None
    for path in paths:
        with open_dataset(path) as dataset:
            variable = dataset[name]
            axes = axes_of(dataset, variable)
            if axes.time is None:
                raise InputError(
                    "has no time",
                    file=path,
                    variable=name,
                    found=variable.dims,
                    hint="Draw it with map instead",
                )
            layers = chosen_layers(dataset, variable, axes, choice.levels)
            if panel is None:
                words = [layer_text(dataset, dim, layer) for dim, layer in layers.items()]
                words += [f"patch type {choice.patch_type}"] if choice.patch_type is not None else []
                long_name = str(variable.attributes.get("long_name", name))
                panel = Panel(name, long_name, units_of(variable), ", ".join(words))
            prefix = path.name if len(paths) > 1 else ""
            panel.lines.extend(lines_of(dataset, name, choice, cells, prefix))
    if panel is None:
        raise InputError("no file to plot", variable=name)
    return panel


def lines_of(dataset: Dataset, name: str, choice: Choice, cells: Sequence[int], prefix: str) -> list[Series]:
    """The lines of one file, read record by record."""
    variable = dataset[name]
    axes = axes_of(dataset, variable)
    layers = chosen_layers(dataset, variable, axes, choice.levels)
    chosen = [cell_index(dataset, cell) for cell in cells]
    average = cell_mean(dataset, variable, axes, choice)
    statistics: list[Values] = []
    weights: Values | None = None
    for values in records_of(dataset, name, axes, layers):
        if average is not None:
            values = average(values)
        if chosen:
            statistics.append(one_cell_each(dataset, values, chosen))
            continue
        weights = cell_weights(dataset, values.size) if weights is None else weights
        statistics.append(mean_and_spread(values, weights))
    table = np.array(statistics).reshape(len(statistics), -1)
    years = record_years(dataset, variable.attributes)
    if chosen:
        labels = [joined(prefix, f"cell {cell}") for cell in cells]
        return [Series(label, years, table[:, i]) for i, label in enumerate(labels)]
    several = weights is not None and weights.size > 1
    label = joined(prefix, "mean of the cells" if several else "the cell")
    edges = (table[:, 1], table[:, 2]) if several else (None, None)
    return [Series(label, years, table[:, 0], *edges)]


def records_of(dataset: Dataset, name: str, axes: Axes, layers: dict[str, int]) -> Iterator[Values]:
    """The values of every record in turn, read in blocks of bounded size."""
    variable = dataset[name]
    records = dataset.dimensions[axes.time] if axes.time else 1
    at_once = max(1, BLOCK_VALUES * max(records, 1) // max(prod(variable.shape), 1))
    for start in range(0, records, at_once):
        yield from numbers_over(variable, axes, slice(start, min(start + at_once, records)), layers)


def joined(prefix: str, text: str) -> str:
    return f"{prefix}, {text}" if prefix else text


def one_cell_each(dataset: Dataset, values: Values, chosen: list[int]) -> Values:
    for cell in chosen:
        if not 0 <= cell < values.size:
            raise InputError(
                "no such cell", file=dataset.path, found=cell, expected=f"0 to {values.size - 1}"
            )
    return values[chosen]


def cell_index(dataset: Dataset, cell: int) -> int:
    """Position of a cell: by its gridID where the file has ids, else the number itself (from zero)."""
    if "gridID" not in dataset:
        return cell
    found = np.flatnonzero(dataset["gridID"].read().reshape(-1) == cell)
    if not found.size:
        raise InputError("no cell of that id", file=dataset.path, variable="gridID", found=cell)
    return int(found[0])


def cell_weights(dataset: Dataset, cells: int) -> Values:
    """Land area of every cell (area times land fraction), one where the file does not say."""
    weights = np.ones(cells)
    for name in ("area", "landfrac"):
        if name in dataset:
            factor = np.asarray(dataset[name].values(), dtype=np.float64).reshape(-1)
            if factor.size == cells:
                weights = weights * factor
    return weights


def mean_and_spread(values: Values, weights: Values) -> Values:
    """Weighted mean, and the 10th and 90th percentile of the cells; NaN where no cell has a value.

    sum_i(w_i v_i) / sum_i(w_i) over the cells with a value and a positive weight.
    """
    use = np.isfinite(values) & (weights > 0)
    if not use.any():
        return np.full(3, np.nan)
    if values.size == 1:
        return np.repeat(values, 3)
    mean = float(np.sum(weights[use] * values[use]) / np.sum(weights[use]))
    return np.array([mean, *np.percentile(values[use], SPREAD)])


def record_years(dataset: Dataset, attributes: dict[str, Any]) -> NDArray[np.float64]:
    """Where each record stands on the axis: the middle of its interval for averages, else its moment."""
    name = time_name(dataset) or "time"
    intervals = bounds(dataset, name)
    if is_average(attributes) and intervals is not None:
        return model_years(dates(dataset, name, intervals.mean(axis=1)))
    return model_years(dates(dataset, name))


def draw_panels(panels: Sequence[Panel]) -> Figure:
    """One panel above the other on a common time axis."""
    figure = Figure(
        figsize=(8.4, 1.2 + 2.5 * len(panels)), layout=ConstrainedLayoutEngine(w_pad=PADDING, h_pad=PADDING)
    )
    many = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, panel in zip(many, panels, strict=True):
        for i, line in enumerate(panel.lines):
            colour = f"C{i % 8}"
            marker = "o" if line.years.size < 3 else None
            axes.plot(line.years, line.values, color=colour, linewidth=1.6, marker=marker, label=line.label)
            if line.low is not None and line.high is not None:
                axes.fill_between(
                    line.years,
                    line.low,
                    line.high,
                    color=colour,
                    alpha=0.18,
                    linewidth=0,
                    label=spread_label(i),
                )
        title = title_of(panel.long_name, panel.name)
        axes.set_title(title + (f", {panel.details}" if panel.details else ""), fontsize=11)
        axes.set_ylabel(panel.units or "no unit")
        axes.ticklabel_format(axis="y", useOffset=False, style="sci", scilimits=(-3, 5))
        low, high = axes.get_ylim()
        rows = -(-len(axes.get_legend_handles_labels()[0]) // 2)
        axes.set_ylim(low, high + LEGEND_ROOM * rows * (high - low))
        axes.legend(fontsize=SMALL, frameon=False, loc="upper right", ncols=2)
    years = np.concatenate([line.years for panel in panels for line in panel.lines])
    set_time_axis(many[-1], float(years.min()), float(years.max()))
    return figure


def spread_label(line: int) -> str | None:
    return f"{SPREAD[0]:g}th to {SPREAD[1]:g}th percentile of the cells" if line == 0 else None
