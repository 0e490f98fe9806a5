"""One page that shows what a spinup predicted, against the truth where there is one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kiloland.craft.check.page import make_folder
from kiloland.report.fields import CellField
from kiloland.report.figure import looks, save
from kiloland.report.maps import draw_map, scale_of
from kiloland.report.page import write_page
from kiloland.report.places import CellPlaces, continuous, daymet_raster, regular_raster
from kiloland.report.spinup_drift import LIMIT, Drift, read_drift
from kiloland.report.spinup_pictures import Pair, draw_scatters, draw_soil_profiles
from kiloland.report.spinup_tables import amount_units, filled, soil_profile, tables
from kiloland.report.spinup_values import SOIL_CARBON, ReportRequest, SpinupStates, read_states
from kiloland.spinup.benchmark.scores import explained
from kiloland.spinup.cascade import layers
from kiloland.spinup.tables import HEADLINE, POOLS

Float = NDArray[np.float64]

PAGE: Final = "index.html"
METHODS: Final = ("network", "solver", "scaling", "kept")
NOTES: Final = {
    "uncertainty": ("Uncertainty of column carbon", "relative standard deviation"),
    "out_of_distribution": ("Distance from what was learned", "above 1 is outside"),
    "method_used": ("Where the pools come from", ""),
}
MOST_SCATTERS: Final = 24


@dataclass(frozen=True)
class Picture:
    """A figure and its caption."""

    figure: Figure
    caption: str


def write_spinup_page(folder: Path, request: ReportRequest) -> Path:
    """Write ``index.html`` in a folder that is made; returns its path.

    Everything is read and drawn first, so that a failure leaves nothing. Raises ``InputError`` for files that
    do not belong together and ``OutputError`` where the page cannot be written.
    """
    states = read_states(request)
    drift = read_drift(request.continued) if request.continued else None
    shown = tables(states, drift, request.evidence)
    with tempfile.TemporaryDirectory() as aside, looks():
        pictures = [
            (save(one.figure, Path(aside) / f"{number:03d}.png"), one.caption)
            for number, one in enumerate(all_pictures(states, drift))
        ]
        make_folder(folder)
        return write_page(
            folder / PAGE, "Spinup", introduction(states, drift), facts(states, request), pictures, shown
        )


def introduction(states: SpinupStates, drift: Drift | None) -> str:
    """What the page shows, in a few sentences."""
    against = "the truth" if states.truth is not None else "the short run; no truth was given"
    text = f"Pools predicted for {states.keys.columns} soil columns, beside {against}."
    if drift is not None:
        share = 100.0 * drift.below_limit
        text += (
            f"\n\nContinued for {drift.years:g} years from the new restart, {share:.1f} % of the land drifts "
            f"by less than {LIMIT:g} gC m-2 yr-1 ({drift.name})."
        )
    return text


def facts(states: SpinupStates, request: ReportRequest) -> dict[str, object]:
    """Files, method and totals."""
    found: dict[str, object] = {
        "pools": request.pools,
        "restart of the short run": request.restart,
        **({"truth": request.truth} if request.truth else {}),
        "columns": states.keys.columns,
        "patches": states.keys.patches,
        "areas": "surface file"
        if states.area_known
        else "not known; columns count by the cosine of latitude",
    }
    keys = ("method", "target_year", "weights", "quality", "source_restart")
    found |= {key: states.attributes[key] for key in keys if key in states.attributes}
    if "method_used" in states.notes:
        used = np.asarray(states.notes["method_used"], np.int64)
        found |= {
            f"columns by {method}": int((used == number).sum()) for number, method in enumerate(METHODS)
        }
    return found


def all_pictures(states: SpinupStates, drift: Drift | None) -> Iterator[Picture]:
    """Maps of each headline pool, scatters, the profile, drift and uncertainty."""
    for name in states.names[: len(HEADLINE)]:
        yield from pool_maps(states, name)
    yield from scatters(states)
    yield from profiles(states)
    if drift is not None:
        label = f"Drift of {drift.name} over {drift.years:g} years"
        field = CellField(drift.name, label, "gC/m2/yr", drift.change, drift.shape)
        yield Picture(draw_map(field, drift.places), f"{label}, gC m-2 yr-1")
    for note, (label, units) in NOTES.items():
        if note in states.notes:
            values = np.asarray(states.notes[note], np.float64)
            field = cell_field(states, values, note, label, units)
            if note == "method_used":
                field = replace(field, integer=True, meanings=tuple(enumerate(METHODS)))
            yield Picture(draw_map(field, cell_places(states)), ", ".join(filter(None, (label, units))))


def pool_maps(states: SpinupStates, name: str) -> Iterator[Picture]:
    """Predicted, true and their difference; without a truth the change from the short run."""
    units = amount_units(name)
    predicted = states.amount(name, states.predicted[name])
    other = (states.truth if states.truth is not None else states.before).get(name)
    word = "true" if states.truth is not None else "short run"
    sides = {f"{name}, predicted": predicted}
    if other is not None:
        sides[f"{name}, {word}"] = states.amount(name, other)
    fields = {label: cell_field(states, values, name, label, units) for label, values in sides.items()}
    # The same colours for both, over the values of both.
    both = np.concatenate([field.values for field in fields.values()])
    scale = scale_of(replace(next(iter(fields.values())), values=both))
    places = cell_places(states)
    for label, field in fields.items():
        yield Picture(draw_map(field, places, scale), f"{label}, {units}")
    if other is not None:
        label = f"{name}, predicted minus {word}"
        change = cell_field(states, predicted - sides[f"{name}, {word}"], name, label, units)
        yield Picture(draw_map(change, places), f"{label}, {units}")


def cell_field(states: SpinupStates, values: Float, name: str, label: str, units: str) -> CellField:
    """Values of columns as one a cell, averaged over its columns by their area."""
    cells, inverse = np.unique(states.keys.column_gridcell, return_inverse=True)
    inverse = inverse.reshape(-1)
    area = np.bincount(inverse, weights=states.area, minlength=cells.size)
    sums = np.bincount(inverse, weights=states.area * values, minlength=cells.size)
    return CellField(name, label, units, sums / np.maximum(area, 1.0e-30), (cells.size,))


def cell_places(states: SpinupStates) -> CellPlaces:
    """Where the cells are."""
    cells, first = np.unique(states.keys.column_gridcell, return_index=True)
    longitude, latitude = states.keys.column_longitude[first], states.keys.column_latitude[first]
    raster = daymet_raster(longitude, latitude) or regular_raster(longitude, latitude)
    return CellPlaces(continuous(longitude), latitude, cells, raster)


def scatters(states: SpinupStates) -> Iterator[Picture]:
    """Predicted against true entries of the carbon pools, the headline variables first."""
    if states.truth is None:
        return
    carbon = [
        n for n in states.names if n in HEADLINE or n.endswith(("c_vr", "p_vr")) or n in ("leafc", "frootc")
    ]
    pairs = []
    for name in carbon[:MOST_SCATTERS]:
        if name not in states.truth:
            continue
        truth, predicted = states.truth[name], states.predicted[name]
        there = filled(states, name, truth)
        if there.sum() < 2:
            continue
        note = f"R2 {explained(predicted[there], truth[there]):.4f}"
        pairs.append(Pair(name, POOLS[name].units, predicted[there], truth[there], note))
    if pairs:
        yield Picture(
            draw_scatters(pairs), "Predicted against true, every patch or layer that holds something"
        )


def profiles(states: SpinupStates) -> Iterator[Picture]:
    """Mean profile of soil carbon."""
    names = [name for name in SOIL_CARBON if name in states.predicted]
    if not names:
        return
    lines = {"short run": soil_profile(states, states.before, names)}
    lines["predicted"] = soil_profile(states, states.predicted, names)
    if states.truth is not None:
        lines["true"] = soil_profile(states, states.truth, names)
    figure = draw_soil_profiles(lines, np.asarray(layers().node), "Soil carbon", "gC/m3")
    yield Picture(figure, "Mean profile of soil carbon, gC m-3")
