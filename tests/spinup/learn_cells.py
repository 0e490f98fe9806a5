"""Cells whose equilibrium follows from hidden closures, for tests of the network and its training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from kiloland.spinup.cascade import LAYERS, POOLS, TRANSITIONS, layers
from kiloland.spinup.dataset.fields import (
    CELL_FLUXES,
    FORCING,
    LAYER_FLUXES,
    LAYER_POOLS,
    PATCH_FLUXES,
    PATCH_POOLS,
    PATCH_TENDENCIES,
    PLANT_TYPES,
    SURFACE_CELL,
    SURFACE_LAYERS,
    TRAITS,
)
from kiloland.spinup.dataset.operators import operator_columns, operator_values
from kiloland.spinup.dataset.table import CellTable, Column
from kiloland.spinup.operator import CascadeOperator, MineralPhosphorus
from kiloland.spinup.solve import steady_carbon
from kiloland.spinup.tables import POOLS as ELM_POOLS

RATE = np.array([1.39e-5, 8.4e-7, 1.63e-7, 1.16e-8, 8.4e-7, 1.63e-7, 1.62e-8, 1.157e-9])
RESPIRED = np.array([0.39, 0.55, 0.29, 0.28, 0.46, 0.55, 1.0, 0.0, 0.0])
PATH = np.array([1.0] * 7 + [0.76, 0.24])
RATIO = {"c": 1.0, "n": 1.0 / 12.0, "p": 1.0 / 360.0}
LITTER = np.array([0.3, 0.4, 0.2, 0.1])


def learn_table(cells: int = 96, seed: int = 1, members: int = 2) -> CellTable:
    """Cells with everything that a data set holds, three plant types each; the truth grows with warmth."""
    draw = np.random.default_rng(seed)
    latitude = np.degrees(np.arcsin(draw.uniform(-0.8, 0.95, cells)))
    warmth = 300.0 - 0.6 * np.abs(latitude) + draw.normal(size=cells)
    cover = 100.0 * draw.dirichlet(np.full(PLANT_TYPES, 0.3), cells)
    cover = np.where(cover < np.sort(cover, axis=1)[:, -3:-2], 0.0, cover)
    cover[:, 0] += 100.0 - cover.sum(axis=1)
    values: dict[str, Any] = {
        "latitude": latitude,
        "longitude": draw.uniform(0.0, 360.0, cells),
        "area": np.full(cells, 1.0e10),
        "gridcell": np.arange(cells) + 1,
        "member": draw.integers(0, members, cells),
        "biome": np.argmax(cover, axis=1),
        "pft_cover": cover,
    }
    operator = random_operator(draw, warmth)
    values |= operator_values(operator)
    growth = 0.02 * (warmth - 280.0)
    values |= weather(draw, latitude, warmth) | surface(draw, cells)
    values |= soils(draw, operator, growth) | plants(draw, cover, growth)
    traits = {f"trait_{name}": draw.uniform(0.5, 1.5, (members, PLANT_TYPES)) for name in TRAITS}
    traits["trait_slatop"], traits["trait_dsladlai"] = (
        0.02 * traits[f"trait_{n}"] for n in ("slatop", "woody")
    )
    traits["trait_dsladlai"] *= 0.1
    values |= traits
    columns = {name: column_of(name, array) for name, array in values.items()}
    return CellTable(columns, values, {"source_spinup_state": 1, "members": "[]", "label": "test"})


def random_operator(draw: np.random.Generator, warmth: np.ndarray) -> CascadeOperator:
    """An operator whose rates follow warmth and depth."""
    cells, grid = warmth.size, layers()
    scalar = np.exp(0.05 * (warmth - 300.0)) * np.exp(-grid.node / 0.5)[:, None]
    shape = (len(POOLS), LAYERS, cells)
    litter = np.zeros(shape)
    depth = np.exp(-grid.node / 0.3)[:, None] / 0.3
    litter[:4] = 1.5e-5 * LITTER[:, None, None] * depth * draw.uniform(0.5, 2.0, cells)
    ones = np.ones((len(TRANSITIONS), LAYERS, cells))
    column, layer = np.ones(cells), np.ones((LAYERS, cells))
    mineral = MineralPhosphorus(
        *(jnp.asarray(v * column) for v in (1e-11, 1e-9, 1e-9, 1e-11, 100.0, 0.5)),
        leaching=jnp.asarray(1e-9 * layer),
        deposition=jnp.asarray(1e-12 * layer),
    )
    return CascadeOperator(
        thickness=jnp.asarray(grid.thickness),
        spacing=jnp.asarray(grid.spacing),
        decay=jnp.asarray(RATE[:, None, None] * scalar * draw.uniform(0.8, 1.2, (1, 1, cells))),
        respired=jnp.asarray(RESPIRED[:, None, None] * ones),
        path=jnp.asarray(PATH[:, None, None] * ones),
        diffusivity=jnp.asarray(np.full((LAYERS - 1, cells), 1e-4 / 3.15e7)),
        fire=jnp.asarray(np.zeros(shape)),
        litter_input=jnp.asarray(litter),
        litter_input_n=jnp.asarray(litter / 40.0),
        litter_input_p=jnp.asarray(litter / 900.0),
        biochemical_p=jnp.asarray(np.zeros(shape)),
        mineral=mineral,
    )


def soils(draw: np.random.Generator, operator: CascadeOperator, growth: np.ndarray) -> dict[str, Any]:
    """Layered pools and fluxes: the short run is part of the way to the operator's steady state."""
    cells = growth.size
    own = np.asarray(steady_carbon(operator))
    changed = replace(operator, litter_input=operator.litter_input * np.exp(growth))
    truth = np.asarray(steady_carbon(changed))
    values: dict[str, Any] = {}
    for number, pool in enumerate(POOLS):
        reached = draw.uniform(0.4, 0.9, cells) if number > 5 else 1.0
        for letter, ratio in RATIO.items():
            name = f"{pool}{letter}_vr"
            values[f"X_{name}"] = (own[number] * reached * ratio).T
            values[f"Y_{name}"] = (truth[number] * ratio).T
    for name in LAYER_POOLS:
        if f"X_{name}" not in values:
            values[f"X_{name}"] = draw.lognormal(sigma=0.3, size=(cells, LAYERS))
            values[f"Y_{name}"] = values[f"X_{name}"] * np.exp(growth)[:, None]
    for name in LAYER_FLUXES:
        values[f"flux_{name}"] = draw.uniform(0.3, 0.8, (cells, LAYERS))
    for number, pool in enumerate(POOLS):
        values[f"flux_K_{pool.upper()}"] = np.asarray(operator.decay)[number].T
    for name in CELL_FLUXES:
        values[f"flux_{name}"] = 1.0e-5 * draw.lognormal(sigma=0.2, size=cells)
    natural = np.stack([values[f"X_{pool}c_vr"].T for pool in POOLS])
    thickness = np.asarray(operator.thickness)[:, None]
    values["flux_HR"] = sum(
        (RESPIRED[k] * PATH[k] * np.asarray(operator.decay)[d] * natural[d] * thickness).sum(axis=0)
        for k, (d, _) in enumerate(TRANSITIONS)
    )
    litter = (np.asarray(operator.litter_input) * thickness).sum(axis=1)
    values["flux_LITFALL"], values["flux_VEGC_TO_CWDC"] = litter[:3].sum(axis=0), litter[3]
    return values


def plants(draw: np.random.Generator, cover: np.ndarray, growth: np.ndarray) -> dict[str, Any]:
    """Pools and fluxes of plant types; the last two types have no wood."""
    values: dict[str, Any] = {}
    there = cover > 0.0
    for name in PATCH_POOLS:
        wood = any(part in name for part in ("stem", "croot"))
        size = np.where(there, draw.lognormal(sigma=0.3, size=cover.shape), 0.0) * 100.0
        size = np.where(wood & (np.arange(PLANT_TYPES) > 14), 0.0, size)
        sign = -1.0 if ELM_POOLS[name].must_not_be_positive else 1.0
        values[f"X_{name}"] = sign * size
        values[f"Y_{name}"] = sign * size * np.exp(growth)[:, None]
    for name in PATCH_FLUXES:
        values[f"patch_{name}"] = np.where(there, 1e-6 * draw.lognormal(sigma=0.3, size=cover.shape), 0.0)
    for name in PATCH_TENDENCIES:
        values[f"tendency_{name}"] = np.zeros(cover.shape)
    return values


def weather(draw: np.random.Generator, latitude: np.ndarray, warmth: np.ndarray) -> dict[str, Any]:
    """Monthly means with a season by latitude."""
    wave = np.cos(2.0 * np.pi * (np.arange(12) - 6.0) / 12.0)[None, :] * np.sign(latitude)[:, None]
    season = 0.2 * np.abs(latitude)[:, None] * wave
    rain = 3.0e-5 * draw.lognormal(sigma=0.5, size=(latitude.size, 1)) * (1.0 + 0.3 * wave)
    values = {
        "TBOT": warmth[:, None] + season,
        "FSDS": 180.0 + 3.0 * season,
        "RAIN": rain,
        "SNOW": 0.1 * rain,
        "QBOT": 0.005 * np.exp(0.06 * (warmth[:, None] + season - 285.0)),
        "PBOT": np.full((latitude.size, 12), 9.5e4),
        "FLDS": 300.0 + season,
    }
    return {f"forcing_{name}": values[name] for name in FORCING}


def surface(draw: np.random.Generator, cells: int) -> dict[str, Any]:
    """Texture, phosphorus, soil order."""
    values: dict[str, Any] = {f"surface_{name}": 10.0 * draw.lognormal(size=cells) for name in SURFACE_CELL}
    values["surface_SOIL_ORDER"] = draw.integers(1, 13, cells).astype(float)
    for name in SURFACE_LAYERS:
        values[f"surface_{name}"] = draw.uniform(10.0, 40.0, (cells, LAYERS))
    return values


def column_of(name: str, values: np.ndarray) -> Column:
    """The description of an array, its dimensions by its shape."""
    if name.startswith("operator_"):
        return operator_columns()[name]
    last = {PLANT_TYPES: "pft", LAYERS: "layer", 12: "month"}
    first = "member" if name.startswith("trait_") else "cell"
    dims = (first, *(last[length] for length in values.shape[1:]))
    return Column(name, dims, "1", name, integer=name in ("member", "biome", "gridcell"))
