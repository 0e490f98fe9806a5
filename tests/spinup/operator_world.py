"""A run of ELM that is made from a known operator: restart, history, surface and parameter file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from restart_world import small_restart, surface_file

from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.spinup.cascade import LAYERS, POOLS, TRANSITIONS, layers
from kiloland.spinup.operator import CascadeOperator, MineralPhosphorus
from kiloland.spinup.operator.fields import FIRE, RESPIRATION, TRANSFERS, UPPER
from kiloland.spinup.operator.source import RunPaths
from kiloland.spinup.solve import steady_carbon
from kiloland.spinup.solve.linear import mixing

CELLS = 4
SOIL_WEIGHT = 0.8
DAY = np.array([1.2039728, 0.07257069, 0.01409892, 0.0010005, 0.07257069, 0.01409892, 0.00140098, 0.00010001])
RESPIRED = np.array([0.39, 0.55, 0.29, 0.28, 0.46, 0.55, 1.0, 0.0, 0.0])
PATH = np.array([1.0] * 7 + [0.76, 0.24])
STEP = 3600.0
RATE = -np.expm1(-DAY * STEP / 86400.0) / STEP
ACCELERATION = np.maximum(1.0, np.where(np.arange(8) == 3, 0.5, 1.0) / (365.0 * DAY))
DIFFUSION = 3.2e-12
LITTER_NITROGEN, LITTER_PHOSPHORUS = 45.0, 900.0


def parameter_file(path: Path, leave_out: Iterable[str] = (), **changed: float) -> Path:
    """A parameter file with the constants of the cascade and of 17 plant types."""
    names = ("k_l1", "k_l2", "k_l3", "k_frag", "k_s1", "k_s2", "k_s3", "k_s4")
    values = dict(zip(names, DAY, strict=True))
    values |= dict(
        zip(("rf_l1s1", "rf_l2s2", "rf_l3s3", "rf_s1s2", "rf_s2s3", "rf_s3s4"), RESPIRED[:6], strict=True)
    )
    values |= {"cwd_fcel": 0.76, "cwd_flig": 0.24, "cn_s1": 12.0, "cn_s2": 12.0, "cn_s3": 10.0, "cn_s4": 10.0}
    values |= {"np_s1_new": 30.0, "np_s2_new": 30.0, "np_s3_new": 50.0, "np_s4_new": 50.0, "r_mort": 0.02}
    values |= changed
    arrays = {name: np.array([value]) for name, value in values.items() if name not in leave_out}
    schema = [VariableSchema(name, np.dtype("f8"), ("allpfts",)) for name in arrays]
    plants = {"slatop": 0.02, "dsladlai": 0.0012, "cc_dstem": 0.2, "fm_droot": 0.1}
    schema += [VariableSchema(name, np.dtype("f8"), ("pft",)) for name in plants]
    arrays |= {name: np.full(25, value) for name, value in plants.items()}
    write_dataset(path, FileSchema({"allpfts": 1, "pft": 25}, None, tuple(schema)), arrays)
    return path


def scalars() -> dict[str, np.ndarray]:
    """Scalars of the rates, [layer, cell]."""
    node = layers().node[:, None]
    cell = np.arange(CELLS)[None, :]
    return {
        "T_SCALAR": 0.5 + 0.05 * cell + 0.0 * node,
        "W_SCALAR": 0.6 + 0.03 * cell + 0.05 * np.minimum(node, 1.0),
        "O_SCALAR": np.ones((LAYERS, CELLS)),
    }


def true_operator() -> CascadeOperator:
    """The operator of the run; litter demands 0.8 of its nitrogen."""
    grid = layers()
    made = scalars()
    scalar = made["T_SCALAR"] * made["W_SCALAR"] * np.exp(-grid.node / 0.33)[:, None]
    decay = RATE[:, None, None] * scalar
    decay[:3] *= 0.8
    litter = np.zeros((8, LAYERS, CELLS))
    litter[:4] = 1e-5 * np.exp(-grid.node / 0.2)[:, None] * np.array([2.0, 3.0, 1.5, 2.0])[:, None, None]
    ones = np.ones((len(TRANSITIONS), LAYERS, CELLS))
    rates, layered = jnp.zeros(CELLS), jnp.zeros((LAYERS, CELLS))
    return CascadeOperator(
        thickness=jnp.asarray(grid.thickness),
        spacing=jnp.asarray(grid.spacing),
        decay=jnp.asarray(decay),
        respired=jnp.asarray(RESPIRED[:, None, None] * ones),
        path=jnp.asarray(PATH[:, None, None] * ones),
        diffusivity=jnp.full((LAYERS - 1, CELLS), DIFFUSION),
        fire=jnp.zeros((8, LAYERS, CELLS)),
        litter_input=jnp.asarray(litter),
        litter_input_n=jnp.asarray(litter / LITTER_NITROGEN),
        litter_input_p=jnp.asarray(litter / LITTER_PHOSPHORUS),
        biochemical_p=jnp.zeros((8, LAYERS, CELLS)),
        mineral=MineralPhosphorus(rates, rates, rates, rates, rates + 1.0, rates + 1.0, layered, layered),
    )


def history_values(operator: CascadeOperator, factor: np.ndarray) -> dict[str, np.ndarray]:
    """One year of fields in the state of balance, [(layer,) cell]; `factor` [pool].

    As ELM does, per area of the cell, but the respiration of single pools per area of soil.
    """
    thickness = layers().thickness[:, None]
    natural = np.asarray(steady_carbon(operator))
    stored = natural / factor[:, None, None]
    loss = np.asarray(operator.decay) * natural
    values = {f"{pool}C_vr": stored[n] for n, pool in enumerate(UPPER)}
    for n, pool in enumerate(UPPER):
        respired = 0.0 if n == 3 else RESPIRED[[0, 1, 2, 7, 3, 4, 5, 6][n]]
        if RESPIRATION[n]:
            values[f"{pool}_HR_vr"] = respired * loss[n]
        if n != 3:
            values[f"{pool}C_TNDNCY_VERT_TRANS"] = np.asarray(mixing(operator, jnp.asarray(natural[n])))
        if n < 4:
            values[FIRE[n]] = 0.0 * loss[n]
            values[f"{pool}N_vr"] = stored[n] / LITTER_NITROGEN
            values[f"{pool}P_vr"] = stored[n] / LITTER_PHOSPHORUS
    for n, (donor, _) in enumerate(TRANSITIONS):
        if TRANSFERS[n]:
            values[f"{TRANSFERS[n]}_vr"] = PATH[n] * (1.0 - RESPIRED[n]) * loss[donor]
    values["HR_vr"] = sum((values[f"{name}_vr"] for name in RESPIRATION if name), 0.0 * loss[0])
    for name in (*RESPIRATION, *TRANSFERS):
        if name:
            values[name] = (values[f"{name}_vr"] * thickness).sum(axis=0)
    alone = [f"{name}{tail}" for name in RESPIRATION if name for tail in ("", "_vr")]
    values["HR"] = (values["HR_vr"] * thickness).sum(axis=0)
    made = {n: value if n in alone else SOIL_WEIGHT * value for n, value in values.items()}
    made |= scalars()
    made |= {"FPI_vr": np.full((LAYERS, CELLS), 0.8), "FPI_P_vr": np.ones((LAYERS, CELLS))}
    scalar = np.asarray(operator.decay)[4] / RATE[4]
    for n, pool in enumerate(UPPER):
        made[f"K_{pool}"] = RATE[n] * factor[n] * scalar
    return made


def history_file(
    path: Path, values: Mapping[str, np.ndarray], years: Iterable[int], supplied: Iterable[int] = ()
) -> Path:
    """Annual means of `years`, the same each year; nutrients are supplied in the years `supplied`."""
    number = np.array(list(years))
    bounds = np.stack([(number - 1) * 365.0, number * 365.0], axis=1)
    extra = {name: np.where(np.isin(number, list(supplied)), 1.0, 0.7) for name in ("FPG", "FPI")}
    arrays: dict[str, np.ndarray] = {
        "time": bounds[:, 1],
        "time_bounds": bounds,
        "lon": 250.0 + 0.5 * np.arange(1, CELLS + 1),
        "lat": 40.0 + 0.1 * np.arange(1, CELLS + 1),
    }
    schema = [
        VariableSchema("time", np.dtype("f8"), ("time",), {"units": "days since 0001-01-01 00:00:00"}),
        VariableSchema("time_bounds", np.dtype("f8"), ("time", "hist_interval")),
        VariableSchema("lon", np.dtype("f8"), ("lndgrid",)),
        VariableSchema("lat", np.dtype("f8"), ("lndgrid",)),
    ]
    for name, value in values.items():
        repeated = np.broadcast_to(value, (number.size, *value.shape))
        if value.ndim == 2:
            below = np.full((number.size, 5, CELLS), 1e36)
            repeated = np.concatenate([repeated, below], axis=1)
        arrays[name] = repeated.astype(np.float64)
    arrays |= {name: np.repeat(value[:, None], CELLS, axis=1) for name, value in extra.items()}
    for name in (*values, *extra):
        dims = ("time", "levdcmp", "lndgrid") if arrays[name].ndim == 3 else ("time", "lndgrid")
        said = {"cell_methods": "time: mean", "_FillValue": 1e36}
        schema.append(VariableSchema(name, np.dtype("f8"), dims, said))
    sizes = {"lndgrid": CELLS, "levdcmp": LAYERS + 5, "hist_interval": 2}
    write_dataset(path, FileSchema(sizes, ("time", number.size), tuple(schema)), arrays)
    return path


def restart_file(path: Path, operator: CascadeOperator, factor: np.ndarray, **said: int) -> Path:
    """A restart in the same balance; the averaged scalar is 1."""
    stored = np.asarray(steady_carbon(operator)) / factor[:, None, None]

    def change(values: dict[str, np.ndarray]) -> None:
        soil = values["cols1d_ityplun"] == 1
        values["grid1d_ixy"] = np.arange(1, CELLS + 1, dtype=np.int32)
        values["grid1d_jxy"] = np.ones(CELLS, np.int32)
        values["timemgr_rst_step_sec"] = np.asarray(STEP, np.int32)
        values["timemgr_rst_start_ymd"] = np.asarray(10101, np.int32)
        values["som_diffus_coef_vr"] = np.full((soil.size, 15), DIFFUSION)
        values["scalaravg_col"] = np.ones((soil.size, 15))
        for number, pool in enumerate(POOLS):
            values[f"{pool}c_vr"] = np.zeros((soil.size, 15))
            values[f"{pool}c_vr"][soil, :LAYERS] = stored[number].T

    return small_restart(path, CELLS, change=change, **said)


def write_run(
    folder: Path, *, full: bool = True, accelerated: bool = True, year: int = 39, **said: int
) -> RunPaths:
    """All files of a run in balance whose restart is of `year`; ten years of history end there."""
    operator = true_operator()
    factor = ACCELERATION if accelerated else np.ones(8)
    values = history_values(operator, factor)
    if not full:
        values = {name: value for name, value in values.items() if not name.startswith("K_")}
    return RunPaths(
        restart_file(folder / "r.nc", operator, factor, state=int(accelerated), year=year, **said),
        (history_file(folder / "h0.nc", values, range(year - 10, year)),),
        surface_file(folder / "surface.nc", CELLS),
        parameter_file(folder / "parameters.nc"),
    )
