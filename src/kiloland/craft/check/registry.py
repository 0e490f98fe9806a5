"""All checks of inputs in one table: what each looks at and what its fault does to a run.

The table of the documentation is :func:`table_text`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from kiloland.atmosphere.findings import Severity


@dataclass(frozen=True)
class Check:
    """One check: ``looks_at`` what it compares, ``consequence`` what a run does with the fault."""

    name: str
    severity: Severity
    looks_at: str
    consequence: str


_E, _W = Severity.ERROR, Severity.WARNING
CHECKS: Final = (
    Check("domain-variables", _E, "xc, yc, area, mask, frac are there, over (nj, ni), finite numbers", "ELM stops when it reads the file, or takes LONGXY, LATIXY, AREA in km2"),  # noqa: E501
    Check("domain-units", _E, "units of coordinates and area", "numbers are taken in another unit than they are in"),  # noqa: E501
    Check("domain-range", _E, "latitude -90 to 90, longitude -360 to 360", "sun, seasons and day length are those of another place"),  # noqa: E501
    Check("domain-mask", _E, "mask is 0 or 1, frac 0 to 1, frac above 0 exactly where mask is 1", "cells are dropped, or fluxes are weighted with no land"),  # noqa: E501
    Check("domain-area", _E, "area against the true area in radian2; degree2, km2, (dlon/180)(dlat/180) and others are recognised by their ratio", "every total over the domain is wrong by this ratio"),  # noqa: E501
    Check("domain-ids", _E, "gridcell ids are unique, ascending, and cells of the grid", "cells cannot be matched between files; files in ascending order are scrambled"),  # noqa: E501
    Check("domain-row-column", _E, "gridXID, gridYID, xc_LCC, yc_LCC against gridID", "tools that use rows and columns take other cells"),  # noqa: E501
    Check("domain-place", _E, "longitude and latitude against gridID on the WGS84 ellipsoid; the sphere is recognised", "cells lie elsewhere: sun, and all that is mapped to them by place"),  # noqa: E501
    Check("domain-corners", _E, "corners are finite and lie around the centre", "conservative mapping takes the area beside the cell"),  # noqa: E501
    Check("domain-projection", _W, "the grid mapping names one figure of the Earth", "other tools place the cells up to 13 km off"),  # noqa: E501
    Check("surface-variables", _E, "variables that ELM always reads are there", "ELM stops when it reads the file"),  # noqa: E501
    Check("surface-dims", _E, "dimensions, their order and lengths as ELM reads them", "ELM stops, or reads layers as cells"),  # noqa: E501
    Check("surface-types", _W, "classes are integers, shares are in double precision", "sums miss 1 by the rounding of single precision: ELM stops"),  # noqa: E501
    Check("surface-units", _E, "the units attribute against the unit that ELM takes", "numbers are taken in another unit than they are in"),  # noqa: E501
    Check("surface-missing", _E, "no missing value and no NaN on land", "NaN spreads through the cell, or fill values count as data"),  # noqa: E501
    Check("surface-range", _E, "values within the bounds of their variable", "impossible soils, plants or towns; ELM stops on some"),  # noqa: E501
    Check("surface-percent", _E, "percent as percent, fractions as fractions", "land units or shares are wrong by 100"),  # noqa: E501
    Check("surface-code", _E, "classes are whole numbers in range", "ELM reads beyond a parameter table"),
    Check("surface-landunits", _E, "sum of all land units after /100, in ELM's order, is 1 within 1e-14; special ones at most 100.0001", "ELM stops (check_sums_equal_1)"),  # noqa: E501
    Check("surface-shares", _E, "plant types, crops and glacier classes sum to 1 within 1e-14 after /100", "ELM stops (check_sums_equal_1)"),  # noqa: E501
    Check("surface-vegetation", _E, "some plant type where PCT_NATVEG is above 0", "ELM stops, or the cell has vegetation without plants"),  # noqa: E501
    Check("surface-crop", _E, "PCT_CROP without PCT_CFT is 0; no fertiliser without crops", "ELM stops: crops need a crop land unit"),  # noqa: E501
    Check("surface-soil", _E, "sand and clay together at most 100 %; no filled constant", "negative silt: impossible hydraulic properties"),  # noqa: E501
    Check("surface-urban", _E, "urban parameters above 0 where PCT_URBAN is above 0", "ELM stops on towns without parameters"),  # noqa: E501
    Check("surface-urban-region", _W, "URBAN_REGION_ID is 0 exactly where there is no town", "15 empty urban columns in the cell: memory and restart files many times larger"),  # noqa: E501
    Check("surface-canopy", _E, "top of the canopy at or above its bottom", "negative canopy depth in turbulence and radiation"),  # noqa: E501
    Check("surface-area", _E, "AREA in km2 against the domain's area", "totals made with AREA are wrong"),
    Check("surface-cells", _E, "as many cells as the domain, coordinates within 0.001 degrees (modulo 360)", "ELM stops; where it does not, soils belong to other cells"),  # noqa: E501
    Check("surface-mask", _E, "PFTDATA_MASK is 0 or 1 and 1 on the domain's land", "land without surface data becomes bare or ocean"),  # noqa: E501
    Check("landuse-variables", _E, "YEAR and PCT_NAT_PFT are there, over (time, natpft, cells), 17 types", "ELM stops when it reads the file"),  # noqa: E501
    Check("landuse-years", _E, "each year once, one after the other", "ELM interpolates over the hole, or stops"),  # noqa: E501
    Check("landuse-missing", _E, "no missing value on land", "NaN spreads through the cell, or fill values count as data"),  # noqa: E501
    Check("landuse-shares", _E, "plant types 0 to 100, sums of 1 within 1e-14 after /100 (1e-6 in single precision) in every year", "ELM stops (check_sums_equal_1)"),  # noqa: E501
    Check("landuse-first-year", _E, "plant types of the first year are those of the surface file within 1e-13 after /100", "ELM stops, unless check_dynpft_consistency is off"),  # noqa: E501
    Check("landuse-harvest", _E, "harvest not negative, fractions at most 1", "more wood is taken than there is"),  # noqa: E501
    Check("landuse-cells", _E, "number, ids and coordinates of the cells against domain or surface", "land use of other cells"),  # noqa: E501
    Check("forcing-files", _E, "every variable has every month, without holes, in whole years", "the data atmosphere stops, or repeats a broken cycle"),  # noqa: E501
    Check("forcing-dims", _E, "data are floats over (time, nj, ni), one number of samples in all variables", "values are read for other cells or times"),  # noqa: E501
    Check("forcing-units", _E, "units attribute, and units betrayed by the values", "numbers are taken in another unit than they are in"),  # noqa: E501
    Check("forcing-calendar", _E, "a calendar name that E3SM accepts, time units with an epoch, years of 365 days", "the data atmosphere stops, or samples of 29 February shift the rest"),  # noqa: E501
    Check("forcing-time", _E, "stamps ascend, each once, without gaps, inside their month; largest over smallest step at most 1.5", "the data atmosphere stops (dtlimit), or holds a value over the gap"),  # noqa: E501
    Check("forcing-stamps", _E, "stamps fit the interpolation: FSDS at the beginning, states in the middle, precipitation nearest", "weather comes early or late by part of an interval"),  # noqa: E501
    Check("forcing-cells", _E, "ids, their order and coordinates against domain or surface; unique ids", "mapalgo copy goes by position: cells get the weather of others"),  # noqa: E501
    Check("forcing-place", _E, "coordinates against gridID on the WGS84 ellipsoid; the sphere is recognised", "weather was taken from another place"),  # noqa: E501
    Check("forcing-missing", _E, "no missing value on land", "NaN or fill values enter the land"),
    Check("forcing-range", _E, "values within physical limits, none negative that cannot be", "the run fails, or balances are meaningless"),  # noqa: E501
    Check("forcing-saturation", _W, "specific humidity at most 5 % above saturation", "the data atmosphere cuts it: water vapour is lost"),  # noqa: E501
    Check("forcing-night", _E, "no shortwave while the sun is down", "phase or place of the shortwave is wrong"),  # noqa: E501
    Check("forcing-sun", _E, "shortwave at most that above the atmosphere (10 % and 15 W/m2 allowed)", "impossible energy; phase or place is wrong"),  # noqa: E501
    Check("forcing-longwave", _E, "longwave 50 to 600 W/m2 and not above that of a black body much warmer than the air", "ELM's site mode replaces it; else the surface energy is wrong"),  # noqa: E501
    Check("forcing-cold-rain", _W, "precipitation in air that can hold next to no water (above 20 mm/day below -35 C)", "snow packs grow without bound"),  # noqa: E501
    Check("forcing-pressure", _W, "pressure within 10 % of that at the elevation TOPO of the surface file", "air density, humidity and gas exchange are those of another height"),  # noqa: E501
    Check("forcing-stuck", _E, "no values that stand still; the rules of atmosphere/stuck.py", "weather of a broken instrument or a fill value"),  # noqa: E501
    Check("forcing-suspicious", _W, "copied blocks and jumps in records of one place", "filled or wrapped values count as measured"),  # noqa: E501
)  # fmt: skip
"""Every check, in the order of the report."""


@lru_cache(maxsize=1)
def _by_name() -> dict[str, Check]:
    return {check.name: check for check in CHECKS}


def check_named(name: str) -> Check:
    """The check of this name; KeyError where there is none."""
    return _by_name()[name]


def table_text() -> str:
    """The checks as a table of the documentation."""
    rows = [f"| `{c.name}` | {c.severity.value} | {c.looks_at} | {c.consequence} |" for c in CHECKS]
    return "\n".join(
        ["| check | severity | looks at | what a fault does to a run |", "|---|---|---|---|", *rows]
    )
