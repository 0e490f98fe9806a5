"""The page of ``kiloland spinup check``: maps of the drift, its course over the years, and tables."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from kiloland.craft.check.page import make_folder
from kiloland.report.fields import CellField
from kiloland.report.figure import looks, number_text, save
from kiloland.report.page import Table, write_page
from kiloland.report.places import CellPlaces, continuous, daymet_raster, regular_raster
from kiloland.spinup.criteria.definitions import CELL_DRIFT, LAND_SHARE, Kind
from kiloland.spinup.criteria.groups import plant_name
from kiloland.spinup.criteria.judge import Judged, SpinupCheck
from kiloland.spinup.criteria.measure import drift_history
from kiloland.spinup.criteria.report import closing

PAGE: Final = "index.html"
MAPS: Final = ("TOTECOSYSC", "TOTSOMC", "TOTVEGC", "NEE", "TOTECOSYSN", "GPP", "TLAI")
"""Fields that are drawn as maps, where they are on file."""
COLUMNS: Final = 3


def write_spinup_check_page(folder: Path, check: SpinupCheck) -> Path:
    """Write ``index.html`` in a folder that is made; returns its path. OutputError where that fails.

    Pictures are drawn aside first, so that a failure leaves nothing.
    """
    with tempfile.TemporaryDirectory() as aside:
        pictures = [(draw_courses(check, Path(aside) / "courses.png"), "Mean over the land, year by year")]
        for name in MAPS:
            one = check.of(name)
            if one is not None:
                pictures.append((draw_change(check, one, Path(aside) / f"{name}.png"), caption(one)))
        make_folder(folder)
        verdict = closing(check)
        return write_page(
            folder / PAGE,
            "Is the run in equilibrium?",
            verdict[:1].upper() + verdict[1:] + ".",
            facts(check),
            pictures,
            tables(check),
        )


def facts(check: SpinupCheck) -> dict[str, object]:
    """Files, years, land, and the share of it that drifts."""
    return {
        "files": ", ".join(path.name for path in check.files),
        "compared": check.windows.text,
        "averaged over": f"{check.windows.years:g} years: {check.windows.found_by}",
        "land": f"{float(check.cells.land.sum()) / 1e6:,.6g} km2",
        f"land above {CELL_DRIFT:g} gC m-2 yr-1": f"{100 * check.share:.3g} %, limit {100 * LAND_SHARE:g} %",
        "not on file": ", ".join(check.missing) or "nothing",
        "notes": "; ".join(check.notes),
    }


def tables(check: SpinupCheck) -> list[Table]:
    """Criteria, parts of the land, plant types, and the drift from cycle to cycle."""
    criteria = [
        (
            one.verdict.value if one.criterion.decides else "shown",
            one.criterion.field,
            number_text(one.measured.mean),
            "" if one.limit is None else number_text(one.limit),
            one.criterion.shown,
            "" if one.criterion.total is None else number_text(one.measured.total),
            "" if one.criterion.kind is Kind.VALUE else number_text(one.measured.stock),
        )
        for one in check.judged
    ]
    headings = ("verdict", "field", "per area", "limit", "units", "Pg over the land", "stock")
    made = [Table("Criteria", headings, criteria)]
    parts = [
        (one.kind, one.name, number_text(one.land / 1e6), number_text(one.mean), f"{100 * one.share:.3g}")
        for one in check.groups
    ]
    made.append(
        Table("Ecosystem carbon by part of the land", ("by", "part", "km2", "gC m-2 yr-1", "% above"), parts)
    )
    if check.plants:
        plants = [
            (
                plant_name(one.plant),
                one.field,
                number_text(one.land / 1e6),
                number_text(one.mean),
                one.units,
                number_text(one.stock),
            )
            for one in check.plants
        ]
        made.append(Table("Plant types", ("plant", "field", "km2", "drift", "units", "stock"), plants))
    made.append(course_table(check))
    return made


def course_table(check: SpinupCheck) -> Table:
    """Drift of each field from one stretch of years to the next."""
    fields = [one for one in check.judged if one.criterion.kind is Kind.DRIFT]
    drifts = {one.criterion.field: dict(drift_history(one.measured, check.windows)) for one in fields}
    years = sorted({year for drift in drifts.values() for year in drift})
    rows = [
        (year, *(number_text(drift[year]) if year in drift else "" for drift in drifts.values()))
        for year in years
    ]
    return Table("Drift from cycle to cycle, by the last year", ("year", *drifts), rows)


def caption(one: Judged) -> str:
    """What a map shows."""
    what = "mean of the last cycle" if one.criterion.kind is Kind.VALUE else "drift"
    return f"{one.criterion.field}: {what}, {one.criterion.shown}"


def draw_change(check: SpinupCheck, one: Judged, path: Path) -> Path:
    """Map of the drift (or of the value) of each cell."""
    from kiloland.report.maps import draw_map

    cells = check.cells
    raster = daymet_raster(cells.longitude, cells.latitude) or regular_raster(cells.longitude, cells.latitude)
    places = CellPlaces(continuous(cells.longitude), cells.latitude, None, raster)
    field = CellField(
        one.criterion.field, caption(one), one.criterion.shown, one.measured.change, cells.shape
    )
    with looks():
        return save(draw_map(field, places), path)


def draw_courses(check: SpinupCheck, path: Path) -> Path:
    """Mean over the land of every field, with the two stretches that are compared."""
    from matplotlib.figure import Figure

    rows = -(-len(check.judged) // COLUMNS)
    with looks():
        figure = Figure(figsize=(9.5, 2.1 * rows), layout="constrained")
        grid = figure.subplots(rows, COLUMNS, squeeze=False).reshape(-1)
        for axes, one in zip(grid, check.judged, strict=False):
            draw_course(axes, one, check)
        for axes in grid[len(check.judged) :]:
            axes.set_axis_off()
        return save(figure, path)


def draw_course(axes: Any, one: Judged, check: SpinupCheck) -> None:
    """One field over the years."""
    measured = one.measured
    axes.plot(np.array(measured.years), measured.annual, linewidth=0.9)
    for part in (check.windows.earlier, check.windows.later):
        axes.axvspan(part[0].year - 0.5, part[-1].year + 0.5, alpha=0.12)
    axes.set_title(f"{one.criterion.field} ({one.verdict.value})", fontsize=9)
    axes.tick_params(labelsize=7)
