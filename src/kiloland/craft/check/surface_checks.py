"""Checks of the values of a surface file, and of the file against its domain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from kiloland.atmosphere.findings import Severity
from kiloland.craft.check.cells import BoolArray, CellTable, FloatArray, compare_cells, over_cells
from kiloland.craft.check.findings import Finding, finding
from kiloland.craft.check.surface_data import SurfaceData
from kiloland.craft.check.surface_pairs import ROUNDING, check_canopy, check_soil, check_urban
from kiloland.craft.surface.checks import PERCENT_UNITS, base_units
from kiloland.craft.surface.fractions import ordered_sum
from kiloland.craft.surface.table import Kind, SurfaceVariable, surface_table
from kiloland.grid.base import KM2_PER_RADIAN2

SUM_WITHIN: Final = 1e-14
"""ELM's tolerance of sums of fractions."""
SPECIAL_MOST: Final = 100.0 + 1e-4
ELM_ORDER: Final = ("PCT_NATVEG", "PCT_CROP", "PCT_GLACIER", "PCT_LAKE", "PCT_WETLAND", "PCT_URBAN")
"""Land units by their number in ELM, the order in which it sums."""
SHARES: Final = {"PCT_NAT_PFT": "PCT_NATVEG", "PCT_CFT": "PCT_CROP", "PCT_GLC_MEC": "PCT_GLACIER"}
PERCENT_KINDS: Final = (Kind.LANDUNIT, Kind.SHARE, Kind.SOIL_PERCENT, Kind.PERCENT)


def is_another_unit(stated: str, wanted: str) -> bool:
    """Whether a text is a known unit, and another one than that wanted; words without a unit are none."""
    found, expected = base_units(stated), base_units(wanted)
    known = len(found) > 1 or found[:1] in (("km",), ("cm",), ("mm",))
    return known and found != expected and (bool(expected) or found == PERCENT_UNITS)


def check_units(surface: SurfaceData) -> Iterator[Finding]:
    """Stated units against those of the table; words without a unit state nothing."""
    for name, variable in surface_table().items():
        if name not in surface.dataset:
            continue
        stated = str(surface.dataset[name].attributes.get("units", ""))
        if variable.kind is not Kind.MADE and is_another_unit(stated, variable.units):
            yield finding(
                "surface-units", surface.file, name, "wrong units", repr(stated), repr(variable.units)
            )


def check_values(surface: SurfaceData) -> Iterator[Finding]:
    """Every layer of every variable: missing, out of range, no code, percent and fraction mixed up."""
    for name, variable in surface_table().items():
        if surface.fits(name):
            yield from _values_of(surface, variable)


def _values_of(surface: SurfaceData, variable: SurfaceVariable) -> Iterator[Finding]:
    land = surface.cells.land if variable.kind is not Kind.MADE else np.ones(surface.cells.count, dtype=bool)
    missing, outside = np.zeros((2, surface.cells.count), dtype=bool)
    value = np.full(surface.cells.count, np.nan)
    least, most, biggest_sum = np.inf, -np.inf, np.zeros(surface.cells.count)
    high = _upper(surface, variable)
    for layer in surface.layers(variable.name):
        finite = np.isfinite(layer)
        missing |= land & ~finite
        wrong = land & finite & _outside(layer, variable, high)
        value = np.where(wrong & ~outside, layer, value)
        outside |= wrong
        used = layer[land & finite]
        if used.size:
            least, most = min(least, float(used.min())), max(most, float(used.max()))
        biggest_sum += np.where(finite, layer, 0.0)
    name = variable.name
    yield from over_cells(
        "surface-missing", surface.cells, name, "missing on land", missing, value, "a number"
    )
    if _is_fraction(variable, most, biggest_sum[land]):
        yield finding(
            "surface-percent",
            surface.file,
            name,
            "percent given as a fraction",
            f"at most {most:g}",
            "percent",
        )
        return
    percent = variable.kind is Kind.FRACTION and high == 1.0 and least >= 0.0 and 1.5 < most <= 100.0
    if percent:
        yield finding(
            "surface-percent", surface.file, name, "fraction given in percent", f"at most {most:g}", "0 to 1"
        )
        return
    check = "surface-code" if variable.kind is Kind.CLASS else "surface-range"
    problem = "no code of this class" if variable.kind is Kind.CLASS else "out of range"
    ends = ("any" if end is None else f"{end:g}" for end in (variable.low, high))
    bounds = " to ".join(ends)
    yield from over_cells(check, surface.cells, name, problem, outside, value, bounds)


def _upper(surface: SurfaceData, variable: SurfaceVariable) -> float | None:
    """The upper bound; colours and orders have theirs in the file."""
    scalar = {"SOIL_COLOR": "mxsoil_color", "SOIL_ORDER": "mxsoil_order"}.get(variable.name)
    if scalar and scalar in surface.dataset and surface.dataset[scalar].shape == ():
        return float(surface.dataset[scalar].read())
    return variable.high


def _outside(layer: FloatArray, variable: SurfaceVariable, high: float | None) -> BoolArray:
    slack = ROUNDING * max(abs(high or 0.0), 1.0)
    wrong = np.zeros(layer.shape, dtype=bool)
    if variable.low is not None:
        wrong |= layer < variable.low - slack
    if high is not None:
        wrong |= layer > high + slack
    if variable.kind is Kind.CLASS:
        wrong |= layer != np.rint(layer)
    return wrong


def _is_fraction(variable: SurfaceVariable, most: float, sums: FloatArray) -> bool:
    """Whether a percentage is given as a fraction: shares that sum to 1, texture that never exceeds 1."""
    if variable.kind not in PERCENT_KINDS or not 0.0 < most <= 1.0 + ROUNDING:
        return False
    if variable.kind is Kind.SHARE:
        return bool(np.mean(np.abs(sums - 1.0) < 0.01) > 0.5)
    return variable.kind in (Kind.SOIL_PERCENT, Kind.PERCENT)


def check_landunits(surface: SurfaceData) -> Iterator[Finding]:
    """The sums of land units as ELM forms them, and the land units without vegetation and crops."""
    parts = {name: surface.all_layers(name) for name in ELM_ORDER}
    present = {name: part for name, part in parts.items() if part is not None}
    if len(present) < len(ELM_ORDER):
        return
    land = surface.cells.land
    total = ordered_sum(np.concatenate([part / 100.0 for part in present.values()]))
    off = np.where(land & np.isfinite(total), np.abs(total - 1.0), 0.0)
    bad = off > SUM_WITHIN
    if bad.any() and float(np.median(np.abs(total[land] - 0.01))) < 1e-3:
        yield finding(
            "surface-percent",
            surface.file,
            "land units",
            "percent given as fractions",
            "sums of 1",
            "sums of 100",
        )
        return
    worst = int(np.argmax(off))
    yield from over_cells(
        "surface-landunits",
        surface.cells,
        " + ".join(ELM_ORDER),
        "land units do not sum to 1 after division by 100",
        bad,
        total,
        f"1 within {SUM_WITHIN:g}",
        worst=worst,
    )
    special = np.concatenate(
        [part for name, part in present.items() if name not in ("PCT_NATVEG", "PCT_CROP")]
    )
    most = np.where(land, np.nan_to_num(ordered_sum(special)), 0.0)
    yield from over_cells(
        "surface-landunits",
        surface.cells,
        " + ".join(ELM_ORDER[2:]),
        "land units without vegetation exceed the cell",
        most > SPECIAL_MOST,
        most,
        f"at most {SPECIAL_MOST:g}",
    )


def check_shares(surface: SurfaceData) -> Iterator[Finding]:
    """Sums of the shares of land units; all of them zero where the land unit has an area."""
    for name, unit in SHARES.items():
        shares, whole = surface.all_layers(name), surface.all_layers(unit)
        if shares is None or whole is None:
            continue
        area = surface.cells.land & (np.nan_to_num(whole[0]) > 0.0)
        total = ordered_sum(shares / 100.0)
        empty = area & (np.nan_to_num(ordered_sum(np.abs(shares))) == 0.0)
        expected = f"some share, as {unit} is above 0"
        yield from over_cells(
            "surface-vegetation",
            surface.cells,
            name,
            f"all zero where there is {unit}",
            empty,
            total,
            expected,
        )
        where = surface.cells.land if name == "PCT_NAT_PFT" else area
        off = np.where(where & ~empty & np.isfinite(total), np.abs(total - 1.0), 0.0)
        bad = off > SUM_WITHIN
        if bad.any() and float(np.median(np.abs(total[where] - 0.01))) < 1e-3:
            continue
        yield from over_cells(
            "surface-shares",
            surface.cells,
            name,
            "shares do not sum to 1 after division by 100",
            bad,
            total,
            f"1 within {SUM_WITHIN:g}",
            worst=int(np.argmax(off)),
        )


def check_crops(surface: SurfaceData) -> Iterator[Finding]:
    """Crops need their types; fertiliser needs crops."""
    if "PCT_CFT" in surface.dataset:
        return
    crop = surface.all_layers("PCT_CROP")
    if crop is not None:
        area = np.nan_to_num(crop[0])
        yield from over_cells(
            "surface-crop", surface.cells, "PCT_CROP", "crops without PCT_CFT", area > 0.0, area, "0"
        )
    for name in ("NFERT", "PFERT"):
        if name in surface.dataset:
            yield finding(
                "surface-crop", surface.file, name, "fertiliser without PCT_CFT", "present", "absent"
            )


def check_against_domain(surface: SurfaceData, domain: CellTable) -> Iterator[Finding]:
    """Cells, mask and areas against the domain."""
    yield from compare_cells("surface-cells", surface.cells, domain)
    if surface.cells.count != domain.count:
        return
    mask = surface.all_layers("PFTDATA_MASK")
    if mask is not None:
        lost = domain.land & (mask[0] != 1)
        yield from over_cells(
            "surface-mask", surface.cells, "PFTDATA_MASK", "land without data", lost, mask[0], "1 on land"
        )
    area = surface.all_layers("AREA")
    units = str(surface.dataset["AREA"].attributes.get("units", "")) if "AREA" in surface.dataset else ""
    if area is not None and domain.area is not None and np.isfinite(domain.area).all():
        true = domain.area * KM2_PER_RADIAN2
        wrong = np.abs(area[0] / np.where(true > 0.0, true, np.nan) - 1.0) > 0.01
        yield from over_cells(
            "surface-area",
            surface.cells,
            "AREA",
            f"is not the area of the domain (units say {units or 'nothing'})",
            wrong,
            area[0],
            f"{float(true[int(np.argmax(wrong))]):.6g} km2",
            severity=Severity.WARNING,
        )


SURFACE_CHECKS: Final[tuple[Callable[[SurfaceData], Iterator[Finding]], ...]] = (
    check_units,
    check_values,
    check_landunits,
    check_shares,
    check_crops,
    check_soil,
    check_urban,
    check_canopy,
)
