"""The check in words for a terminal, and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, Final

from kiloland.spinup.criteria.cycles import Windows
from kiloland.spinup.criteria.definitions import CELL_DRIFT, EXCHANGE_LEVELS, LAND_SHARE, Kind, namelist_line
from kiloland.spinup.criteria.groups import plant_name
from kiloland.spinup.criteria.judge import Judged, SpinupCheck
from kiloland.spinup.criteria.measure import drift_history

PLANT_FIELDS: Final = ("TOTVEGC", "TLAI")
"""Fields that the terminal shows by plant type; JSON and page show all."""


def check_lines(check: SpinupCheck) -> Iterator[str]:
    """Criteria, parts of the land, plants, and the verdict."""
    land = float(check.cells.land.sum())
    cells = int((check.cells.land > 0.0).sum())
    yield f"{cells:,} cells with {land / 1e6:,.6g} km2 of land; {check.windows.text} compared"
    yield from check.notes
    yield ""
    yield f"{'':8} {'field':12} {'mean':>12} {'limit':>10} {'units':14} {'PgC over land':>14} {'stock':>12}"
    for one in check.judged:
        yield criterion_line(one)
    share = f"{100.0 * check.share:.3g} % of land above {CELL_DRIFT:g} gC m-2 yr-1 of ecosystem carbon"
    yield f"{'met' if check.share_met else 'missed':8} {share}, limit {100.0 * LAND_SHARE:g} %"
    if check.missing:
        yield f"not on file, not judged: {', '.join(check.missing)}; to add them:"
        yield f"  {namelist_line(list(check.missing))}"
    yield from group_lines(check)
    yield closing(check)


def criterion_line(one: Judged) -> str:
    """One criterion."""
    measured, criterion = one.measured, one.criterion
    limit = "-" if one.limit is None else f"{one.limit:.4g}"
    total = f"{measured.total:.4g}" if criterion.total is not None else ""
    verdict = one.verdict.value if criterion.decides else "shown"
    stock = "" if criterion.kind is Kind.VALUE else f"{measured.stock:.6g}"
    return (
        f"{verdict:8} {criterion.field:12} {measured.mean:12.5g} {limit:>10} {criterion.shown:14} "
        f"{total:>14} {stock:>12}"
    )


def group_lines(check: SpinupCheck) -> Iterator[str]:
    """Parts of the land, and plant types."""
    if check.groups:
        yield ""
        yield f"{'ecosystem carbon by part of the land':40} {'km2':>12} {'gC m-2 yr-1':>12} {'% above':>8}"
    for one in check.groups:
        name = f"{one.kind}: {one.name}"
        yield f"{name:40} {one.land / 1e6:12.6g} {one.mean:12.5g} {100 * one.share:8.3g}"
    if check.plants:
        yield ""
        yield f"{'by plant type':40} {'field':10} {'km2':>12} {'per year':>12} {'stock':>12}"
    for plant in [one for one in check.plants if one.field in PLANT_FIELDS]:
        name = plant_name(plant.plant)
        yield f"{name:40} {plant.field:10} {plant.land / 1e6:12.6g} {plant.mean:12.5g} {plant.stock:12.6g}"
    yield ""


def closing(check: SpinupCheck) -> str:
    """The verdict."""
    if check.equilibrium is None:
        return "cannot be judged: " + "; ".join(
            f"{one.criterion.field}: {one.reason}" for one in check.judged if one.verdict.value == "unknown"
        )
    if check.equilibrium:
        judged = sum(one.criterion.decides for one in check.judged) + 1
        more = f"; {len(check.missing)} not on file" if check.missing else ""
        return f"in equilibrium by {judged} criteria{more}"
    missed = [one for one in check.judged if one.verdict.value == "missed" and one.criterion.decides]
    names = [one.criterion.field for one in missed] + ([] if check.share_met else ["share of land"])
    return f"not in equilibrium: {', '.join(names)}"


def check_json(check: SpinupCheck) -> str:
    """The check as JSON."""
    exchange = check.of("NEE")
    facts: dict[str, Any] = {
        "files": [str(path) for path in check.files],
        "equilibrium": check.equilibrium,
        "windows": check.windows.text,
        "cycle_years": check.windows.years,
        "cycle_found_by": check.windows.found_by,
        "cells": int((check.cells.land > 0.0).sum()),
        "land_km2": float(check.cells.land.sum()) / 1e6,
        "criteria": {one.criterion.field: criterion_facts(one, check.windows) for one in check.judged},
        "share_of_land": {"above_1_gC_m2_yr": check.share, "limit": LAND_SHARE, "met": check.share_met},
        "exchange_below_PgC_yr": {
            f"{level:g}": exchange is not None and abs(exchange.measured.total) < level
            for level in EXCHANGE_LEVELS
        },
        "missing": list(check.missing),
        "namelist": namelist_line(list(check.missing)) if check.missing else None,
        "groups": [vars(one) for one in check.groups],
        "plants": [{**vars(one), "name": plant_name(one.plant)} for one in check.plants],
        "notes": list(check.notes),
    }
    return json.dumps(facts, indent=2)


def criterion_facts(one: Judged, windows: Windows) -> dict[str, Any]:
    """One criterion for a program."""
    measured = one.measured
    return {
        "verdict": one.verdict.value,
        "decides": one.criterion.decides,
        "reason": one.reason,
        "mean": number(measured.mean),
        "units": one.criterion.shown,
        "limit": one.limit,
        "total_Pg_yr": number(measured.total) if one.criterion.total is not None else None,
        "limit_total_Pg_yr": one.criterion.total,
        "stock": number(measured.stock),
        "rounding": measured.rounding,
        "years": list(measured.years),
        "drift_by_cycle": [
            {"last_year": year, "drift": number(value)} for year, value in drift_history(measured, windows)
        ],
        "annual": [number(float(value)) for value in measured.annual],
        "from_patches": measured.from_patches,
    }


def number(value: float) -> float | None:
    """A number that JSON knows."""
    return value if math.isfinite(value) else None
