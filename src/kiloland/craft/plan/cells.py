"""The cells of a planned domain: chosen as the command would where its inputs are there, else as stated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kiloland.craft.domain import DomainRequest, prepare_domain
from kiloland.craft.plan.job import DomainTable
from kiloland.craft.plan.parts import Finding
from kiloland.errors import InputError
from kiloland.files import FileSchema, open_dataset
from kiloland.grid import DomainHeader, Grid, grid_from_text
from kiloland.grid.domain import bounding_rectangle
from kiloland.grid.domain_file import domain_schema


@dataclass(frozen=True)
class PlannedCells:
    """Cells of a domain; ``rows`` and ``columns`` of the whole grid that hold them.

    ``schema``: of the file to be made, None for one that exists. ``shape`` is that of the domain file,
    ``land`` the number of land cells. ``exact``: chosen as the command does, not stated by the job.
    """

    land: int
    shape: tuple[int, int]
    first_id: int
    largest_id: int
    grid: Grid
    rows: slice
    columns: slice
    schema: FileSchema | None
    read_bytes: int
    exact: bool

    @property
    def cells(self) -> int:
        """All cells of the file."""
        return self.shape[0] * self.shape[1]


def plan_cells(table: DomainTable, folder: Path) -> tuple[PlannedCells, list[Finding], list[str]]:
    """The cells, what is missing, and notes.

    Raises InputError where nothing says how many cells there are, or an input cannot be used.
    """
    table = replace(table, grid=_grid_text(table.grid, folder))
    missing = {key: path for key, path in table.files.items() if not path.exists()}
    findings = [
        Finding(f"domain.{key}", f"{path}: no such file")
        for key, path in missing.items()
        if not (table.planned and key in ("land_mask", "lakes", "file"))
    ]
    if table.file is not None and "file" not in missing:
        return _of_file(table.file), findings, []
    if table.file is None and not missing and (table.land_mask is not None or not table.planned):
        return _chosen(table), findings, []
    if table.land_cells == 0:
        raise InputError(
            "nothing says how many cells there are",
            where="domain",
            found=f"{next(iter(missing.values()))} is missing",
            hint="State land_cells, with planned = true where the file is to come later",
        )
    names = ", ".join(str(path.name) for path in missing.values()) or "no land mask"
    return _stated(table), findings, [f"domain: {table.land_cells:,} land cells as stated ({names})"]


def _grid_text(text: str, folder: Path) -> str:
    """The grid as named; a file is taken from the folder of the job."""
    return str(folder / text) if (folder / text).is_file() else text


def _of_file(path: Path) -> PlannedCells:
    """The cells of a domain that exists; its header, and the ids at both ends, are read."""
    with open_dataset(path) as dataset:
        places = dataset["xc"].shape
        shape = (1, places[0]) if len(places) == 1 else (places[0], places[1])
        text = str(dataset.attributes.get("grid", ""))
        if not text or text == "unnamed":
            raise InputError("the domain does not say its grid", file=path, hint="Make it with craft domain")
        grid = grid_from_text(text)
        ids = dataset["gridID"]
        ends = [int(ids.read((row, column))) for row, column in ((0, 0), (shape[0] - 1, shape[1] - 1))]
    row, column = grid.row_column(np.array(sorted(ends)))
    columns = slice(int(column.min()), int(column.max()) + 1) if shape[0] > 1 else slice(0, grid.columns)
    return PlannedCells(
        land=shape[0] * shape[1],
        shape=shape,
        first_id=min(ends),
        largest_id=max(ends),
        grid=grid,
        rows=slice(int(row[0]), int(row[1]) + 1),
        columns=columns,
        schema=None,
        read_bytes=0,
        exact=True,
    )


def _chosen(table: DomainTable) -> PlannedCells:
    """The cells that ``craft domain`` would choose; the land mask and the areas are read."""
    work = prepare_domain(
        DomainRequest(
            table.grid,
            _with_variable(table.land_mask, table.land_variable),
            table.region,
            Path("domain.nc"),
            table.two_dimensional,
            table.drop_outside,
            _with_variable(table.lakes, table.lakes_variable),
        )
    )
    ids = work.selection.ids
    rows, columns = bounding_rectangle(work.grid, ids)
    return PlannedCells(
        land=int(ids.size),
        shape=work.shape,
        first_id=int(ids[0]),
        largest_id=int(ids[-1]),
        grid=work.grid,
        rows=rows,
        columns=columns,
        schema=domain_schema(work.header, work.attributes),
        read_bytes=sum(path.stat().st_size for path in table.files.values()),
        exact=True,
    )


def _stated(table: DomainTable) -> PlannedCells:
    """As many cells as the job states, anywhere on the grid."""
    grid = grid_from_text(table.grid)
    shape = (grid.rows, grid.columns) if table.two_dimensional else (1, table.land_cells)
    name = "" if table.land_mask is None else table.land_mask.name
    attributes = {"selection": "all land cells", "land_mask": name, "land_mask_sha256": 64 * "0"}
    return PlannedCells(
        land=table.land_cells,
        shape=shape,
        first_id=0,
        largest_id=grid.number_of_cells - 1,
        grid=grid,
        rows=slice(0, grid.rows),
        columns=slice(0, grid.columns),
        schema=domain_schema(DomainHeader.of_grid(grid, shape), attributes),
        read_bytes=sum(path.stat().st_size for path in table.files.values() if path.is_file()),
        exact=False,
    )


def _with_variable(path: Path | None, variable: str) -> str | None:
    if path is None:
        return None
    return f"{path}:{variable}" if variable else str(path)
