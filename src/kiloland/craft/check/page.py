"""The report as one HTML page with maps; the page holds everything and appears whole or not at all."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from kiloland.craft.check.cells import CellTable
from kiloland.craft.check.run import CellMap, CheckReport
from kiloland.craft.check.text import counted, total_texts
from kiloland.errors import OutputError
from kiloland.report.page import Table, write_page
from kiloland.report.places import CellPlaces, continuous, daymet_raster, regular_raster

PAGE: Final = "index.html"
DIFFERENCES_DRAWN: Final = 12


def write_check_page(folder: Path, report: CheckReport) -> Path:
    """Write ``index.html`` in a folder that is made; returns its path.

    Pictures are drawn aside first, so that a failure leaves nothing. OutputError where it cannot be written.
    """
    with tempfile.TemporaryDirectory() as aside:
        pictures = [
            (_draw(one, Path(aside) / f"{number:03d}.png"), _caption(one))
            for number, one in enumerate([*report.maps, *difference_maps(report)])
            if _drawable(one)
        ]
        make_folder(folder)
        return write_page(
            folder / PAGE,
            "Check of inputs",
            f"{counted(report.findings).capitalize()} in what a run will read.",
            facts(report),
            pictures,
            tables(report),
        )


def make_folder(folder: Path) -> None:
    """Make the folder; OutputError where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror})") from None


def facts(report: CheckReport) -> dict[str, object]:
    """The inputs and the totals."""
    request = report.request
    found: dict[str, object] = {
        name: path
        for name, path in (
            ("domain", request.domain),
            ("surface", request.surface),
            ("forcing", request.forcing),
            ("against", request.against),
        )
        if path is not None
    }
    for name, totals in report.totals.items():
        if name != "forcing_periods":
            found[f"totals of the {name}"] = "; ".join(total_texts(totals))
    return found


def tables(report: CheckReport) -> list[Table]:
    """Findings, means by period, and the comparison."""
    headings = (
        "severity",
        "check",
        "file",
        "variable",
        "problem",
        "where",
        "extent",
        "found",
        "expected",
        "in a run",
    )
    rows = [
        (
            found.severity.value,
            found.check,
            Path(found.file).name,
            found.variable,
            found.problem,
            str(found.place),
            found.extent,
            found.found,
            found.expected,
            found.consequence,
        )
        for found in report.findings
    ]
    made = [Table("Findings", headings, rows)] if rows else []
    periods = report.totals.get("forcing_periods", {})
    names = list(dict.fromkeys(name for one in periods.values() for name in one))
    if periods:
        by_period = [(period, *(one.get(name, "") for name in names)) for period, one in periods.items()]
        made.append(Table("Means over the domain", ("period", *names), by_period))
    if report.comparison is not None and report.cells is not None:
        made += _comparison_tables(report)
    return made


def _comparison_tables(report: CheckReport) -> list[Table]:
    """Differences by variable, by month, and the worst cells."""
    assert report.comparison is not None
    assert report.cells is not None
    variables = report.comparison.as_json(report.cells)["variables"]
    rows = [
        (name, one["units"], one["mean_here"], one["mean_there"], one["root_mean_square"], one["largest"])
        for name, one in variables.items()
        if one["cells"]
    ]
    worst = [
        (name, *("" if value is None else value for value in cell.values()))
        for name, one in variables.items()
        if one["cells"] and one["largest"] > 0.0
        for cell in one["worst_cells"][:3]
    ]
    months = [
        (month, name, *values)
        for month, by_name in report.comparison.months.items()
        for name, values in by_name.items()
    ]
    headings = ("variable", "units", "mean here", "mean there", "rms difference", "largest")
    made = [Table(f"Against {report.comparison.file}", headings, rows)]
    if months:
        made.append(
            Table("By month", ("month", "variable", "mean here", "mean there", "rms difference"), months)
        )
    if worst:
        where = ("variable", "gridcell id", "cell", "longitude", "latitude", "here", "there")
        made.append(Table("Worst cells", where, worst))
    return made


def difference_maps(report: CheckReport) -> list[CellMap]:
    """Maps of the largest differences, in the order of the variables."""
    if report.comparison is None or report.cells is None:
        return []
    maps: list[CellMap] = []
    for one in report.comparison.differences:
        if np.nanmax(np.abs(one.difference), initial=0.0) > 0.0 and len(maps) < DIFFERENCES_DRAWN:
            cells = report.cells.take(one.positions)
            maps.append(CellMap(f"Difference of {one.name}", one.name, one.units, one.difference, cells))
    return maps


def _drawable(one: CellMap) -> bool:
    """Whether the places of the cells are known."""
    cells = one.cells
    if cells.longitude is None or cells.latitude is None or not np.isfinite(one.values).any():
        return False
    return bool(np.isfinite(cells.longitude).all() and np.isfinite(cells.latitude).all())


def _caption(one: CellMap) -> str:
    return f"{one.title}, {one.units}"


def _draw(one: CellMap, path: Path) -> Path:
    """Draw one map."""
    # Matplotlib takes a second to load; nothing else of the check needs it.
    from kiloland.report.fields import CellField
    from kiloland.report.figure import looks, save
    from kiloland.report.maps import draw_map

    field = CellField(one.name, one.title, one.units, one.values, one.cells.shape)
    with looks():
        return save(draw_map(field, places(one.cells)), path)


def places(cells: CellTable) -> CellPlaces:
    """Where the cells are, as cells of a grid where they lie on one."""
    assert cells.longitude is not None
    assert cells.latitude is not None
    raster = daymet_raster(cells.longitude, cells.latitude) or regular_raster(cells.longitude, cells.latitude)
    return CellPlaces(continuous(cells.longitude), cells.latitude, cells.ids, raster)
