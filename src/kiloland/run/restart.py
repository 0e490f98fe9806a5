"""ELM's restart file: read for a rank's cells, compacted into the land state, expanded and written again.

What the land state advances lives in the state; everything else in the file is carried unchanged, so
that a file read and written again is the same, bit for bit, in every variable.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.errors import InputError
from kiloland.files import (
    CHECKSUM_ATTRIBUTE,
    HEADER_CHECKSUM_ATTRIBUTE,
    FileSchema,
    VariableSchema,
    open_dataset,
    write_dataset,
)
from kiloland.files.dataset import Dataset
from kiloland.land.state import ColumnState, LandState, PatchState
from kiloland.land.subgrid import ColumnGroup, ColumnType
from kiloland.run.clock import seconds_of_date
from kiloland.variables import (
    SUBGRID_DIMENSIONS,
    RestartVariable,
    restart_variable,
    restart_variables,
    simulated_variables,
)

_INDEX_PREFIX = {
    "gridcell": "grid1d",
    "topounit": "topo1d",
    "landunit": "land1d",
    "column": "cols1d",
    "pft": "pfts1d",
}


@dataclass(frozen=True)
class Restart:
    """Content of a restart for a rank's cells, in the layout of ELM's file.

    ``rows`` holds, for each subgrid level, the positions of the rank's members in the whole file;
    ``values`` the rank's part of every variable; ``dimensions`` the sizes of the whole file.
    """

    path: Path
    dimensions: Mapping[str, int]
    attributes: Mapping[str, Any]
    variable_attributes: Mapping[str, Mapping[str, Any]]
    rows: Mapping[str, np.ndarray]
    values: Mapping[str, np.ndarray]

    def scalar(self, name: str) -> int:
        """Value of a scalar variable such as ``timemgr_rst_curr_ymd``."""
        if name not in self.values:
            raise InputError("variable missing", file=self.path, variable=name)
        return int(self.values[name])

    @property
    def date(self) -> tuple[int, int]:
        """Model date of the restart: YYYYMMDD and seconds of the day."""
        return self.scalar("timemgr_rst_curr_ymd"), self.scalar("timemgr_rst_curr_tod")

    @property
    def seconds(self) -> int:
        """Model date of the restart in seconds since 0001-01-01.

        Raises:
            InputError: no such date in the noleap calendar.
        """
        return self._moment("curr")

    @property
    def begun(self) -> int:
        """Start of the run that wrote the restart, in seconds since 0001-01-01."""
        return self._moment("start")

    def _moment(self, which: str) -> int:
        names = (f"timemgr_rst_{which}_ymd", f"timemgr_rst_{which}_tod")
        try:
            return seconds_of_date(*(self.scalar(name) for name in names))
        except InputError as error:
            raise InputError(
                error.problem, found=error.found, file=self.path, variable=", ".join(names)
            ) from None


def read_restart(path: str | Path, cells: np.ndarray | None = None) -> Restart:
    """Read a restart, whole or for some cells.

    Args:
        path: the file; classic, CDF-5 or netCDF-4, possibly gzipped.
        cells: positions (0-based, ascending) of the wanted gridcells in the file; all if None.

    Raises:
        InputError: unreadable file, a variable that the registry does not know or that has another type
            or other dimensions than it says, index vectors that point nowhere, a missing state variable.
    """
    with open_dataset(path) as dataset:
        _check_against_registry(dataset)
        rows = _subgrid_rows(dataset, cells)
        values = {
            name: variable.read(rows[variable.dims[0]])
            if variable.dims and variable.dims[0] in rows and cells is not None
            else variable.read()
            for name, variable in dataset.variables.items()
        }
        return Restart(
            path=dataset.path,
            dimensions=dict(dataset.dimensions),
            attributes=dict(dataset.attributes),
            variable_attributes={name: dict(v.attributes) for name, v in dataset.variables.items()},
            rows=rows,
            values=values,
        )


def _check_against_registry(dataset: Dataset) -> None:
    for name, variable in dataset.variables.items():
        try:
            known = restart_variable(name)
        except InputError as error:
            raise InputError(
                "this is not a restart of the supported configuration: unknown variable",
                file=dataset.path,
                variable=name,
                hint=error.hint,
            ) from None
        if (variable.dims, variable.dtype) != (known.dims, known.dtype):
            raise InputError(
                "not as the registry says",
                file=dataset.path,
                variable=name,
                found=f"{variable.dtype} {variable.dims}",
                expected=f"{known.dtype} {known.dims}",
            )
    needed = [v.name for v in simulated_variables()]
    needed += ["cols1d_gridcell_index", "cols1d_ityp", "cols1d_wtxy", "cols1d_active"]
    needed += ["pfts1d_column_index", "pfts1d_itypveg", "pfts1d_wtcol", "pfts1d_active"]
    needed += [f"{_INDEX_PREFIX[level]}_gridcell_index" for level in SUBGRID_DIMENSIONS[1:]]
    needed += ["grid1d_lon", "grid1d_lat", "timemgr_rst_step_sec"]
    needed += [f"timemgr_rst_{which}_{part}" for which in ("curr", "start") for part in ("ymd", "tod")]
    for name in needed:
        if name not in dataset.variables:
            raise InputError(
                "variable missing: not a restart that can be run from", file=dataset.path, variable=name
            )


def _subgrid_rows(dataset: Dataset, cells: np.ndarray | None) -> dict[str, np.ndarray]:
    """Positions in the file of the members of each level that belong to the wanted cells."""
    rows: dict[str, np.ndarray] = {}
    total = dataset.dimensions.get("gridcell", 0)
    wanted = np.arange(total) if cells is None else np.asarray(cells, np.int64)
    if len(wanted) and (wanted.min() < 0 or wanted.max() >= total):
        raise InputError(
            "the file has not the cells of the domain",
            file=dataset.path,
            found=f"{total} gridcells",
            expected=f"at least {wanted.max() + 1}",
        )
    rows["gridcell"] = wanted
    for level in SUBGRID_DIMENSIONS[1:]:
        name = f"{_INDEX_PREFIX[level]}_gridcell_index"
        if level not in dataset.dimensions:
            continue
        if cells is None or name not in dataset.variables:
            rows[level] = np.arange(dataset.dimensions[level])
        else:
            rows[level] = _rows_of_cells(dataset, name, wanted)
    return rows


def _rows_of_cells(dataset: Dataset, name: str, wanted: np.ndarray) -> np.ndarray:
    """Rows whose parent is among the wanted cells, reading the index vector in bounded pieces."""
    variable = dataset[name]
    piece, found = 1 << 20, []
    for start in range(0, variable.shape[0], piece):
        parent = variable.read(slice(start, start + piece)).astype(np.int64) - 1
        position = np.searchsorted(wanted, parent)
        hit = (position < len(wanted)) & (wanted[np.minimum(position, len(wanted) - 1)] == parent)
        found.append(start + np.flatnonzero(hit))
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def soil_columns(restart: Restart) -> ColumnGroup:
    """The active soil columns of a restart; see :func:`active_columns`."""
    return active_columns(restart, ColumnType.SOIL)


def active_columns(restart: Restart, type_: ColumnType) -> ColumnGroup:
    """The active columns of one type of a restart and their patches of positive weight.

    Raises:
        InputError: index vectors out of range, patch weights of a column that do not sum to one.
    """
    values, path = restart.values, restart.path
    active = (values["cols1d_active"] == 1) & (values["cols1d_ityp"] == type_) & (values["cols1d_wtxy"] > 0)
    column_row = np.flatnonzero(active)
    gridcell = _local(
        restart, "gridcell", values["cols1d_gridcell_index"][column_row], "cols1d_gridcell_index"
    )
    parent = _local(restart, "column", values["pfts1d_column_index"], "pfts1d_column_index")
    compact = np.full(len(active), -1)
    compact[column_row] = np.arange(len(column_row))
    weight = values["pfts1d_wtcol"]
    patch_row = np.flatnonzero((values["pfts1d_active"] == 1) & (weight > 0.0) & (compact[parent] >= 0))
    patch_row = patch_row[np.argsort(compact[parent[patch_row]], kind="stable")]
    patch_column = compact[parent[patch_row]]
    total = np.bincount(patch_column, weights=weight[patch_row], minlength=len(column_row))
    bad = np.flatnonzero(np.abs(total - 1.0) > 1e-12)
    if len(bad):
        raise InputError(
            "patch weights of a column do not sum to one",
            file=path,
            variable="pfts1d_wtcol",
            where=f"column {int(restart.rows['column'][column_row[bad[0]]])}",
            found=repr(float(total[bad[0]])),
            expected="1 within 1e-12",
        )
    return ColumnGroup(
        type=type_,
        gridcell=gridcell,
        column_weight=values["cols1d_wtxy"][column_row],
        column_row=column_row,
        patch_column=patch_column,
        patch_weight=weight[patch_row],
        patch_type=values["pfts1d_itypveg"][patch_row].astype(np.int64),
        patch_row=patch_row,
    )


def _local(restart: Restart, level: str, one_based: np.ndarray, name: str) -> np.ndarray:
    """Turn ELM's 1-based global index into a position among the rank's rows of that level."""
    rows = restart.rows[level]
    wanted = one_based.astype(np.int64) - 1
    position = np.minimum(np.searchsorted(rows, wanted), max(len(rows) - 1, 0))
    wrong = np.flatnonzero(rows[position] != wanted) if len(rows) else np.arange(len(wanted))
    if len(wrong):
        raise InputError(
            "index points outside the file",
            file=restart.path,
            variable=name,
            where=f"entry {int(wrong[0])}",
            found=int(one_based[wrong[0]]),
            expected=f"a {level} of these cells",
        )
    return position


def load_state(restart: Restart, group: ColumnGroup) -> LandState:
    """Compact the restart into the land state: active members only, layers first."""
    parts: dict[str, dict[str, jax.Array]] = {"column": {}, "patch": {}}
    for variable in simulated_variables():
        part, field = variable.state.split(".")
        rows = group.column_row if part == "column" else group.patch_row
        parts[part][field] = jnp.asarray(np.ascontiguousarray(restart.values[variable.name][rows].T))
    return LandState(column=ColumnState(**parts["column"]), patch=PatchState(**parts["patch"]))


def state_value(state: LandState, variable: RestartVariable) -> np.ndarray:
    """Value of a restart variable in the state, in the axis order of the file (member first)."""
    part, field = variable.state.split(".")
    return np.asarray(getattr(getattr(state, part), field)).T


def expand_state(restart: Restart, group: ColumnGroup, state: LandState) -> dict[str, np.ndarray]:
    """All variables in the layout of the file: the carried ones with the state laid over them."""
    values = dict(restart.values)
    for variable in simulated_variables():
        rows = group.column_row if variable.state.startswith("column.") else group.patch_row
        laid = values[variable.name].copy()
        laid[rows] = state_value(state, variable)
        values[variable.name] = laid
    return values


def set_element(
    restart: Restart, group: ColumnGroup, state: LandState, name: str, index: tuple[int, ...], value: float
) -> tuple[Restart, LandState]:
    """Change one element in memory: in the state where it is simulated, else in what is carried.

    Args:
        restart, group, state: as loaded.
        name: restart variable.
        index: zero-based, in the axis order of the file.
        value: the new value.

    Raises:
        InputError: variable absent, index of the wrong rank or out of range, value unfit for the type.
    """
    if name not in restart.values:
        restart_variable(name)
        raise InputError("variable missing", file=restart.path, variable=name)
    array = restart.values[name]
    shape = array.shape
    if len(index) != len(shape) or any(not 0 <= i < n for i, n in zip(index, shape, strict=True)):
        raise InputError(
            "index out of range",
            file=restart.path,
            variable=name,
            found=list(index),
            expected=f"one index for each dimension, below {list(shape)}",
        )
    variable = restart_variables()[name]
    if array.dtype.kind == "S" or (array.dtype.kind == "i" and value != int(value)):
        raise InputError("value does not fit the type", variable=name, found=value, expected=str(array.dtype))
    if variable.state:
        part, field = variable.state.split(".")
        rows = group.column_row if part == "column" else group.patch_row
        member = np.flatnonzero(rows == index[0])
        if len(member):
            holder = getattr(state, part)
            place = (*index[1:], int(member[0]))
            changed = getattr(holder, field).at[place].set(array.dtype.type(value))
            state = dataclasses.replace(state, **{part: dataclasses.replace(holder, **{field: changed})})
            return restart, state
    changed_values = dict(restart.values)
    changed_values[name] = array.copy()
    changed_values[name][index] = value
    return dataclasses.replace(restart, values=changed_values), state


def restart_schema(restart: Restart, attributes: Mapping[str, Any] | None = None) -> FileSchema:
    """Schema of a file with the same variables, in the same order, with the same attributes."""
    known = restart_variables()
    return FileSchema(
        dimensions=dict(restart.dimensions),
        variables=tuple(
            VariableSchema(
                name,
                known[name].dtype,
                known[name].dims,
                _without_checksum(restart.variable_attributes.get(name, known[name].attributes)),
            )
            for name in restart.values
        ),
        attributes={**_without_checksum(restart.attributes), **(attributes or {})},
    )


def _without_checksum(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes but for the checksums, which the writer makes anew."""
    return {k: v for k, v in attributes.items() if k not in (CHECKSUM_ATTRIBUTE, HEADER_CHECKSUM_ATTRIBUTE)}


def write_restart(
    path: str | Path,
    restart: Restart,
    group: ColumnGroup,
    state: LandState,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Write a whole restart, the state laid over what was carried; for one process that holds all cells."""
    write_dataset(path, restart_schema(restart, attributes), expand_state(restart, group, state))


def with_date(restart: Restart, ymd: int, tod: int, steps: int) -> Restart:
    """The restart at another date; ``steps`` counts from the start of its run (ELM's radiation step)."""
    values = dict(restart.values)
    for name, value in (
        ("timemgr_rst_curr_ymd", ymd),
        ("timemgr_rst_curr_tod", tod),
        ("timemgr_rst_nstep_rad_prev", steps),
    ):
        values[name] = np.array(value, np.int32)
    return dataclasses.replace(restart, values=values)
