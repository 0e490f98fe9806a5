"""Cold start: a restart for cells that have no past, in the layout of ELM's file.

Which members there are: :mod:`kiloland.run.members`; with what they begin: :mod:`kiloland.run.cold_values`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kiloland.land.running_means import MeanLengths
from kiloland.run.clock import date_of_seconds
from kiloland.run.cold_values import (
    EVERYWHERE,
    LAKE_VALUES,
    LAYER_SIZES,
    TOWN_VALUES,
    state_values,
    whole,
)
from kiloland.run.means_columns import LENGTH_NAMES, cold_means
from kiloland.run.members import Columns, Numbering, Patches, turn_in_cell
from kiloland.run.restart import Restart
from kiloland.run.surface import Surface
from kiloland.run.urban_columns import ABSORBED
from kiloland.variables import restart_variable, restart_variables, simulated_variables


def cold_start(
    start: int,
    timestep: int,
    surface: Surface,
    longitude: np.ndarray,
    latitude: np.ndarray,
    positions: np.ndarray,
    total_cells: int,
    columns: Columns,
    patches: Patches,
    numbering: Numbering,
    all_kinds: bool,
) -> Restart:
    """A restart at the start of a run, for a rank's cells.

    Members of no area do not exist, so the vectors are shorter than ELM's own.

    Args:
        start: seconds since 0001-01-01.
        timestep: s.
        surface: of the rank's cells.
        longitude, latitude: of the rank's cells, degrees.
        positions: of the rank's cells among all land cells, ascending.
        total_cells: number of land cells on all ranks.
        columns, patches: of the rank's cells.
        numbering: of the members in the whole domain.
        all_kinds: with the variables of all kinds of columns and of running means, not of soil alone.
    """
    owners = {
        "gridcell": np.arange(len(positions)),
        "topounit": np.arange(len(positions)),
        "landunit": columns.cell[columns.first_of_landunit],
        "column": columns.cell,
        "pft": columns.cell[patches.column],
    }
    rows = dict.fromkeys(("gridcell", "topounit"), positions)
    rows |= {
        level: numbering.first[level][cell] + turn_in_cell(cell)
        for level, cell in owners.items()
        if level in numbering.first
    }
    values = _time_values(start, timestep)
    values.update(_index_values(rows, owners, columns, patches, longitude, latitude))
    counts = {level: len(members) for level, members in rows.items()}
    values.update(_state(columns, patches, surface, counts))
    if all_kinds:
        values.update(_other_kinds(counts))
        values.update(cold_means(counts))
        lengths = MeanLengths.of_timestep(timestep)
        periods = (lengths.hour, lengths.day, lengths.ten_days, lengths.sixty_days)
        values |= {n: np.array(p, np.int32) for n, p in zip(LENGTH_NAMES, periods, strict=True)}
    dimensions = dict.fromkeys(("gridcell", "topounit"), total_cells)
    return Restart(
        path=Path("cold start"),
        dimensions={**dimensions, **numbering.total, **LAYER_SIZES},
        attributes={"Conventions": "CF-1.7", "title": "ELM Restart information", "source": "Kiloland"},
        variable_attributes={},
        rows=rows,
        values={name: values[name] for name in restart_variables() if name in values},
    )


def _time_values(start: int, timestep: int) -> dict[str, np.ndarray]:
    ymd, tod = date_of_seconds(start)
    scalars = {
        "timemgr_rst_nstep_rad_prev": 0,
        "timemgr_rst_type": 1,
        "timemgr_rst_step_sec": timestep,
        "timemgr_rst_start_ymd": ymd,
        "timemgr_rst_start_tod": tod,
        "timemgr_rst_ref_ymd": ymd,
        "timemgr_rst_ref_tod": tod,
        "timemgr_rst_curr_ymd": ymd,
        "timemgr_rst_curr_tod": tod,
        "spinup_state": 0,
        "decomp_cascade_state": 10,
    }
    return {name: np.array(value, np.int32) for name, value in scalars.items()}


def _index_values(
    rows: dict[str, np.ndarray],
    owners: dict[str, np.ndarray],
    columns: Columns,
    patches: Patches,
    longitude: np.ndarray,
    latitude: np.ndarray,
) -> dict[str, np.ndarray]:
    """The index vectors of every level; ELM counts from one."""
    prefix = {
        "gridcell": "grid1d",
        "topounit": "topo1d",
        "landunit": "land1d",
        "column": "cols1d",
        "pft": "pfts1d",
    }
    number = {level: (members + 1).astype(np.int32) for level, members in rows.items()}
    values: dict[str, np.ndarray] = {}
    for level, cell in owners.items():
        name = prefix[level]
        values[f"{name}_lon"], values[f"{name}_lat"] = longitude[cell], latitude[cell]
        values[f"{name}_ixy"] = number["gridcell"][cell]
        values[f"{name}_jxy"] = np.ones(len(cell), np.int32)
        if level != "gridcell":
            values[f"{name}_gridcell_index"] = number["gridcell"][cell]
    first = columns.first_of_landunit
    of_patch = patches.column
    on_landunit = {
        "land1d": None,
        "cols1d": columns.weight,
        "pfts1d": columns.weight[of_patch] * patches.weight,
    }
    column_of = {"land1d": first, "cols1d": np.arange(len(columns.cell)), "pfts1d": of_patch}
    for name, column in column_of.items():
        share = columns.landunit_weight[column]
        part = on_landunit[name]
        weight = share if part is None else share * part
        values[f"{name}_topounit_index"] = number["topounit"][columns.cell[column]]
        if part is not None:
            values[f"{name}_landunit_index"] = number["landunit"][columns.landunit[column]]
            values[f"{name}_wtlnd"] = part
        values[f"{name}_ityplun"] = columns.landunit_type[column].astype(np.int32)
        values[f"{name}_active"] = (weight > 0.0).astype(np.int32)
        values[f"{name}_wtxy"] = weight
        values[f"{name}_wttopounit"] = weight
    values["cols1d_ityp"] = columns.type.astype(np.int32)
    values["pfts1d_column_index"] = number["column"][of_patch]
    values["pfts1d_itypcol"] = columns.type[of_patch].astype(np.int32)
    values["pfts1d_itypveg"] = patches.kind.astype(np.int32)
    values["pfts1d_wtcol"] = patches.weight
    return values


def _state(
    columns: Columns, patches: Patches, surface: Surface, counts: dict[str, int]
) -> dict[str, np.ndarray]:
    """All variables that the land state advances; zero where nothing else is said."""
    begun = state_values(columns, patches, surface)
    values = {}
    for variable in simulated_variables():
        field = variable.state.split(".")[1]
        if field in begun:
            values[variable.name] = begun[field].astype(variable.dtype)
        else:
            values[variable.name] = whole(variable, counts[variable.level], EVERYWHERE.get(field, 0.0))
    return values


def _other_kinds(counts: dict[str, int]) -> dict[str, np.ndarray]:
    """Variables that lakes and towns have beside those of the land state."""
    light = [f"{name}_{beam}" for name in ABSORBED for beam in ("dir", "dif")]
    found = {**LAKE_VALUES, **TOWN_VALUES, **dict.fromkeys(light, 0.0)}
    variables = {name: restart_variable(name) for name in found}
    return {name: whole(v, counts[v.level], found[name]) for name, v in variables.items()}
