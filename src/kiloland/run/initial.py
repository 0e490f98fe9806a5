"""Cold start: the state of soil columns that have no past, as ELM begins them.

Soil at 274 K with 0.15 m3 m-3 of water in the ten soil layers and none below, no snow, no pond, no canopy
water; source: ELM's ``InitCold`` routines. Every cell gets one soil column with the plant
types that it has; other landunits come with their processes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, TOTAL_LAYERS, ground_grid
from kiloland.run.clock import date_of_seconds
from kiloland.run.restart import Restart
from kiloland.run.surface import Surface
from kiloland.variables import FILL_VALUE, RestartVariable, restart_variables, simulated_variables

SOIL_TEMPERATURE = 274.0
LEAF_TEMPERATURE = 283.0
WATER_CONTENT = 0.15
INITIAL_ALBEDO = 0.2
AQUIFER_WATER = 4000.0
"""kg m-2."""
BOTTOM = float(ground_grid().interface[SOIL_LAYERS])
"""Of the soil, m."""
WATER_TABLE = 25.0 + BOTTOM - AQUIFER_WATER / 0.2 / 1000.0
"""m; an aquifer of yield 0.2 is full when the table is 25 m below the soil less its water."""
_WATER_DENSITY = 1000.0
_STEFAN_BOLTZMANN = 5.670374419e-8

_SIZES = {"levsno": 5, "levsno1": 6, "levtot": TOTAL_LAYERS, "numrad": 2, "levcan": 1}


def existing_patches(surface: Surface) -> np.ndarray:
    """Which plant types exist in each cell, ``[plant type, cell]``: those of positive share."""
    return surface.plant_share > 0.0


def cold_start(
    start: int,
    timestep: int,
    surface: Surface,
    longitude: np.ndarray,
    latitude: np.ndarray,
    positions: np.ndarray,
    total_cells: int,
    first_patch: np.ndarray,
    total_patches: int,
) -> Restart:
    """A restart at the start of a run, for a rank's cells, in the layout of ELM's file.

    Patches of no area do not exist, so the patch vectors are shorter than ELM's own.

    Args:
        start: seconds since 0001-01-01.
        timestep: s.
        surface: of the rank's cells.
        longitude, latitude: of the rank's cells, degrees.
        positions: of the rank's cells among all land cells, ascending.
        total_cells: number of land cells on all ranks.
        first_patch: number of patches in all cells before each of these.
        total_patches: number of patches on all ranks.
    """
    exists = existing_patches(surface).T
    cell, kind = np.nonzero(exists)
    turn = np.arange(len(cell)) - np.searchsorted(cell, cell)
    rows = dict.fromkeys(("gridcell", "topounit", "landunit", "column"), positions)
    rows |= {"pft": first_patch[cell] + turn}
    counts = {level: len(members) for level, members in rows.items()}
    values: dict[str, np.ndarray] = {}
    values.update(_time_values(start, timestep))
    values.update(_index_values(surface, longitude, latitude, positions, cell, kind))
    for variable in simulated_variables():
        values[variable.name] = _initial_value(variable, counts)
    order = [name for name in restart_variables() if name in values]
    dimensions = dict.fromkeys(("gridcell", "topounit", "landunit", "column"), total_cells)
    dimensions |= {"pft": total_patches, **_SIZES}
    return Restart(
        path=Path("cold start"),
        dimensions=dimensions,
        attributes={"Conventions": "CF-1.7", "title": "ELM Restart information", "source": "Kiloland"},
        variable_attributes={},
        rows=rows,
        values={name: values[name] for name in order},
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
    surface: Surface,
    longitude: np.ndarray,
    latitude: np.ndarray,
    positions: np.ndarray,
    patch_cell: np.ndarray,
    patch_type: np.ndarray,
) -> dict[str, np.ndarray]:
    """The index vectors of every level; ELM counts from one."""
    number = (positions + 1).astype(np.int32)
    alone = np.arange(len(positions))
    cell_of = {"grid1d": alone, "topo1d": alone, "land1d": alone, "cols1d": alone, "pfts1d": patch_cell}
    values: dict[str, np.ndarray] = {}
    for prefix, cell in cell_of.items():
        values[f"{prefix}_lon"] = longitude[cell]
        values[f"{prefix}_lat"] = latitude[cell]
        values[f"{prefix}_ixy"] = number[cell]
        values[f"{prefix}_jxy"] = np.ones(len(cell), np.int32)
        if prefix != "grid1d":
            values[f"{prefix}_gridcell_index"] = number[cell]
    share = surface.plant_share[patch_type, patch_cell]
    weight = {"land1d": surface.vegetated, "cols1d": surface.vegetated}
    weight["pfts1d"] = surface.vegetated[patch_cell] * share
    parents = {
        "land1d": ("topounit",),
        "cols1d": ("topounit", "landunit"),
        "pfts1d": ("topounit", "landunit", "column"),
    }
    for prefix, levels in parents.items():
        for level in levels:
            values[f"{prefix}_{level}_index"] = number[cell_of[prefix]]
        values[f"{prefix}_ityplun"] = np.ones(len(weight[prefix]), np.int32)
        values[f"{prefix}_active"] = (weight[prefix] > 0.0).astype(np.int32)
        values[f"{prefix}_wtxy"] = weight[prefix]
        values[f"{prefix}_wttopounit"] = weight[prefix]
    values["cols1d_ityp"] = np.ones(len(positions), np.int32)
    values["cols1d_wtlnd"] = np.ones(len(positions))
    values["pfts1d_itypcol"] = np.ones(len(share), np.int32)
    values["pfts1d_itypveg"] = patch_type.astype(np.int32)
    values["pfts1d_wtlnd"] = share
    values["pfts1d_wtcol"] = share
    return values


def _initial_value(variable: RestartVariable, counts: dict[str, int]) -> np.ndarray:
    """Value of a state variable at cold start; zero where nothing else is said.

    All members begin alike, so one value stands for all of them without taking their memory.
    """
    shape = tuple(counts.get(dim, _SIZES.get(dim, 0)) for dim in variable.dims)
    field = variable.state.split(".")[1]
    constant = {
        "ground_temperature": SOIL_TEMPERATURE,
        "pond_temperature": SOIL_TEMPERATURE,
        "leaf_temperature": LEAF_TEMPERATURE,
        "longwave_out": _STEFAN_BOLTZMANN * SOIL_TEMPERATURE**4,
        "albedo_direct": INITIAL_ALBEDO,
        "albedo_diffuse": INITIAL_ALBEDO,
        "ground_albedo_direct": INITIAL_ALBEDO,
        "ground_albedo_diffuse": INITIAL_ALBEDO,
        "soil_albedo_direct": INITIAL_ALBEDO,
        "soil_albedo_diffuse": INITIAL_ALBEDO,
        "aquifer_water": AQUIFER_WATER,
        "water_table": WATER_TABLE,
        "perched_table": BOTTOM,
        "frost_table": BOTTOM,
        "screen_temperature": LEAF_TEMPERATURE,
        "ten_day_temperature": LEAF_TEMPERATURE,
    }
    member = np.full(shape[1:], constant.get(field, 0), variable.dtype)
    if field == "temperature":
        member[:SNOW_LAYERS] = FILL_VALUE
        member[SNOW_LAYERS:] = SOIL_TEMPERATURE
    elif field == "liquid_water":
        # Above freezing everywhere, so all water is liquid.
        soil = slice(SNOW_LAYERS, SNOW_LAYERS + SOIL_LAYERS)
        member[soil] = WATER_CONTENT * ground_grid().thickness[:SOIL_LAYERS] * _WATER_DENSITY
    return np.broadcast_to(member, shape)
