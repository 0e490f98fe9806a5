"""Checks of a domain: pure functions from its data to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from kiloland.atmosphere.findings import Severity
from kiloland.craft.check.areas import CORNERS_WITHIN, TRUE_WITHIN, halves_of_turns, name_of_area
from kiloland.craft.check.cells import FloatArray, check_ids, over_cells, turned
from kiloland.craft.check.daymet_places import check_daymet_places
from kiloland.craft.check.domain_data import DomainData, mapping_findings
from kiloland.craft.check.findings import Finding, finding
from kiloland.grid import DaymetGrid
from kiloland.grid.base import KM2_PER_RADIAN2, nearest_turn
from kiloland.grid.domain_file import RADIAN2

DEGREES: Final = {
    "xc": ("degrees_east", "degree_east", "degrees east", "degrees", "degree", "degree_e", "degrees_e"),
    "yc": ("degrees_north", "degree_north", "degrees north", "degrees", "degree", "degree_n", "degrees_n"),
}
METRES: Final = ("m", "meter", "metre", "meters", "metres")
ROUNDED: Final = 1e-6
"""By which a fraction may exceed 1 in single precision."""


def check_units(domain: DomainData) -> Iterator[Finding]:
    """Units of coordinates, area and projection coordinates, where they are stated."""
    accepted = {**DEGREES, "area": RADIAN2, "xc_LCC": METRES, "yc_LCC": METRES}
    for name, allowed in accepted.items():
        stated = domain.units.get(name)
        if stated is not None and stated.lower() not in allowed:
            yield finding(
                "domain-units", domain.cells.file, name, "wrong units", repr(stated), repr(allowed[0])
            )


def check_numbers(domain: DomainData) -> Iterator[Finding]:
    """Finite numbers; coordinates in range."""
    for name in ("xc", "yc", "mask", "frac"):
        if name in domain.columns:
            values = domain.columns[name]
            yield from over_cells(
                "domain-variables",
                domain.cells,
                name,
                "missing values",
                ~np.isfinite(values),
                values,
                "numbers",
            )
    longitude, latitude = domain.columns["xc"], domain.columns["yc"]
    yield from over_cells(
        "domain-range",
        domain.cells,
        "yc",
        "latitude out of range",
        np.abs(latitude) > 90.0,
        latitude,
        "-90 to 90",
    )
    yield from over_cells(
        "domain-range",
        domain.cells,
        "xc",
        "longitude out of range",
        np.abs(longitude) > 360.0,
        longitude,
        "0 to 360",
    )


def check_mask(domain: DomainData) -> Iterator[Finding]:
    """mask and frac, each and together."""
    mask, fraction = domain.columns.get("mask"), domain.columns.get("frac")
    if mask is not None:
        wrong = np.isfinite(mask) & (mask != 0) & (mask != 1)
        yield from over_cells(
            "domain-mask", domain.cells, "mask", "is neither 0 nor 1", wrong, mask, "0 or 1"
        )
    if fraction is None:
        return
    percent = bool(np.nanmax(fraction, initial=0.0) > 1.5) and bool(np.nanmax(fraction, initial=0.0) <= 100.0)
    outside = (fraction < 0.0) | (fraction > 1.0 + ROUNDED)
    problem = "looks like percent" if percent else "out of range"
    yield from over_cells("domain-mask", domain.cells, "frac", problem, outside, fraction, "0 to 1")
    if mask is not None:
        yield from over_cells(
            "domain-mask",
            domain.cells,
            "frac",
            "mask and frac disagree",
            np.asarray((mask == 1) != (fraction > 0.0)),
            fraction,
            "above 0 exactly where mask is 1",
        )


def true_areas(domain: DomainData) -> tuple[FloatArray | None, float]:
    """True areas [radian2] and the share by which an area may miss them: by id, else by the corners."""
    if domain.daymet_ids is not None:
        grid = DaymetGrid()
        inside = grid.contains_id(domain.daymet_ids)
        areas = np.where(inside, grid.areas(np.where(inside, domain.daymet_ids, 0)), np.nan)
        return areas, TRUE_WITHIN
    if domain.corners is None:
        return None, np.inf
    east = np.radians(nearest_turn(domain.corners[0], domain.columns["xc"]))
    sine = np.sin(np.radians(domain.corners[1]))
    # In longitude and sine of latitude areas on the sphere are those of the plane.
    cross = east * np.roll(sine, -1, axis=0) - np.roll(east, -1, axis=0) * sine
    areas = 0.5 * np.abs(cross.sum(axis=0))
    return np.where(areas > 0.0, areas, np.nan), CORNERS_WITHIN


def check_area(domain: DomainData) -> Iterator[Finding]:
    """Areas against the true ones; a wrong one is named."""
    area = domain.columns.get("area")
    if area is None:
        return
    true, within = true_areas(domain)
    if true is None:
        impossible = ~(area > 0.0) | (area > 4.0 * np.pi)
        expected = "above 0, at most 4 pi radian2"
        yield from over_cells("domain-area", domain.cells, "area", "no area", impossible, area, expected)
        return
    ratio = area / true
    bad = ~(np.abs(ratio - 1.0) <= within) & np.isfinite(true)
    if not bad.any():
        return
    halves = None
    if domain.corners is not None:
        halves = halves_of_turns(*domain.corners, domain.columns["xc"])[bad]
    name = name_of_area(area[bad], true[bad], domain.columns["yc"][bad], halves)
    cell = int(np.argmax(bad))
    median = float(np.nanmedian(ratio[bad])) if np.isfinite(ratio[bad]).any() else float("nan")
    nominal = name.startswith("radian2 of the nominal")
    yield finding(
        "domain-area",
        domain.cells.file,
        "area",
        name,
        f"{area[cell]:.6g}, {median:.6g} times the true area in the median",
        f"{true[cell]:.6g} radian2 ({true[cell] * KM2_PER_RADIAN2:.4g} km2)",
        place=domain.cells.place(cell),
        cells=int(bad.sum()),
        severity=Severity.WARNING if nominal else None,
    )


def check_identity(domain: DomainData) -> Iterator[Finding]:
    """Ids that repeat, do not ascend, or are of no cell; rows, columns, x and y against them."""
    yield from check_ids("domain-ids", domain.cells)
    ids, grid = domain.daymet_ids, DaymetGrid()
    if ids is None:
        return
    outside = ~grid.contains_id(ids)
    expected = f"0 to {grid.number_of_cells - 1}"
    yield from over_cells(
        "domain-ids", domain.cells, "gridID", "no cell of the Daymet grid", outside, ids, expected
    )
    safe = np.where(outside, 0, ids)
    row, column = grid.row_column(safe)
    x, y = grid.centres_xy(safe)
    for names, wanted, rule, within in (
        (("gridXID",), column.astype(np.float64), "gridID modulo 7814", 0.0),
        (("gridYID",), row.astype(np.float64), "gridID divided by 7814", 0.0),
        (("xc_LCC", "xc_lcc"), x, "the column's centre", 1.0),
        (("yc_LCC", "yc_lcc"), y, "the row's centre", 1.0),
    ):
        for name in names:
            if name in domain.columns:
                values = domain.columns[name]
                bad = np.asarray(~(np.abs(values - wanted) <= within) & ~outside)
                first = f"{wanted[int(np.argmax(bad))]:.10g}, {rule}"
                problem = "disagrees with gridID"
                yield from over_cells("domain-row-column", domain.cells, name, problem, bad, values, first)


def check_place(domain: DomainData) -> Iterator[Finding]:
    """Coordinates against ids on the Daymet grid."""
    if domain.daymet_ids is not None:
        yield from check_daymet_places("domain-place", domain.cells, domain.daymet_ids)


def check_corners(domain: DomainData) -> Iterator[Finding]:
    """Corners are numbers, and the centre lies among them."""
    if domain.corners is None:
        return
    longitude, latitude = domain.corners
    missing = np.asarray(~(np.isfinite(longitude) & np.isfinite(latitude)).all(axis=0))
    values = domain.columns["xc"]
    yield from over_cells(
        "domain-corners", domain.cells, "xv, yv", "missing corners", missing, values, "numbers"
    )
    tiny = 1e-6
    beside = np.zeros(missing.shape, dtype=bool)
    for away in (turned(longitude - values), latitude - domain.columns["yc"]):
        beside |= (away.min(axis=0) > tiny) | (away.max(axis=0) < -tiny)
    yield from over_cells(
        "domain-corners",
        domain.cells,
        "xv, yv",
        "the centre lies outside of the corners",
        beside & ~missing,
        values,
        "corners around the centre",
    )


DOMAIN_CHECKS: Final[tuple[Callable[[DomainData], Iterator[Finding]], ...]] = (
    check_units,
    check_numbers,
    check_mask,
    check_area,
    check_identity,
    check_place,
    check_corners,
    mapping_findings,
)


def check_domain_data(domain: DomainData) -> list[Finding]:
    """All findings in a domain."""
    return [found for check in DOMAIN_CHECKS for found in check(domain)]
