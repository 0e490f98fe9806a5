"""Small restarts in ELM's layout, files of pools for them, and ELM's own exit from accelerated spinup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from kiloland.craft.virtual import sha256_of
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.spinup.pools import PoolSet, write_pools
from kiloland.spinup.restart.acceleration import averaged_scalar, default_factors, restart_scale
from kiloland.spinup.subgrid import SubgridKeys, restart_subgrid
from kiloland.spinup.tables import CASCADE, POOLS, TOTALS, Group, layer_thickness

PATCHES = 17
GROWING = ((0, 1, 7), (0, 4, 13), (0, 9, 14), (0, 2, 12))
"""Plant types with weight by cell, in turn."""
WOODY = range(1, 12)
FACTORS = {"cwd": 0.5 / (365.0 * -np.log1p(-0.001)), "soil3": 1.0 / (365.0 * -np.log1p(-0.0014))}
FACTORS["soil4"] = 1.0 / (365.0 * -np.log1p(-0.0001))


def small_restart(
    path: Path,
    cells: int = 4,
    *,
    state: int = 1,
    year: int = 41,
    shuffle: int | None = None,
    change: Callable[[dict[str, np.ndarray]], None] | None = None,
    leave_out: tuple[str, ...] = (),
) -> Path:
    """A restart of ``cells`` cells, each a soil column of 17 patches and a lake column of one.

    ``shuffle``: seed of an order of columns and of patches that has nothing to do with cells.
    """
    values = restart_values(cells, state, year)
    if change is not None:
        change(values)
    set_totals(values)
    if shuffle is not None:
        shuffle_rows(values, np.random.default_rng(shuffle))
    for name in leave_out:
        values.pop(name)
    columns, patches = 2 * cells, (PATCHES + 1) * cells
    sizes = {"gridcell": cells, "column": columns, "pft": patches, "levgrnd": 15}
    variables = []
    for name, array in values.items():
        lead = {cells: "gridcell", columns: "column", patches: "pft"}
        dims = () if array.ndim == 0 else (lead[len(array)], *(["levgrnd"] if array.ndim == 2 else []))
        if name.startswith("cols1d"):
            dims = ("column",)
        variables.append(VariableSchema(name, array.dtype, dims, {"long_name": name}))
    write_dataset(path, FileSchema(sizes, None, tuple(variables), {"title": "ELM Restart"}), values)
    return path


def restart_values(cells: int, state: int, year: int) -> dict[str, np.ndarray]:
    """All variables of the restart, in the order of cells."""
    draw = np.random.default_rng(7)
    cell = np.arange(1, cells + 1)
    column_cell, landunit = np.repeat(cell, 2), np.tile([1, 5], cells)
    patch_cell = np.repeat(cell, PATCHES + 1)
    lake = np.tile(np.arange(PATCHES + 1) == PATCHES, cells)
    plant = np.where(lake, 0, np.tile(np.arange(PATCHES + 1), cells))
    weight = np.zeros(patch_cell.size)
    for place, kinds in enumerate(GROWING[number % 4] for number in range(cells)):
        for kind, share in zip(kinds, (0.1, 0.55, 0.35), strict=True):
            weight[place * (PATCHES + 1) + kind] = share
    weight[lake] = 1.0
    values: dict[str, np.ndarray] = {
        "spinup_state": np.asarray(state, np.int32),
        "timemgr_rst_curr_ymd": np.asarray(year * 10000 + 101, np.int32),
        "grid1d_lon": 250.0 + 0.5 * cell,
        "grid1d_lat": 40.0 + 0.1 * cell,
        "cols1d_gridcell_index": column_cell.astype(np.int32),
        "cols1d_ityplun": landunit.astype(np.int32),
        "cols1d_ityp": landunit.astype(np.int32),
        "cols1d_lon": 250.0 + 0.5 * column_cell,
        "cols1d_lat": 40.0 + 0.1 * column_cell,
        "cols1d_wtxy": np.where(landunit == 1, 0.8, 0.2),
        "pfts1d_column_index": (2 * patch_cell - 1 + lake).astype(np.int32),
        "pfts1d_itypveg": plant.astype(np.int32),
        "pfts1d_wtcol": weight,
        "H2OSNO": draw.uniform(0.0, 50.0, column_cell.size),
    }
    soil, grown = landunit == 1, (weight > 0.0) & ~lake & (plant > 0)
    scalar = np.full((soil.size, 15), 1.0e36)
    scalar[soil] = draw.uniform(0.1, 0.5, soil.sum())[:, None]
    values["scalaravg_col"] = scalar
    for name, pool in POOLS.items():
        if pool.on_patches:
            woody = np.isin(plant, WOODY) | (pool.part in ("leaf", "froot")) | (pool.group is Group.RESERVE)
            amount = draw.uniform(1.0, 300.0, plant.size) * (grown & woody)
            values[name] = -amount if name == "xsmrpool" else amount
        elif pool.layered:
            layers = np.zeros((soil.size, 15))
            layers[:, :10] = draw.uniform(1.0, 900.0, (soil.size, 10)) * soil[:, None]
            values[name] = layers
        else:
            values[name] = np.zeros(soil.size)
    set_ratios(values)
    return values


def set_ratios(values: dict[str, np.ndarray]) -> None:
    """N and P of every pool from its carbon, by fixed ratios; mineral N adds up."""
    for name, pool in POOLS.items():
        for letter, ratio in (("n", 12.0), ("p", 360.0)):
            if pool.element is not None and pool.element.value == letter and pool.part in CASCADE:
                values[name] = values[f"{pool.part}c_vr"] / ratio
            elif pool.element is not None and pool.element.value == letter and pool.on_patches:
                twin = name.replace(f"{pool.part}{letter}", f"{pool.part}c", 1)
                if twin in values and twin != name:
                    values[name] = values[twin] / (4.0 * ratio)
    values["sminn_vr"] = values["smin_nh4_vr"] + values["smin_no3_vr"]


def set_totals(values: dict[str, np.ndarray]) -> None:
    """ELM's totals, written out on their own; 1 gN m-2 of column N is on no file."""
    dz = layer_thickness()
    owner, weight = values["pfts1d_column_index"] - 1, values["pfts1d_wtcol"]
    columns = len(values["cols1d_ityplun"])
    tissues = ("leaf", "froot", "livestem", "deadstem", "livecroot", "deadcroot")
    for letter in "cnp":
        plants = sum(values[f"{t}{letter}{s}"] for t in tissues for s in ("", "_storage", "_xfer"))
        if letter == "c":
            values["totvegc"] = plants + sum(values[n] for n in ("gresp_storage", "gresp_xfer", "cpool"))
            plants = values["totvegc"] + values["xsmrpool"] + values["pft_ctrunc"]
        else:
            plants = plants + sum(
                values[n] for n in (f"{letter}pool", f"retrans{letter}", f"pft_{letter}trunc")
            )
        pools = {part: values[f"{part}{letter}_vr"][:, :10] @ dz for part in CASCADE}
        litter, soil = sum(pools[f"litr{i}"] for i in (1, 2, 3)), sum(pools[f"soil{i}"] for i in (1, 2, 3, 4))
        values[f"totlit{letter}"], values[f"totsom{letter}"] = litter, soil
        mineral = {"c": (), "n": ("sminn",), "p": ("solutionp", "labilep", "secondp")}[letter]
        total = np.bincount(owner, plants * weight, columns) + litter + soil + pools["cwd"]
        total = total + values[f"col_{letter}trunc_vr"][:, :10] @ dz
        total = total + sum((values[f"{n}_vr"][:, :10] @ dz for n in mineral), np.zeros(columns))
        values[f"totcol{letter}"] = total + (1.0 if letter == "n" else 0.0)
    values["cwdp"] = pools["cwd"]


def shuffle_rows(values: dict[str, np.ndarray], draw: np.random.Generator) -> None:
    """Another order of columns and of patches; indices follow."""
    columns, patches = len(values["cols1d_ityplun"]), len(values["pfts1d_itypveg"])
    column, patch = draw.permutation(columns), draw.permutation(patches)
    for name, array in values.items():
        if array.ndim and len(array) == columns:
            values[name] = array[column]
        elif array.ndim and len(array) == patches:
            values[name] = array[patch]
    place = np.argsort(column)
    values["pfts1d_column_index"] = (place[values["pfts1d_column_index"] - 1] + 1).astype(np.int32)


def pool_file(
    path: Path,
    restart: Path,
    names: tuple[str, ...],
    factor: float = 1.1,
    *,
    attributes: Mapping[str, str] | None = None,
    notes: Mapping[str, np.ndarray] | None = None,
    change: Callable[[dict[str, np.ndarray]], None] | None = None,
) -> Path:
    """Natural pools of a restart times ``factor``, for the patches that grow."""
    with open_dataset(restart) as dataset:
        subgrid = restart_subgrid(dataset)
        scale = restart_scale(dataset, default_factors())
        scalar = averaged_scalar(dataset["scalaravg_col"].read()[subgrid.column_row, :10].astype(float))
        grown, keys = subgrid.pft_weight > 0.0, subgrid.keys
        found = {}
        for name in names:
            pool = POOLS[name]
            rows = subgrid.pft_row[grown] if pool.on_patches else subgrid.column_row
            values = dataset[name].read()[rows].astype(float)
            values = values[:, :10] if pool.layered else values
            found[name] = values * scale.factor(pool, scalar) * factor
    if change is not None:
        change(found)
    own = SubgridKeys(
        keys.column_gridcell,
        keys.column_landunit,
        keys.column_type,
        keys.column_longitude,
        keys.column_latitude,
        keys.pft_column[grown],
        keys.pft_itypveg[grown],
    )
    said = {"method": "solver", "target_year": "equilibrium", "source_restart": restart.name}
    said["source_restart_sha256"] = sha256_of(restart)
    write_pools(path, PoolSet(own, found, notes or {}), {**said, **(attributes or {})})
    return path


def elm_exit(values: Mapping[str, np.ndarray], soil: np.ndarray) -> dict[str, np.ndarray]:
    """What ELM does in its first step with ``spinup_state = 0`` after 1, before anything else, but for P.

    cwd, soil3 and soil4 (C, N, P) times factor over averaged scalar; dead stem and dead coarse root times 10.
    """
    left = dict(values)
    for name in POOLS:
        part = POOLS[name].part
        if part in FACTORS and name in left:
            scaled = left[name].copy()
            scaled[soil, :10] = scaled[soil, :10] * FACTORS[part] / left["scalaravg_col"][soil, :10]
            left[name] = scaled
        elif name in {f"{p}{e}" for p in ("deadstem", "deadcroot") for e in "cnp"} and name in left:
            left[name] = left[name] * 10.0
    return left


def read_all(path: Path) -> dict[str, np.ndarray]:
    """Every variable of a file as stored."""
    with open_dataset(path) as dataset:
        return {name: dataset[name].read() for name in dataset}


def surface_file(path: Path, cells: int = 4, labile: float = 5.0) -> Path:
    """Surface file with P for the cells of :func:`small_restart`."""
    cell = np.arange(1, cells + 1)
    values = {
        "LONGXY": 250.0 + 0.5 * cell,
        "LATIXY": 40.0 + 0.1 * cell,
        "LABILE_P": np.full(cells, labile),
        "SECONDARY_P": 40.0 + cell,
        "OCCLUDED_P": 80.0 + cell,
        "APATITE_P": 90.0 + cell,
        "SOIL_ORDER": np.full(cells, 2, np.int32),
    }
    schema = tuple(VariableSchema(name, array.dtype, ("gridcell",)) for name, array in values.items())
    write_dataset(path, FileSchema({"gridcell": cells}, None, schema), values)
    return path


def sorption_file(path: Path) -> Path:
    """Langmuir constants of three soil orders."""
    values = {"smax": np.array([1.0, 60.0, 80.0]), "ks_sorption": np.array([1.0, 50.0, 60.0])}
    schema = tuple(VariableSchema(name, array.dtype, ("soilorder",)) for name, array in values.items())
    write_dataset(path, FileSchema({"soilorder": 3}, None, schema), values)
    return path


def total_names() -> set[str]:
    """Totals of the restart."""
    return set(TOTALS)
