"""Checks of a surface file that tie variables together: soil texture, towns, canopies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from kiloland.atmosphere.findings import Severity
from kiloland.craft.check.cells import BoolArray, over_cells
from kiloland.craft.check.findings import Finding, finding
from kiloland.craft.check.surface_data import SurfaceData
from kiloland.craft.surface.table import Kind, surface_table

ROUNDING: Final = 1e-6
"""Share of a bound by which sums of rounded values may pass it."""
FILLED: Final = 43.0
"""Percent of sand and clay that mksurfdata puts where its source has none."""


def check_soil(surface: SurfaceData) -> Iterator[Finding]:
    """Sand and clay together; texture that is the filling of a missing source."""
    if not (surface.fits("PCT_SAND") and surface.fits("PCT_CLAY")):
        return
    land = surface.cells.land
    most = np.zeros(surface.cells.count)
    filled = np.ones(surface.cells.count, dtype=bool)
    for sand, clay in zip(surface.layers("PCT_SAND"), surface.layers("PCT_CLAY"), strict=False):
        most = np.fmax(most, sand + clay)
        filled &= (sand == FILLED) & (clay == FILLED)
    bad = land & (most > 100.0 * (1.0 + ROUNDING))
    yield from over_cells(
        "surface-soil", surface.cells, "PCT_SAND + PCT_CLAY", "more than the soil", bad, most, "at most 100"
    )
    yield from over_cells(
        "surface-soil",
        surface.cells,
        "PCT_SAND, PCT_CLAY",
        "the filling of a missing source",
        land & filled,
        most,
        f"measured texture, not {FILLED:g} % of both",
        severity=Severity.WARNING,
    )


def check_urban(surface: SurfaceData) -> Iterator[Finding]:
    """Parameters of towns where there are some, and regions exactly there."""
    share = surface.all_layers("PCT_URBAN")
    if share is None:
        return
    town = surface.cells.land & (np.nan_to_num(share) > 0.0)
    anywhere = town.any(axis=0)
    region = surface.all_layers("URBAN_REGION_ID")
    if region is not None:
        empty = surface.cells.land & ~anywhere & (np.nan_to_num(region[0]) > 0.0)
        yield from over_cells(
            "surface-urban-region",
            surface.cells,
            "URBAN_REGION_ID",
            "urban land units without a town",
            empty,
            region[0],
            "0 where PCT_URBAN is 0",
        )
        lost = anywhere & ~(region[0] > 0.0)
        yield from over_cells(
            "surface-urban-region",
            surface.cells,
            "URBAN_REGION_ID",
            "a town without a region",
            lost,
            region[0],
            "above 0 where PCT_URBAN is above 0",
            severity=Severity.ERROR,
        )
    if not anywhere.any():
        return
    for name, variable in surface_table().items():
        if variable.kind is Kind.URBAN:
            yield from _urban_parameter(surface, name, town)


def _urban_parameter(surface: SurfaceData, name: str, town: BoolArray) -> Iterator[Finding]:
    """One urban parameter, above 0 in every density class that has an area."""
    expected = "above 0 where PCT_URBAN is above 0"
    if name not in surface.dataset:
        yield finding(
            "surface-urban", surface.file, name, "missing although there are towns", "absent", expected
        )
        return
    if not surface.fits(name) or name in ("TK_IMPROAD", "CV_IMPROAD"):
        return  # The layers of roads end at NLEV_IMPROAD; zeros below are right.
    bad = np.zeros(surface.cells.count, dtype=bool)
    value = np.full(surface.cells.count, np.nan)
    for number, layer in enumerate(surface.layers(name)):
        wrong = town[number % town.shape[0]] & ~(layer > 0.0)
        value = np.where(wrong & ~bad, layer, value)
        bad |= wrong
    yield from over_cells("surface-urban", surface.cells, name, "no value in a town", bad, value, expected)


def check_canopy(surface: SurfaceData) -> Iterator[Finding]:
    """Canopy top and bottom."""
    if not (surface.fits("MONTHLY_HEIGHT_TOP") and surface.fits("MONTHLY_HEIGHT_BOT")):
        return
    bad = np.zeros(surface.cells.count, dtype=bool)
    depth = np.zeros(surface.cells.count)
    pairs = zip(surface.layers("MONTHLY_HEIGHT_TOP"), surface.layers("MONTHLY_HEIGHT_BOT"), strict=False)
    for top, bottom in pairs:
        bad |= top < bottom
        depth = np.fmin(depth, top - bottom)
    name = "MONTHLY_HEIGHT_TOP - MONTHLY_HEIGHT_BOT"
    problem = "the top lies below the bottom"
    yield from over_cells(
        "surface-canopy", surface.cells, name, problem, bad & surface.cells.land, depth, "0 m or more"
    )
