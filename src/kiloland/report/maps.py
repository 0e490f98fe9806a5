"""Draw one value per cell on the map."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator, ScalarFormatter
from numpy.typing import NDArray

from kiloland.files import open_dataset
from kiloland.report.fields import CellField, Choice, read_field, title_of
from kiloland.report.figure import MISSING_COLOUR, SMALL, looks, number_text, robust_limits, save
from kiloland.report.graticule import draw_graticule, latitude_text, longitude_text, nice_step
from kiloland.report.places import CellPlaces, Raster, places_of
from kiloland.report.raster_field import RASTER_SUFFIXES, read_raster_field

MOST_PIXELS = 2000
"""Longest side of the drawn raster; cells are averaged in squares above it."""
CLASS_COLOURS = tuple(matplotlib.colormaps["tab20"](i) for i in (*range(0, 20, 2), *range(1, 20, 2)))
MOST_CLASSES = len(CLASS_COLOURS)
WIDEST, TALLEST = 7.6, 6.4
FRAME = (0.75, 0.62, 0.9, 1.6)
"""Inches left, below, above and right of the map."""


@dataclass(frozen=True)
class Scale:
    """How values become colours; ``classes``: the values of a field with few whole numbers."""

    colours: Any
    norm: Normalize
    extend: str
    classes: NDArray[np.float64] | None = None


def map_file(
    path: Path, variable: str, output: Path, choice: Choice | None = None, domain: Path | None = None
) -> Path:
    """Draw a variable of a file on the map and write the PNG; returns its path.

    ``domain``: a domain file that says where the cells are, for files without coordinates. Raises
    ``InputError`` (variable, coordinates, layer or time missing) and ``OutputError``.
    """
    if path.suffix.lower() in RASTER_SUFFIXES:
        field, places = read_raster_field(path, variable)
    else:
        with open_dataset(path) as dataset:
            field = read_field(dataset, variable, choice)
            places = places_of(dataset, field.shape, domain)
    with looks():
        return save(draw_map(field, places), output)


def scale_of(field: CellField) -> Scale:
    """Colours: classes for few whole numbers, diverging where values cross zero, else sequential."""
    values = field.values[np.isfinite(field.values)]
    unique = np.unique(values) if field.integer else values
    if field.integer and 0 < unique.size <= MOST_CLASSES:
        base = CLASS_COLOURS if unique.size > 2 else ("#9ecae1", "#1f5a94")
        edges = np.concatenate([[unique[0] - 0.5], (unique[1:] + unique[:-1]) / 2, [unique[-1] + 0.5]])
        colours = ListedColormap(base[: unique.size])
        return Scale(colours, BoundaryNorm(edges, unique.size), "neither", unique)
    low, high = robust_limits(values)
    name = "viridis"
    crosses = bool((values < 0.0).any() and (values > 0.0).any())
    if crosses and min(-low, high) > 0.02 * max(-low, high):
        low, high = -max(-low, high), max(-low, high)
        name = "RdBu_r"
    below, above = bool((values < low).any()), bool((values > high).any())
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    return Scale(matplotlib.colormaps[name], Normalize(low, high), extend[below, above])


def rasterise(raster: Raster, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values on the raster (NaN where there is none) and where there are cells at all.

    A raster longer than ``MOST_PIXELS`` is averaged in squares of cells.
    """
    square = -(-max(raster.rows, raster.columns) // MOST_PIXELS)
    rows, columns = -(-raster.rows // square), -(-raster.columns // square)
    flat = raster.row // square * columns + raster.column // square
    number = rows * columns
    has_value = np.isfinite(values)
    counts = np.bincount(flat[has_value], minlength=number)
    sums = np.bincount(flat[has_value], weights=values[has_value], minlength=number)
    image = np.divide(sums, counts, out=np.full(number, np.nan), where=counts > 0)
    cells = np.bincount(flat, minlength=number) > 0
    return image.reshape(rows, columns), cells.reshape(rows, columns)


def draw_map(field: CellField, places: CellPlaces, scale: Scale | None = None) -> Figure:
    """The picture: cells, graticule, title, colour bar and a line of numbers.

    ``scale``: colours that several maps share; by default those of the field itself.
    """
    edges = padded_edges(places)
    projected = places.raster is not None and places.raster.daymet is not None
    stretch = 1.0 if projected else 1.0 / max(0.1, np.cos(np.radians(np.nanmean(places.latitude))))
    figure, axes, bar = canvas((edges[1] - edges[0]) / ((edges[3] - edges[2]) * stretch))
    scale = scale or scale_of(field)
    if places.raster is not None:
        drawn = draw_raster(axes, places.raster, field.values, scale)
    else:
        drawn = draw_points(figure, axes, places, field.values, scale, edges)
    axes.set_xlim(edges[0], edges[1])
    axes.set_ylim(edges[2], edges[3])
    axes.set_aspect("auto")
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color("#666666")
    if places.raster is not None and places.raster.daymet is not None:
        axes.set_xticks([])
        axes.set_yticks([])
        draw_graticule(axes, places.raster.daymet, edges, SMALL)
        draw_scale_bar(axes, edges)
    else:
        degree_axes(axes, edges)
    draw_colour_bar(figure, bar, drawn, scale, field)
    write_words(figure, axes, field)
    return figure


def padded_edges(places: CellPlaces) -> tuple[float, float, float, float]:
    """The window of the map: all cells and a margin; never much longer than wide or the reverse."""
    if places.raster is not None:
        west, east, south, north = places.raster.edges
    else:
        west, east = float(np.nanmin(places.longitude)), float(np.nanmax(places.longitude))
        south, north = float(np.nanmin(places.latitude)), float(np.nanmax(places.latitude))
    margin = 0.04 * max(east - west, north - south) or 0.5
    west, east, south, north = west - margin, east + margin, south - margin, north + margin
    least = 0.4 * max(east - west, north - south)
    west, east = widened(west, east, least)
    south, north = widened(south, north, least)
    return west, east, south, north


def widened(low: float, high: float, least: float) -> tuple[float, float]:
    """A range of at least this length around the same middle."""
    missing = max(0.0, least - (high - low)) / 2
    return low - missing, high + missing


def canvas(ratio: float) -> tuple[Figure, Any, Any]:
    """A figure whose map has the given ratio of width to height, and the axes of its colour bar."""
    left, below, above, right = FRAME
    width = min(WIDEST, TALLEST * ratio)
    height = width / ratio
    whole = (max(left + width + right, 6.6), below + height + above)
    left += (whole[0] - (left + width + right)) / 2
    figure = Figure(figsize=whole)
    axes = figure.add_axes((left / whole[0], below / whole[1], width / whole[0], height / whole[1]))
    bar = figure.add_axes(
        (
            (left + width + 0.68) / whole[0],
            (below + 0.06 * height) / whole[1],
            0.16 / whole[0],
            0.88 * height / whole[1],
        )
    )
    return figure, axes, bar


def draw_raster(axes: Any, raster: Raster, values: NDArray[np.float64], scale: Scale) -> Any:
    """True cells as an image; cells without a value in grey."""
    image, cells = rasterise(raster, values)
    where = {"extent": raster.edges, "origin": "upper", "interpolation": "nearest"}
    missing = np.ma.masked_array(np.ones(cells.shape), mask=~(cells & np.isnan(image)))
    axes.imshow(missing, cmap=ListedColormap([MISSING_COLOUR]), **where)
    return axes.imshow(np.ma.masked_invalid(image), cmap=scale.colours, norm=scale.norm, **where)


def draw_points(
    figure: Figure,
    axes: Any,
    places: CellPlaces,
    values: NDArray[np.float64],
    scale: Scale,
    edges: tuple[float, float, float, float],
) -> Any:
    """Squares of about the area that a cell has, where the cells are on no grid."""
    inches = axes.get_position().width * figure.get_figwidth()
    spacing = np.sqrt((edges[1] - edges[0]) * (edges[3] - edges[2]) / max(values.size, 1))
    points = float(np.clip(72.0 * inches * 0.7 * spacing / (edges[1] - edges[0]), 2.0, 18.0))
    bad = ~np.isfinite(values)
    look = {"marker": "s", "s": points**2, "linewidths": 0}
    axes.scatter(places.longitude[bad], places.latitude[bad], color=MISSING_COLOUR, **look)
    return axes.scatter(
        places.longitude[~bad],
        places.latitude[~bad],
        c=values[~bad],
        cmap=scale.colours,
        norm=scale.norm,
        **look,
    )


def degree_axes(axes: Any, edges: tuple[float, float, float, float]) -> None:
    """Longitude and latitude at the frame of an unprojected map, with thin lines."""
    axes.xaxis.set_major_locator(MultipleLocator(nice_step(edges[1] - edges[0])))
    axes.yaxis.set_major_locator(MultipleLocator(nice_step(edges[3] - edges[2])))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: longitude_text(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: latitude_text(value)))
    axes.tick_params(labelsize=SMALL, length=3)
    axes.grid(True, color="#555555", linewidth=0.5, alpha=0.4, linestyle=(0, (4, 3)))
    axes.set_axisbelow(False)


def draw_scale_bar(axes: Any, edges: tuple[float, float, float, float]) -> None:
    """A bar of a round number of kilometres in a corner of a map in metres."""
    width = edges[1] - edges[0]
    target = 0.2 * width
    power = 10.0 ** np.floor(np.log10(target))
    length = max((factor * power for factor in (1, 2, 5) if factor * power <= target), default=power)
    x, y = edges[0] + 0.04 * width, edges[2] + 0.035 * (edges[3] - edges[2])
    axes.plot([x, x + length], [y, y], color="#222222", linewidth=2.5, solid_capstyle="butt")
    axes.annotate(
        f"{length / 1000:g} km",
        (x + length / 2, y),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=SMALL,
        bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1.0},
    )


def draw_colour_bar(figure: Figure, bar: Any, drawn: Any, scale: Scale, field: CellField) -> None:
    colours = figure.colorbar(drawn, cax=bar, extend=scale.extend)
    colours.ax.tick_params(labelsize=SMALL)
    colours.outline.set_linewidth(0.5)
    colours.ax.grid(False)
    if scale.classes is not None:
        edges = np.asarray(scale.norm.boundaries)  # type: ignore[attr-defined]
        colours.set_ticks(
            list((edges[1:] + edges[:-1]) / 2), labels=class_labels(scale.classes, field.meanings)
        )
    else:
        formatter = ScalarFormatter(useOffset=False)
        formatter.set_powerlimits((-3, 4))
        colours.ax.yaxis.set_major_formatter(formatter)
    colours.set_label(field.units or "no unit" if scale.classes is None else field.units)


def class_labels(
    classes: NDArray[np.float64], meanings: tuple[tuple[float, str], ...], most: int = 14
) -> list[str]:
    """The legend of classes: their numbers, with the words of the file where it has some."""
    words = dict(meanings)
    return [
        shortened(f"{value:g} {words[value]}", most) if value in words else f"{value:g}" for value in classes
    ]


def write_words(figure: Figure, axes: Any, field: CellField) -> None:
    """Title with name, second line with time and layer, and the numbers below the map."""
    place = axes.get_position()
    height = figure.get_figheight()
    title = shortened(title_of(field.long_name, field.name))
    details = ", ".join(field.details)
    top = place.y1 + 0.3 / height
    figure.text(place.x0, top + (0.24 / height if details else 0), title, fontsize=12, fontweight="bold")
    figure.text(place.x0, top, details, fontsize=10, color="#333333")
    figure.text(place.x0, 0.14 / height, numbers_line(field), fontsize=SMALL, color="#444444")


def shortened(text: str, most: int = 68) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def numbers_line(field: CellField) -> str:
    """How many cells, and the least, mean and largest value."""
    finite = field.values[np.isfinite(field.values)]
    missing = field.values.size - finite.size
    words = [f"{field.values.size:,} cell{'s' * (field.values.size != 1)}"]
    words[0] += f", {missing:,} without a value (grey)" if missing else ""
    if finite.size:
        least, mean, most = (number_text(float(f(finite))) for f in (np.min, np.mean, np.max))
        words.append(f"{least} to {most}, mean {mean} {field.units}".rstrip())
    return "; ".join(words)
