"""A data set whose equilibrium is a smooth function of what the short run shows, for the benchmark."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kiloland.spinup.dataset.table import CellTable, Column, write_table

PATCH_POOLS = ("deadcrootc", "deadstemc", "tlai", "leafc")
LAYER_POOLS = ("cwdc_vr", "soil3c_vr", "soil4c_vr", "soil4n_vr")
PLANT_TYPES, LAYERS = 17, 10


def small_table(cells: int = 240, seed: int = 1) -> CellTable:
    """Cells on a sphere with warm and cold climates; woody types are 1 to 8."""
    draw = np.random.default_rng(seed)
    latitude = np.degrees(np.arcsin(draw.uniform(-0.8, 0.95, cells)))
    warmth = 300.0 - 0.6 * np.abs(latitude) + draw.normal(size=cells)
    season = 20.0 * np.abs(np.sin(np.radians(latitude)))
    months = np.cos(2.0 * np.pi * np.arange(12) / 12.0)
    cover = draw.dirichlet(np.full(PLANT_TYPES, 0.3), cells)
    cover = np.where(cover < 0.05, 0.0, cover)
    cover = 100.0 * cover / cover.sum(axis=1, keepdims=True)
    values: dict[str, np.ndarray] = {
        "latitude": latitude,
        "longitude": draw.uniform(0.0, 360.0, cells),
        "area": 1.0e10 * np.cos(np.radians(latitude)),
        "member": np.zeros(cells),
        "biome": np.digitize(warmth, [265.0, 280.0, 292.0]),
        "pft_cover": cover,
        "forcing_TBOT": warmth[:, None] + season[:, None] * months,
        "flux_NPP": 1.0e-5 * np.exp(0.04 * (warmth - 280.0)) * draw.uniform(0.8, 1.2, cells),
        "flux_T_SCALAR": np.exp(0.07 * (warmth - 290.0))[:, None] * np.linspace(1.0, 0.3, LAYERS),
        "surface_PCT_SAND": draw.uniform(10.0, 80.0, (cells, LAYERS)),
    }
    productive = values["flux_NPP"] / 1.0e-5
    woody = np.isin(np.arange(PLANT_TYPES), np.arange(1, 9))
    for number, name in enumerate(PATCH_POOLS):
        present = (cover > 0.0) & (woody | (name in ("tlai", "leafc")))
        before = np.where(present, draw.lognormal(sigma=0.3, size=cover.shape), 0.0)
        truth = before * (2.0 + 0.5 * number) * productive[:, None]
        values |= {"X_" + name: before, "Y_" + name: np.where(cover > 0.0, truth, np.nan)}
    for number, name in enumerate(LAYER_POOLS):
        before = 100.0 * draw.lognormal(sigma=0.3, size=(cells, LAYERS)) * np.linspace(1.0, 0.1, LAYERS)
        truth = before * (1.5 + number) * productive[:, None] / (0.3 + values["flux_T_SCALAR"])
        values |= {"X_" + name: before, "Y_" + name: truth}
    return CellTable({name: column_of(name, array) for name, array in values.items()}, values, {})


def column_of(name: str, values: np.ndarray) -> Column:
    """The description of an array, its dimensions by its shape."""
    last = {PLANT_TYPES: "pft", LAYERS: "layer", 12: "month"}
    dims = ("cell", *(last[length] for length in values.shape[1:]))
    return Column(name, dims, "1", name, integer=name in ("member", "biome"))


def write_small_world(path: Path, cells: int = 240, seed: int = 1) -> Path:
    """The data set as a file."""
    table = small_table(cells, seed)
    write_table(path, table.columns, iter([table]), cells, 1, {"label": "made for a test"})
    return path
