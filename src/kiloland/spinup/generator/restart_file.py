"""A state on a file with ELM's restart layout, and back without losing a bit.

What the model world does not have (transfer pools, wood products, snow) is there as zeros, so that readers of
ELM's restarts find what they look for. The memory of the plants is in ELM's fields of the same meaning:
``nlim_m``, ``plim_m``, ``wlim_m`` (running means of the limitations), ``lgsf`` (share of leaves that is out),
``annsum_npp`` and ``tempsum_npp``, ``col_lag_npp``; water is ``H2OSOI_LIQ`` of the layers, of which the first
of each zone says all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, DatasetWriter, FileSchema, VariableSchema, open_dataset
from kiloland.spinup.generator.climate import FloatArray
from kiloland.spinup.generator.constants import (
    FREEZING,
    LAYERS,
    LITTERS,
    POOLS,
    SECONDS,
    SOIL_CN,
    SOIL_CP,
    THICKNESS,
    TISSUES,
    UPPER_LAYERS,
    ZONE,
)
from kiloland.spinup.generator.layout import Subgrid, file_attributes, index_vectors, variable
from kiloland.spinup.generator.state import Plants, PlantState, SoilState, WorldState

LEVELS, SNOW = 15, 5
MINERAL = {
    "smin_nh4_vr": "ammonium",
    "smin_no3_vr": "nitrate",
    "solutionp_vr": "solution",
    "labilep_vr": "labile",
    "secondp_vr": "secondary",
    "occlp_vr": "occluded",
    "primp_vr": "primary",
}
RESERVES = {
    "leafc_storage": "leaf_storage",
    "frootc_storage": "froot_storage",
    "cpool": "cpool",
    "xsmrpool": "xsmrpool",
    "npool": "npool",
    "ppool": "ppool",
    "retransn": "retransn",
    "retransp": "retransp",
    "nlim_m": "nitrogen_status",
    "plim_m": "phosphorus_status",
    "wlim_m": "water_status",
    "lgsf": "leaves_out",
    "annsum_npp": "year_npp",
    "tempsum_npp": "sum_npp",
}
Layered = dict[str, FloatArray]


def column_values(state: SoilState, average: FloatArray, spin: bool) -> Layered:
    """Layer fields by restart name, ``layer cell``."""
    result: Layered = {}
    for number, pool in enumerate(POOLS):
        carbon = np.asarray(state.carbon[number])
        result[f"{pool}c_vr"] = carbon
        if number < LITTERS:
            result[f"{pool}n_vr"] = np.asarray(state.nitrogen[number])
            result[f"{pool}p_vr"] = np.asarray(state.phosphorus[number])
        else:
            result[f"{pool}n_vr"] = carbon / SOIL_CN[number - LITTERS]
            result[f"{pool}p_vr"] = carbon / SOIL_CP[number - LITTERS]
    for name, field in MINERAL.items():
        result[name] = np.asarray(getattr(state, field))
    result["sminn_vr"] = result["smin_nh4_vr"] + result["smin_no3_vr"]
    result["scalaravg_col"] = np.broadcast_to(
        average if spin else np.ones_like(average), (LAYERS, len(average))
    )
    zero = np.zeros_like(result["primp_vr"])
    result |= {f"col_{element}trunc_vr": zero for element in "cnp"}
    return result


def patch_values(state: PlantState, plants: Plants, grid: Subgrid) -> dict[str, FloatArray]:
    """Patch fields by restart name, ``pft``."""
    cn, cp, tissue = np.asarray(plants.cn), np.asarray(plants.cp), np.asarray(state.tissue)
    slots: dict[str, FloatArray] = {}
    for number, name in enumerate(TISSUES):
        stored = {"leaf": state.leaf_storage, "froot": state.froot_storage}.get(name)
        storage = np.zeros_like(tissue[0]) if stored is None else np.asarray(stored)
        for element, ratio in (("c", None), ("n", cn[number]), ("p", cp[number])):
            slots[f"{name}{element}"] = tissue[number] if ratio is None else tissue[number] / ratio
            slots[f"{name}{element}_storage"] = storage if ratio is None else storage / ratio
            slots[f"{name}{element}_xfer"] = np.zeros_like(storage)
    for name, field in RESERVES.items():
        slots[name] = np.asarray(getattr(state, field))
    zero = np.zeros_like(tissue[0])
    for name in ("gresp_storage", "gresp_xfer", "pft_ctrunc", "pft_ntrunc", "pft_ptrunc"):
        slots[name] = zero
    slots["totvegc"] = tissue.sum(axis=0) + slots["leafc_storage"] + slots["frootc_storage"] + slots["cpool"]
    slots["tlai"] = np.asarray(plants.sla) * tissue[0]
    slots["elai"] = slots["tlai"]
    slots["plant_ndemand"] = slots["plant_pdemand"] = zero
    return {name: grid.patches(values) for name, values in slots.items()}


def totals(layered: Layered, patches: dict[str, FloatArray], grid: Subgrid) -> dict[str, FloatArray]:
    """Column totals, g m-2: of soil by element, and of the column as ELM sums them."""
    dz, weight = THICKNESS[:LAYERS, None], grid.weight()

    def depth(*names: str) -> FloatArray:
        return np.asarray(sum((layered[name] * dz).sum(axis=0) for name in names))

    def plants(*names: str) -> FloatArray:
        both = sum(patches[name] for name in names) * weight
        return np.asarray(both.reshape(grid.cells, -1).sum(axis=1))

    result: dict[str, FloatArray] = {}
    own = {"c": ("cpool", "xsmrpool"), "n": ("npool", "retransn"), "p": ("ppool", "retransp")}
    mineral = {"c": (), "n": ("sminn_vr",), "p": ("solutionp_vr", "labilep_vr", "secondp_vr")}
    for element in "cnp":
        result[f"totlit{element}"] = depth(*(f"litr{number}{element}_vr" for number in (1, 2, 3)))
        result[f"totsom{element}"] = depth(*(f"soil{number}{element}_vr" for number in (1, 2, 3, 4)))
        result[f"cwd{element}"] = depth(f"cwd{element}_vr")
        tissues = [f"{name}{element}{tail}" for name in TISSUES for tail in ("", "_storage")]
        total = result[f"totlit{element}"] + result[f"totsom{element}"] + result[f"cwd{element}"]
        extra = depth(*mineral[element]) if mineral[element] else 0.0
        # ELM counts a nitrogen buffer of the plants of 1 gN m-2 that is on no file.
        result[f"totcol{element}"] = total + extra + plants(*tissues, *own[element]) + (element == "n")
        result[f"seed{element}"] = np.zeros(grid.cells)
        for years in (1, 10, 100):
            result[f"prod{years}{element}"] = np.zeros(grid.cells)
    return result


def write_restart(
    path: Path,
    state: WorldState,
    plants: Plants,
    grid: Subgrid,
    *,
    average: FloatArray,
    diffusivity: FloatArray,
    spin: bool,
    year: int,
    member: int,
    temperature: FloatArray,
) -> None:
    """Write 1 January of a year. ``diffusivity`` in m2 s-1 and ``temperature`` in C, ``layer cell``.

    Raises OutputError where the file cannot be written.
    """
    layered = column_values(state.soil, average, spin)
    layered["som_diffus_coef_vr"] = diffusivity
    layered["fpi_vr"] = layered["fpi_p_vr"] = np.ones_like(diffusivity)
    patches = patch_values(state.plants, plants, grid)
    sums = totals(layered, patches, grid)
    sums["col_lag_npp"] = np.asarray(state.soil.lagged_npp) / SECONDS
    npp = np.asarray(state.plants.year_npp) * grid.cover
    sums["cannsum_npp"] = npp.sum(axis=0)
    moisture = np.asarray(state.soil.water)
    first = THICKNESS[np.where(ZONE == 0, 0, UPPER_LAYERS)]
    liquid = moisture[ZONE] * (THICKNESS[:LAYERS] / first)[:, None]
    columns: dict[str, tuple[tuple[str, ...], FloatArray, str, str]] = {
        "H2OSOI_LIQ": (("column", "levtot"), padded(liquid, SNOW, LEVELS), "kg/m2", "liquid water"),
        "H2OSOI_ICE": (("column", "levtot"), padded(0.0 * liquid, SNOW, LEVELS), "kg/m2", "ice lens"),
        "T_SOISNO": (
            ("column", "levtot"),
            padded(temperature + FREEZING, SNOW, LEVELS, edge=True),
            "K",
            "soil-snow temperature",
        ),
    }
    for name, values in layered.items():
        columns[name] = (("column", "levgrnd"), padded(values, 0, LEVELS), "", "")
    for name, values in sums.items():
        columns[name] = (("column",), values, "", "")
    for name, values in patches.items():
        columns[name] = (("pft",), values, "", "")
    save(path, columns, grid, spin=spin, year=year, member=member)


def padded(values: FloatArray, above: int, levels: int, edge: bool = False) -> FloatArray:
    """``layer cell`` to ``cell level`` with ``above`` rows on top; zeros, or the last layer, below."""
    result = np.zeros((values.shape[1], above + levels))
    result[:, above : above + LAYERS] = values.T
    if edge:
        result[:, above + LAYERS :] = values[-1][:, None]
        result[:, :above] = values[0][:, None]
    return result


def save(
    path: Path,
    fields: dict[str, tuple[tuple[str, ...], FloatArray, str, str]],
    grid: Subgrid,
    *,
    spin: bool,
    year: int,
    member: int,
) -> None:
    """Put index vectors, dates and fields on the file."""
    scalars = {
        "timemgr_rst_step_sec": int(SECONDS),
        "timemgr_rst_start_ymd": 10101,
        "timemgr_rst_start_tod": 0,
        "timemgr_rst_ref_ymd": 10101,
        "timemgr_rst_ref_tod": 0,
        "timemgr_rst_curr_ymd": year * 10000 + 101,
        "timemgr_rst_curr_tod": 0,
        "spinup_state": int(spin),
        "decomp_cascade_state": 10,
    }
    index = index_vectors(grid, history=False)
    variables = [VariableSchema(name, "i4", (), {"long_name": name}) for name in scalars]
    variables += [
        variable(name, dtype, dims, units, text) for name, (dtype, dims, _, units, text) in index.items()
    ]
    variables += [variable(name, "f8", dims, units, text) for name, (dims, _, units, text) in fields.items()]
    schema = FileSchema(
        dimensions={
            "gridcell": grid.cells,
            "topounit": grid.cells,
            "landunit": grid.cells,
            "column": grid.cells,
            "pft": grid.cells * 17,
            "levgrnd": LEVELS,
            "levtot": SNOW + LEVELS,
        },
        variables=tuple(variables),
        attributes=file_attributes(
            "ELM Restart information (model world)",
            member,
            ilun_vegetated_or_bare_soil="1",
            icol_vegetated_or_bare_soil="1",
        ),
    )
    with DatasetWriter(path, schema, verify=False) as writer:
        for name, number in scalars.items():
            writer.put(name, np.int32(number))
        for name, (_, _, values, _, _) in index.items():
            writer.put(name, values)
        for name, (_, values, _, _) in fields.items():
            writer.put(name, np.asarray(values, np.float64))


def read_restart(path: Path, grid: Subgrid) -> tuple[WorldState, bool]:
    """The state on a restart of the model world, and whether it is one of accelerated spinup.

    Raises InputError where a field is missing, not finite, or the cells are others than the member's.
    """
    with open_dataset(path) as file:
        check_cells(file, grid)
        spin = bool(int(np.ravel(file["spinup_state"].read())[0]))
        carbon = np.stack([layer_field(file, f"{pool}c_vr") for pool in POOLS])
        litters = POOLS[:LITTERS]
        liquid = np.asarray(file["H2OSOI_LIQ"].values(), np.float64)[:, SNOW:]
        soil: dict[str, Any] = {
            "carbon": carbon,
            "nitrogen": np.stack([layer_field(file, f"{pool}n_vr") for pool in litters]),
            "phosphorus": np.stack([layer_field(file, f"{pool}p_vr") for pool in litters]),
            "water": np.stack([liquid[:, 0], liquid[:, UPPER_LAYERS]]),
            "lagged_npp": finite(file, "col_lag_npp") * SECONDS,
        }
        soil |= {field: layer_field(file, name) for name, field in MINERAL.items()}
        plants: dict[str, Any] = {field: grid.slots(finite(file, name)) for name, field in RESERVES.items()}
        plants["tissue"] = np.stack([grid.slots(finite(file, f"{name}c")) for name in TISSUES])
    return (
        WorldState(
            SoilState(**{name: jnp.asarray(value) for name, value in soil.items()}),
            PlantState(**{name: jnp.asarray(value) for name, value in plants.items()}),
        ),
        spin,
    )


def layer_field(file: Dataset, name: str) -> FloatArray:
    """A layer field, ``layer cell``."""
    return np.ascontiguousarray(finite(file, name)[:, :LAYERS].T)


def finite(file: Dataset, name: str) -> NDArray[np.float64]:
    """A field; an error where it is missing or not a number."""
    if name not in file:
        raise InputError("the restart lacks a field", file=file.path, variable=name)
    values = np.asarray(file[name].values(), np.float64)
    if not np.isfinite(values).all():
        place = tuple(int(axis[0]) for axis in np.nonzero(~np.isfinite(values)))
        raise InputError("is not a number", file=file.path, variable=name, where=f"entry {list(place)}")
    return values


def check_cells(file: Dataset, grid: Subgrid) -> None:
    """Raise InputError where the restart has other cells than the member."""
    latitude = finite(file, "grid1d_lat")
    same = latitude.shape == grid.climate.latitude.shape and np.allclose(latitude, grid.climate.latitude)
    if not same:
        raise InputError(
            "the restart has other cells than the member",
            file=file.path,
            variable="grid1d_lat",
            found=f"{latitude.size} cells",
            expected=f"{grid.cells} cells of the manifest",
        )
